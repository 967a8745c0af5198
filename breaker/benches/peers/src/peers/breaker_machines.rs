//! breaker-machines: a list of the last 1,000 events, by its async wrapper.

use super::{AN_HOUR, VOLUME, WINDOW};
use crate::call::{Answer, Work, bad, drive, good, pends_once};
use crate::peer::{Kind, Peer, Row};
use breaker_machines::errors::CircuitError;
use breaker_machines::{AsyncCircuitBreaker, CircuitBreaker};
use std::sync::Arc;

pub(super) const ROWS: [Row; 1] =
    [Row::new::<Machine>("breaker-machines 0.17", Kind::Peer, "10 s, cut to 1,000 events").slides()];

#[derive(Clone)]
struct Machine(Arc<AsyncCircuitBreaker>);

impl Machine {
    #[inline(always)]
    fn call<W: Future<Output = Work>>(&self, work: W) -> Answer {
        match drive(self.0.call(|| work)) {
            Ok(_) => Answer::Good,
            Err(CircuitError::Execution(_)) => Answer::Bad,
            Err(CircuitError::Open { .. }) => Answer::Refused,
            Err(_) => Answer::Odd,
        }
    }
}

impl Peer for Machine {
    fn closed() -> Self {
        let breaker = CircuitBreaker::builder("bench")
            .disable_failure_threshold()
            .failure_rate(1.0)
            .minimum_calls(VOLUME as usize)
            .failure_window_secs(WINDOW.as_secs_f64());
        Self(Arc::new(breaker.build_async()))
    }
    fn open() -> Self {
        let breaker = CircuitBreaker::builder("bench")
            .failure_threshold(1)
            .half_open_timeout_secs(AN_HOUR.as_secs_f64());
        let mut machine = Self(Arc::new(breaker.build_async()));
        while machine.bad() != Answer::Refused {}
        machine
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
