//! How long the relay waits between two batches: pure, told a random number.
//!
//! Each hand-over that failed waits for itself. The relay waits too, or a long queue before a service that is down would be
//! tried from one end to the other where no circuit is there to stop it.

use breaker::Backoff;
use std::time::Duration;

/// How often the store is asked whether there is anything to do.
pub(super) const TICK: Duration = Duration::from_millis(500);

const FIRST: Duration = Duration::from_millis(100);
const BACKOFF: Backoff = Backoff { factor: 2.0, ceiling: Duration::from_secs(5), jitter: 0.5 };

/// What came of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batch {
    /// There was nothing to do, or no answer from the store.
    Idle,
    /// All were taken, or set aside.
    Done,
    /// Some were not.
    Missed,
}

/// Remembers how often in a row it went badly.
#[derive(Debug, Default)]
pub(super) struct Pace {
    missed: u32,
}

impl Pace {
    /// How long to wait after a batch.
    pub(super) fn after(&mut self, batch: Batch, random: f64) -> Duration {
        match batch {
            Batch::Idle => TICK,
            Batch::Done => {
                self.missed = 0;
                Duration::ZERO
            }
            Batch::Missed => {
                let wait = BACKOFF.wait(FIRST, self.missed, random);
                self.missed = self.missed.saturating_add(1);
                wait
            }
        }
    }
}

#[cfg(test)]
mod tests;
