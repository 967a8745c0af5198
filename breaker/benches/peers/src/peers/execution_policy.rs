//! execution-policy with a circuit breaker and nothing else.

use super::{AN_HOUR, VOLUME, WINDOW};
use crate::call::{Answer, Fault, bad, drive, good, pends_once};
use crate::peer::{Kind, Peer, Row};
use execution_policy::{
    CircuitBreaker, DefaultCore, ExecutionError, ExecutionPolicy, ExecutionPolicyBuilder,
};
use std::sync::Arc;

pub(super) const ROWS: [Row; 1] =
    [Row::new::<Policy>("execution-policy 0.0.6", Kind::Peer, "10 s, 10 buckets").slides()];

#[derive(Clone)]
struct Policy(Arc<ExecutionPolicy<DefaultCore, u32, Fault>>);

fn build(breaker: CircuitBreaker<Fault>) -> Policy {
    let policy = ExecutionPolicyBuilder::new().circuit_breaker(breaker.open_for(AN_HOUR));
    Policy(Arc::new(policy.build()))
}

#[inline(always)]
fn answer(result: Result<u32, ExecutionError<Fault>>) -> Answer {
    match result {
        Ok(_) => Answer::Good,
        Err(ExecutionError::Operation { .. }) => Answer::Bad,
        Err(ExecutionError::CircuitOpen { .. }) => Answer::Refused,
        Err(_) => Answer::Odd,
    }
}

impl Peer for Policy {
    fn closed() -> Self {
        let breaker = CircuitBreaker::failure_ratio().ratio(0.99);
        build(breaker.minimum_throughput(VOLUME).sampling_window(WINDOW))
    }
    fn open() -> Self {
        let mut policy = build(CircuitBreaker::consecutive_failures(1));
        while policy.bad() != Answer::Refused {}
        policy
    }
    #[inline(always)]
    fn good(&mut self) -> Answer {
        answer(drive(self.0.run(async || good().await)))
    }
    #[inline(always)]
    fn bad(&mut self) -> Answer {
        answer(drive(self.0.run(async || bad().await)))
    }
    #[inline(always)]
    fn pends(&mut self) -> Answer {
        answer(drive(self.0.run(async || pends_once().await)))
    }
}
