//! What is counted: the log, looked through anew each time.

use super::rules::{Figures, of};
use super::{Kind, Model, millis};
use breaker::{Counts, RateOf, Window};

impl Model {
    fn count(&self, kind: Kind, now: u64) -> u64 {
        let (bucket, buckets) = match self.settings.window {
            Window::Time { length, buckets } => (millis(length) / u64::from(buckets), u64::from(buckets)),
            Window::Calls(_) => (1_000, 10),
        };
        let oldest = (now / bucket).saturating_sub(buckets - 1);
        self.log.iter().filter(|(at, what)| *what == kind && at / bucket >= oldest).count() as u64
    }

    pub(in super::super) fn counts(&self, now: u64) -> Counts {
        let mut counts = Counts::default();
        counts.fires = self.count(Kind::Fire, now);
        counts.successes = self.count(Kind::Success, now);
        counts.failures = self.count(Kind::Failure, now);
        counts.timeouts = self.count(Kind::Timeout, now);
        counts.rejects = self.count(Kind::Reject, now);
        counts.semaphore_rejections = self.count(Kind::Locked, now);
        counts.slow = self.count(Kind::Slow, now);
        counts
    }

    pub(super) fn figures(&self, now: u64) -> Figures {
        let figures = match self.settings.window {
            Window::Calls(_) => of(&self.ring),
            Window::Time { .. } => {
                let ended = self.count(Kind::Success, now) + self.count(Kind::Failure, now);
                let asked = self.count(Kind::Fire, now);
                Figures {
                    calls: if self.settings.rate_of == RateOf::Asked { asked } else { ended },
                    failures: self.count(Kind::Failure, now),
                    ended,
                    slow: self.count(Kind::Slow, now),
                    ..Figures::default()
                }
            }
        };
        let (consecutive, volume) = (self.consecutive, self.settings.volume);
        Figures { consecutive, volume, under_way: self.under_way, ..figures }
    }

    pub(in super::super) fn volume(&self, now: u64) -> u64 {
        self.figures(now).calls
    }
}
