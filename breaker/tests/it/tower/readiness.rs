//! When the service is ready, and what it asks of the inner one for it.

use super::{Ask, Wakes, ask, fail, guarded, poll_ready};
use crate::shell::take;
use breaker::tower::BreakerLayer;
use breaker::{Breaker, CallError, State, Verdict};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;
use tokio::time::advance;
use tower::{Layer as _, Service as _};

const RESET: Duration = Duration::from_secs(10);
const OPEN: CallError<&str> = CallError::Open { retry_after: RESET };
const COME_AGAIN: CallError<&str> = CallError::Open { retry_after: Duration::ZERO };

#[tokio::test(start_paused = true)]
async fn an_open_circuit_is_not_hidden_by_a_service_that_is_never_ready() {
    let (breaker, mut service, seen, told) = guarded();
    seen.busy(true);
    breaker.open();
    take(&told);
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Ready(Ok(())));
    assert_eq!(service.call(Ask::Succeed).await, Err(OPEN));
    assert_eq!((seen.polls(), seen.calls()), (0, 0));
    assert_eq!(take(&told), ["fire", "reject"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_ready_to_refuse_refuses_though_the_circuit_would_let_through() {
    let (breaker, mut service, seen, told) = guarded();
    breaker.open();
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Ready(Ok(())));
    advance(RESET).await;
    take(&told);
    assert_eq!(service.call(Ask::Succeed).await, Err(COME_AGAIN));
    assert_eq!((seen.polls(), seen.calls()), (0, 0), "it was not made ready");
    assert!(!take(&told).contains(&"fire"), "it has not taken the probe's place");

    assert_eq!(ask(&mut service, Ask::Succeed).await, Ok("yes"), "asked again, it looks again");
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn once_ready_it_stays_ready_until_it_is_called() {
    let (breaker, mut service, seen, _) = guarded();
    breaker.open();
    seen.busy(true);
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Ready(Ok(())));
    advance(RESET).await;
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Ready(Ok(())), "though the inner one is not");
    assert_eq!(service.call(Ask::Succeed).await, Err(COME_AGAIN));
    assert_eq!(
        poll_ready(&mut service, &Arc::default()),
        Poll::Pending,
        "that call was the last it could answer"
    );

    // And the other way round.
    seen.busy(false);
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Ready(Ok(())));
    breaker.open();
    seen.busy(true);
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Ready(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn what_was_ready_to_refuse_calls_when_both_are_ready_by_then() {
    let (breaker, mut service, _, _) = guarded();
    breaker.open();
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Ready(Ok(())));
    advance(RESET).await;
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Ready(Ok(())));
    assert_eq!(service.call(Ask::Succeed).await, Ok("yes"));
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_opens_between_ready_and_call_refuses() {
    let (breaker, mut service, seen, _) = guarded();
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Ready(Ok(())));
    breaker.open();
    assert_eq!(service.call(Ask::Succeed).await, Err(OPEN));
    assert_eq!(seen.calls(), 0);
    advance(RESET).await;
    assert_eq!(ask(&mut service, Ask::Succeed).await, Ok("yes"), "the inner one is still ready");
}

#[tokio::test(start_paused = true)]
async fn ready_holds_no_probe() {
    let (breaker, mut service, _, _) = guarded();
    breaker.open();
    advance(RESET).await;
    let mut dropped = service.clone();
    let mut idle = service.clone();
    assert_eq!(poll_ready(&mut dropped, &Arc::default()), Poll::Ready(Ok(())));
    assert_eq!(poll_ready(&mut idle, &Arc::default()), Poll::Ready(Ok(())));
    drop(dropped);
    assert_eq!(breaker.snapshot().in_flight, 0);
    assert_eq!(ask(&mut service, Ask::Succeed).await, Ok("yes"));
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn clones_share_the_circuit_but_not_the_readiness() {
    let (_, mut service, _, _) = guarded();
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Ready(Ok(())));
    let mut clone = service.clone();
    let called = catch_unwind(AssertUnwindSafe(|| clone.call(Ask::Succeed)));
    assert!(called.is_err(), "a clone is to be made ready itself");
    fail(&mut clone).await;
    assert_eq!(service.call(Ask::Succeed).await, Err(OPEN));
}

