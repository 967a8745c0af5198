//! When the next order of a steady load is due. Pure: the time is passed in.

use crate::limits;
use std::time::Duration;
use tokio::time::Instant;

/// The beat of a load.
#[derive(Debug)]
pub(super) struct Pace {
    begun: Instant,
    rate: u16,
    /// Those that were due so far.
    past: u64,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// To be sent.
    pub(super) now: u64,
    /// Too late: to be skipped.
    pub(super) late: u64,
}

impl Pace {
    /// None where there is no load.
    pub(super) fn new(rate: u16, now: Instant) -> Option<Self> {
        (rate > 0).then_some(Self { begun: now, rate, past: 0 })
    }

    /// When the next is due; the first is at once.
    pub(super) fn next(&self) -> Instant {
        let micros = (self.past * 1_000_000).div_ceil(u64::from(self.rate));
        self.begun + Duration::from_micros(micros)
    }

    /// What has become due since it was last asked.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        let micros = (now - self.begun).as_micros();
        let until_now = u64::try_from(micros * u128::from(self.rate) / 1_000_000).unwrap_or(u64::MAX);
        let due = (until_now + 1).saturating_sub(self.past);
        self.past += due;
        let most = 1 + u64::try_from(limits::LATE.as_millis()).unwrap_or(0) * u64::from(self.rate) / 1000;
        Due { now: due.min(most), late: due.saturating_sub(most) }
    }
}
