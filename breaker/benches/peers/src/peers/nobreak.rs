//! nobreak, which counts failures in a row under a mutex.

use super::AN_HOUR;
use crate::call::{Answer, Work, bad, drive, good, pends_once};
use crate::peer::{Kind, Peer, Row};
use nobreak::{CircuitBreaker, CircuitError};
use std::sync::Arc;

pub(super) const ROWS: [Row; 1] = [Row::new::<InARow>("nobreak 0.1", Kind::Peer, "consecutive")];

#[derive(Clone)]
struct InARow(Arc<CircuitBreaker>);

impl InARow {
    fn new(failures: usize) -> Self {
        let breaker = nobreak::builder().with_failure_threshold(failures).with_open_duration(AN_HOUR);
        Self(Arc::new(breaker.build()))
    }

    #[inline(always)]
    fn call<W: Future<Output = Work>>(&self, work: W) -> Answer {
        match drive(self.0.call_async(|| work)) {
            Ok(_) => Answer::Good,
            Err(CircuitError::Failed { .. }) => Answer::Bad,
            Err(CircuitError::Open) => Answer::Refused,
        }
    }
}

impl Peer for InARow {
    fn closed() -> Self {
        Self::new(usize::MAX)
    }
    fn open() -> Self {
        let mut breaker = Self::new(1);
        while breaker.bad() != Answer::Refused {}
        breaker
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
