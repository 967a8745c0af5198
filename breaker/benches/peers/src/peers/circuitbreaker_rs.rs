//! circuitbreaker-rs, which counts since it was made.

use super::{AN_HOUR, VOLUME};
use crate::call::{Answer, Fault, Work, bad, drive, good, pends_once};
use crate::peer::{Kind, Peer, Row};
use circuitbreaker_rs::{BreakerError, CircuitBreaker, DefaultPolicy};

pub(super) const ROWS: [Row; 1] =
    [Row::new::<Counts>("circuitbreaker-rs 0.1.1", Kind::Peer, "life-time counters")];

struct Counts(CircuitBreaker<DefaultPolicy, Fault>);

impl Clone for Counts {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Counts {
    #[inline(always)]
    fn call<W: Future<Output = Work>>(&self, work: W) -> Answer {
        match drive(self.0.call_async(|| work)) {
            Ok(_) => Answer::Good,
            Err(BreakerError::Operation(_)) => Answer::Bad,
            Err(BreakerError::Open) => Answer::Refused,
            Err(_) => Answer::Odd,
        }
    }
}

impl Peer for Counts {
    fn closed() -> Self {
        let breaker = CircuitBreaker::<DefaultPolicy, Fault>::builder()
            .failure_threshold(0.99)
            .min_throughput(VOLUME.into())
            .consecutive_failures(u64::MAX)
            .cooldown(AN_HOUR);
        Self(breaker.build())
    }
    fn open() -> Self {
        let breaker = CircuitBreaker::<DefaultPolicy, Fault>::builder().cooldown(AN_HOUR).build();
        breaker.force_open();
        Self(breaker)
    }
    #[inline(always)]
    fn good(&mut self) -> Answer {
        self.call(good())
    }
    #[inline(always)]
    fn bad(&mut self) -> Answer {
        self.call(bad())
    }
    #[inline(always)]
    fn pends(&mut self) -> Answer {
        self.call(pends_once())
    }
}