#[tokio::test(start_paused = true)]
async fn services_of_one_layer_share_the_circuit() {
    let layer = BreakerLayer::new(Breaker::builder("test").build().expect("the defaults are right"));
    let (mut one, mut two) = (layer.layer(super::Inner::default()), layer.layer(super::Inner::default()));
    fail(&mut one).await;
    assert_eq!(ask(&mut two, Ask::Succeed).await, Err(OPEN));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_readiness_panics_before_it_takes_a_place() {
    let (breaker, mut service, seen, _) = guarded();
    assert_eq!(ask(&mut service, Ask::Succeed).await, Ok("yes"));
    let called = catch_unwind(AssertUnwindSafe(|| service.call(Ask::Succeed)));
    assert!(called.is_err(), "readiness is used up by a call");
    assert_eq!((seen.calls(), breaker.snapshot().counts.fires), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_poll_ready_counts_as_a_failed_call() {
    let (breaker, mut service, seen, told) = guarded();
    seen.broken.store(true, Ordering::SeqCst);
    assert_eq!(
        poll_ready(&mut service, &Arc::default()),
        Poll::Ready(Err(CallError::Failed("broken"))),
        "and is handed on as it is"
    );
    assert_eq!(take(&told), ["fire", "failure", "open"]);

    advance(RESET).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    assert!(poll_ready(&mut service, &Arc::default()).is_ready());
    assert_eq!(breaker.state(), State::Open, "the probe has failed");
    assert_eq!(breaker.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_poll_ready_is_judged_as_that_of_a_call() {
    let breaker = || Breaker::builder("test").build().expect("the defaults are right");
    let inner = super::Inner::default();
    inner.seen.broken.store(true, Ordering::SeqCst);

    let of_the_caller = breaker();
    let layer = BreakerLayer::new(of_the_caller.clone()).failure_if(|error: &&str| *error != "broken");
    assert!(poll_ready(&mut layer.layer(inner.clone()), &Arc::default()).is_ready());
    assert_eq!((of_the_caller.state(), of_the_caller.snapshot().counts.successes), (State::Closed, 1));

    let ignored = breaker();
    let layer = BreakerLayer::new(ignored.clone()).classify(|_: &Result<&str, &str>| Verdict::Ignore);
    assert!(poll_ready(&mut layer.layer(inner), &Arc::default()).is_ready());
    let counts = ignored.snapshot().counts;
    assert_eq!((ignored.state(), counts.successes, counts.failures), (State::Closed, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn while_half_open_the_inner_service_decides() {
    let (breaker, mut service, seen, _) = guarded();
    breaker.open();
    seen.busy(true);
    advance(RESET).await;
    let wakes = Arc::<Wakes>::default();
    assert_eq!(poll_ready(&mut service, &wakes), Poll::Pending);
    seen.busy(false);
    assert_eq!(wakes.count(), 1);
    assert_eq!(ask(&mut service, Ask::Succeed).await, Ok("yes"));
}

#[tokio::test(start_paused = true)]
async fn a_disabled_circuit_is_no_matter_for_readiness() {
    let (breaker, mut service, seen, _) = guarded();
    breaker.open();
    breaker.disable();
    seen.busy(true);
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Pending);
    seen.busy(false);
    assert_eq!(ask(&mut service, Ask::Succeed).await, Ok("yes"), "though the circuit is open");
}

/// Against the mock of tower itself, which panics where it is called without having been ready.
#[tokio::test(start_paused = true)]
async fn holds_against_towers_own_mock() {
    let breaker = Breaker::builder("test").build().expect("the defaults are right");
    let layer = BreakerLayer::new(breaker.clone());
    let (mut service, mut handle) = tower_test::mock::spawn_layer::<&str, &str, _>(layer);
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.is_woken());
    assert!(service.poll_ready().is_ready());
    let response = tokio::spawn(service.call("tea"));
    let (request, answer) = handle.next_request().await.expect("it was sent on");
    assert_eq!(request, "tea");
    answer.send_error("no tea");
    assert!(matches!(response.await, Ok(Err(CallError::Failed(_)))));

    assert!(service.poll_ready().is_ready(), "to refuse");
    assert!(matches!(service.call("tea").await, Err(CallError::Open { .. })));

    advance(RESET).await;
    assert!(service.poll_ready().is_pending(), "the mock allows no more");
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
    let response = tokio::spawn(service.call("tea"));
    let (_, answer) = handle.next_request().await.expect("it was sent on");
    answer.send_response("here");
    assert!(matches!(response.await, Ok(Ok("here"))));
    assert_eq!(breaker.state(), State::Closed);
}
