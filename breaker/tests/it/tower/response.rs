//! Its calls: who gets through, how they end, what they give back.

use super::{Ask, Inner, ask, fail, guarded, poll_ready};
use crate::shell::take;
use breaker::tower::BreakerLayer;
use breaker::{Breaker, CallError, EventKind, State, Verdict};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, advance};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

const RESET: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_calls_at_once_one_probe_reaches_the_inner_service() {
    for _ in 0..crate::times(20, 1) {
        // Half-open at once, and for as long as its probe hangs.
        let reset = Duration::from_nanos(1);
        let breaker = Breaker::builder("test").reset(reset).timeout(None).build().expect("right settings");
        let service = BreakerLayer::new(breaker.clone()).layer(Inner::default());
        breaker.open();
        let barrier = Arc::new(Barrier::new(64));
        let mut tasks = JoinSet::new();
        for _ in 0..64 {
            let (mut service, barrier) = (service.clone(), Arc::clone(&barrier));
            tasks.spawn(async move {
                assert!(poll_ready(&mut service, &Arc::default()).is_ready());
                barrier.wait().await;
                ask(&mut service, Ask::Hang).await
            });
        }
        for _ in 0..63 {
            let answer = tasks.join_next().await.expect("64 of them").expect("no panic");
            assert!(matches!(answer, Err(CallError::Open { .. })), "{answer:?}");
        }
        // Only once the probe's task has ended is it sure to have got as far as the inner service.
        tasks.shutdown().await;
        assert_eq!(service.get_ref().seen.calls(), 1);
        assert_eq!(breaker.snapshot().in_flight, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_is_taken_before_the_inner_service_is_called() {
    let (breaker, mut service, seen, _) = guarded();
    breaker.open();
    advance(RESET).await;
    let mut other = service.clone();
    assert!(poll_ready(&mut other, &Arc::default()).is_ready());
    assert!(poll_ready(&mut service, &Arc::default()).is_ready());
    // Neither is polled: an inner service may begin its work when it is called.
    let (_probe, _refused) = (service.call(Ask::Succeed), other.call(Ask::Succeed));
    assert_eq!(seen.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_response_gives_its_place_back() {
    let (breaker, mut service, _, told) = guarded();
    breaker.open();
    advance(RESET).await;
    assert!(poll_ready(&mut service, &Arc::default()).is_ready());
    drop(service.call(Ask::Hang));
    assert!(poll_ready(&mut service, &Arc::default()).is_ready());
    let polled = tokio::spawn(service.call(Ask::Hang));
    tokio::task::yield_now().await;
    assert_eq!(breaker.snapshot().in_flight, 1);
    polled.abort();
    assert!(polled.await.is_err());
    assert_eq!((breaker.state(), breaker.snapshot().in_flight), (State::HalfOpen, 0));
    take(&told);
    assert_eq!(ask(&mut service, Ask::Succeed).await, Ok("yes"));
    assert_eq!(take(&told), ["fire", "close", "success"]);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_takes_too_long_is_given_up() {
    let (breaker, mut service, _, told) = guarded();
    let held = Arc::new(());
    assert!(poll_ready(&mut service, &Arc::default()).is_ready());
    let begun = Instant::now();
    let mut response = Box::pin(service.call(Ask::Hold(Arc::clone(&held))));
    advance(Duration::from_millis(100)).await;
    assert_eq!((&mut response).await, Err(CallError::TimedOut { after: TIMEOUT }));
    assert_eq!(begun.elapsed(), TIMEOUT, "it counts from the call");
    assert_eq!(Arc::strong_count(&held), 1, "though the response is still there");
    assert_eq!(take(&told), ["fire", "timeout", "failure", "open"]);
    assert_eq!(breaker.snapshot().in_flight, 0);
}

/// Else more calls could be alive than the circuit has places for.
#[tokio::test(start_paused = true)]
async fn what_has_ended_is_gone_before_its_place_is_free() {
    for how in [Ask::Hold, Ask::Keep] {
        let held = Arc::new(());
        let (seen, noted) = (Arc::downgrade(&held), Arc::new(Mutex::new(Vec::new())));
        let notes = Arc::clone(&noted);
        let breaker = Breaker::builder("test")
            .on_event(move |event| {
                if event.kind != EventKind::Fire {
                    notes.lock().expect("not poisoned").push((event.status.in_flight, seen.strong_count()));
                }
            })
            .build()
            .expect("the defaults are right");
        let mut service = BreakerLayer::new(breaker).layer(Inner::default());
        let _answer = ask(&mut service, how(held)).await;
        let noted = noted.lock().expect("not poisoned");
        assert!(!noted.is_empty() && noted.iter().all(|note| *note == (0, 0)), "{noted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_half_way_is_gone_before_its_place_is_free() {
    let breaker = Breaker::builder("test").build().expect("the defaults are right");
    /// Notes at its end how many calls are under way.
    struct Noting(Breaker, Arc<Mutex<Option<u32>>>);
    impl Drop for Noting {
        fn drop(&mut self) {
            *self.1.lock().expect("not poisoned") = Some(self.0.snapshot().in_flight);
        }
    }
    let noted = Arc::default();
    let (inner, notes) = (breaker.clone(), Arc::clone(&noted));
    let service = service_fn(move |()| {
        let noting = Noting(inner.clone(), Arc::clone(&notes));
        async move {
            let _noting = noting;
            std::future::pending::<Result<(), &str>>().await
        }
    });
    let mut service = BreakerLayer::new(breaker.clone()).layer(service);
    let response = tokio::spawn(service.ready().await.expect("ready").call(()));
    tokio::task::yield_now().await;
    response.abort();
    assert!(response.await.is_err());
    assert_eq!(*noted.lock().expect("not poisoned"), Some(1));
    assert_eq!(breaker.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_wherever_it_comes_from() {
    let (breaker, mut service, _, _) = guarded();
    assert!(poll_ready(&mut service, &Arc::default()).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| service.call(Ask::PanicInCall))).is_err());
    assert_eq!((breaker.state(), breaker.snapshot().in_flight), (State::Open, 0), "in the call");

    let (breaker, mut service, _, _) = guarded();
    assert!(poll_ready(&mut service, &Arc::default()).is_ready());
    assert!(tokio::spawn(service.call(Ask::Panic)).await.is_err());
    assert_eq!((breaker.state(), breaker.snapshot().in_flight), (State::Open, 0), "in the response");

    let breaker = Breaker::builder("test").build().expect("the defaults are right");
    let layer = BreakerLayer::new(breaker.clone());
    let judge = |_: &Result<&str, &str>| -> Verdict { panic!("asked to judge") };
    let mut service = layer.classify(judge).layer(Inner::default());
    assert!(poll_ready(&mut service, &Arc::default()).is_ready());
    assert!(tokio::spawn(service.call(Ask::Succeed)).await.is_err());
    assert_eq!((breaker.state(), breaker.snapshot().in_flight), (State::Open, 0), "in the judgement");
}

#[tokio::test(start_paused = true)]
async fn results_are_judged_as_told() {
    let breaker = Breaker::builder("test").build().expect("the defaults are right");
    let judge = |result: &Result<u16, &str>| match result {
        Ok(500..) | Err(_) => Verdict::Failure,
        Ok(400..) => Verdict::Ignore,
        Ok(_) => Verdict::Success,
    };
    let echo = service_fn(async |status: u16| Ok::<_, &str>(status));
    let mut service = BreakerLayer::new(breaker.clone()).classify(judge).layer(echo);
    let counts = |breaker: &Breaker| {
        let counts = breaker.snapshot().counts;
        (counts.successes, counts.failures)
    };

    assert_eq!(service.ready().await.expect("ready").call(200).await, Ok(200));
    assert_eq!(counts(&breaker), (1, 0));
    assert_eq!(service.ready().await.expect("ready").call(404).await, Ok(404));
    assert_eq!(counts(&breaker), (1, 0), "it says nothing");
    breaker.open();
    advance(RESET).await;
    assert_eq!(service.ready().await.expect("ready").call(404).await, Ok(404));
    assert_eq!(
        (breaker.state(), breaker.snapshot().in_flight),
        (State::HalfOpen, 0),
        "nor does it as a probe"
    );
    assert_eq!(service.ready().await.expect("ready").call(503).await, Ok(503), "handed on as it is");
    assert_eq!(
        (counts(&breaker), breaker.state()),
        ((0, 1), State::Open),
        "the window has moved on meanwhile"
    );
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_caller_do_not_count() {
    let breaker = Breaker::builder("test").build().expect("the defaults are right");
    let layer = BreakerLayer::new(breaker.clone()).failure_if(|error: &&str| *error != "no");
    let mut service = layer.layer(Inner::default());
    assert_eq!(ask(&mut service, Ask::Fail).await, Err(CallError::Failed("no")));
    assert_eq!((breaker.state(), breaker.snapshot().counts.successes), (State::Closed, 1));
}

#[tokio::test(start_paused = true)]
async fn a_full_circuit_refuses_and_the_inner_service_is_not_called() {
    let breaker = Breaker::builder("test").capacity(1).volume(10).build().expect("right settings");
    let mut service = BreakerLayer::new(breaker).layer(Inner::default());
    assert!(poll_ready(&mut service, &Arc::default()).is_ready());
    let first = service.call(Ask::Succeed);
    let seen = Arc::clone(&service.get_ref().seen);
    assert_eq!(ask(&mut service, Ask::Succeed).await, Err(CallError::Full { capacity: 1 }));
    assert_eq!(seen.calls(), 1);
    assert_eq!(first.await, Ok("yes"));
    assert_eq!(ask(&mut service, Ask::Succeed).await, Ok("yes"), "its place is free again");
}

#[tokio::test(start_paused = true)]
async fn a_disabled_circuit_sets_no_time_limit() {
    let (breaker, mut service, _, _) = guarded();
    breaker.disable();
    assert!(poll_ready(&mut service, &Arc::default()).is_ready());
    let response = tokio::spawn(service.call(Ask::Hang));
    advance(Duration::from_secs(3_600)).await;
    tokio::task::yield_now().await;
    assert!(!response.is_finished());
    response.abort();
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_moves_nothing() {
    let (breaker, mut service, _, _) = guarded();
    assert!(poll_ready(&mut service, &Arc::default()).is_ready());
    let late = service.call(Ask::Succeed);
    breaker.open();
    advance(RESET).await;
    fail(&mut service).await;
    assert_eq!(late.await, Ok("yes"));
    assert_eq!((breaker.state(), breaker.snapshot().in_flight), (State::Open, 0));
}

/// The response is not boxed with what it holds: a service may borrow, and its future may stay on one thread.
#[tokio::test(start_paused = true)]
async fn asks_neither_for_send_nor_for_static() {
    let breaker = Breaker::builder("test").build().expect("the defaults are right");
    let greeting = Rc::new(String::from("good morning"));
    let service = service_fn(|name: &'static str| {
        let greeting = Rc::clone(&greeting);
        async move { Ok::<_, &str>(format!("{greeting}, {name}")) }
    });
    let service = BreakerLayer::new(breaker).layer(service);
    assert_eq!(service.oneshot("Ann").await.as_deref(), Ok("good morning, Ann"));
}

#[test]
fn can_be_sent_and_shared_where_what_is_within_can() {
    fn both<T: Send + Sync>() {}
    both::<breaker::tower::BreakerService<()>>();
    both::<BreakerLayer>();
    both::<breaker::tower::ResponseFuture<std::future::Ready<()>, breaker::EveryError>>();
}
