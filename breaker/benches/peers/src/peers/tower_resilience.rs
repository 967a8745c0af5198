//! tower-resilience-circuitbreaker, round a service that answers at once.
//!
//! Refused calls are not measured on two threads: one that meets the other in the mutex waits for a timer of a
//! millisecond, which asks for a runtime that runs, and would be nothing but that millisecond.

use super::{AN_HOUR, VOLUME, WINDOW};
use crate::call::{Answer, PendsOnce, Work, bad, drive, good, pends_once};
use crate::peer::{Case, Kind, Peer, Row};
use std::future::{Ready, poll_fn};
use std::task::{Context, Poll};
use tower::Service;
use tower_resilience_circuitbreaker::{
    CircuitBreaker, CircuitBreakerConfigBuilder, CircuitBreakerError, CircuitBreakerLayer, DefaultClassifier,
    SlidingWindowType,
};

pub(super) const ROWS: [Row; 2] = [
    Row::new::<Counts>("tower-resilience 0.14, count", Kind::Peer, "counts, does not slide")
        .together(TOGETHER),
    Row::new::<Times>("tower-resilience 0.14, time", Kind::Peer, "10 s, a record a call")
        .slides()
        .together(TOGETHER),
];

const TOGETHER: &[Case] = &[Case::Good, Case::Bad, Case::Pends];

/// The service that is wrapped. Which request comes says what it does.
#[derive(Clone)]
struct Inner;

struct Good;
struct Bad;
struct Pends;

/// A request of this kind is answered by this future.
macro_rules! answers {
    ($request:ty, $future:ty, $make:expr) => {
        impl Service<$request> for Inner {
            type Response = u32;
            type Error = crate::call::Fault;
            type Future = $future;

            #[inline(always)]
            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
                Poll::Ready(Ok(()))
            }
            #[inline(always)]
            fn call(&mut self, _: $request) -> Self::Future {
                $make
            }
        }
    };
}

answers!(Good, Ready<Work>, good());
answers!(Bad, Ready<Work>, bad());
answers!(Pends, PendsOnce, pends_once());

type Wrapped = CircuitBreaker<Inner, DefaultClassifier>;

fn counts() -> CircuitBreakerConfigBuilder<DefaultClassifier> {
    CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.99)
        .minimum_number_of_calls(VOLUME as usize)
        .wait_duration_in_open(AN_HOUR)
}

fn times() -> CircuitBreakerConfigBuilder<DefaultClassifier> {
    counts().sliding_window_type(SlidingWindowType::TimeBased).sliding_window_duration(WINDOW)
}

fn build(builder: CircuitBreakerConfigBuilder<DefaultClassifier>) -> Wrapped {
    builder.build().expect("settings that keep the rules").layer_fn(Inner)
}

fn build_open(builder: CircuitBreakerConfigBuilder<DefaultClassifier>) -> Wrapped {
    let mut service = build(builder);
    while call(&mut service, Bad) != Answer::Refused {}
    service
}

#[inline(always)]
fn call<R>(service: &mut Wrapped, request: R) -> Answer
where
    Wrapped: Service<R, Response = u32, Error = CircuitBreakerError<crate::call::Fault>>,
{
    let result = drive(async {
        poll_fn(|context| service.poll_ready(context)).await?;
        service.call(request).await
    });
    match result {
        Ok(_) => Answer::Good,
        Err(CircuitBreakerError::Inner(_)) => Answer::Bad,
        Err(CircuitBreakerError::OpenCircuit) => Answer::Refused,
    }
}

/// A breaker made with the settings given.
macro_rules! set {
    ($name:ident, $builder:expr) => {
        #[derive(Clone)]
        struct $name(Wrapped);

        impl Peer for $name {
            fn closed() -> Self {
                Self(build($builder))
            }
            fn open() -> Self {
                Self(build_open($builder))
            }
            #[inline(always)]
            fn good(&mut self) -> Answer {
                call(&mut self.0, Good)
            }
            #[inline(always)]
            fn bad(&mut self) -> Answer {
                call(&mut self.0, Bad)
            }
            #[inline(always)]
            fn pends(&mut self) -> Answer {
                call(&mut self.0, Pends)
            }
        }
    };
}

set!(Counts, counts());
set!(Times, times());
