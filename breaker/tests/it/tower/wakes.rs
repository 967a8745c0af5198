//! Nobody waits for ever: neither for an inner service behind a circuit that has opened, nor for want of a waker.

use super::{Ask, Guarded, Inner, Seen, Wakes, ask, fail, guarded, poll_ready};
use breaker::tower::BreakerLayer;
use breaker::{Breaker, CallError};
use std::future::{Ready, poll_fn, ready};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{advance, timeout};
use tower::limit::ConcurrencyLimit;
use tower::{Layer as _, Service, service_fn};

/// Only a task that hangs takes so long.
const FOREVER: Duration = Duration::from_secs(crate::times(60, 3_600));
const RESET: Duration = Duration::from_secs(10);

/// A service that waits for a busy inner one, and a clone of it that is ready.
fn one_waits() -> (Guarded, Arc<Wakes>, Guarded, Arc<Seen>) {
    let (_, mut waiting, seen, _) = guarded();
    let mut other = waiting.clone();
    assert!(poll_ready(&mut other, &Arc::default()).is_ready());
    seen.busy(true);
    let wakes = Arc::default();
    assert_eq!(poll_ready(&mut waiting, &wakes), Poll::Pending);
    (waiting, wakes, other, seen)
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_inner_service_is_woken_when_the_circuit_opens() {
    let (mut waiting, wakes, mut other, seen) = one_waits();
    assert!(other.call(Ask::Fail).await.is_err());
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_ready(&mut waiting, &wakes), Poll::Ready(Ok(())));
    assert!(matches!(waiting.call(Ask::Succeed).await, Err(CallError::Open { .. })));
    assert_eq!(seen.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_times_out_wakes_who_waits_too() {
    let (_waiting, wakes, mut other, _) = one_waits();
    assert!(matches!(other.call(Ask::Hang).await, Err(CallError::TimedOut { .. })));
    assert_eq!(wakes.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_finds_no_place_wakes_who_waits_too() {
    let breaker = Breaker::builder("test").capacity(0).build().expect("zero is a number");
    let mut waiting = BreakerLayer::new(breaker).layer(Inner::default());
    let (mut other, wakes) = (waiting.clone(), Arc::<Wakes>::default());
    assert!(poll_ready(&mut other, &Arc::default()).is_ready());
    waiting.get_ref().seen.busy(true);
    assert_eq!(poll_ready(&mut waiting, &wakes), Poll::Pending);
    assert_eq!(other.call(Ask::Succeed).await, Err(CallError::Full { capacity: 0 }));
    assert_eq!(wakes.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_changes_nothing_wakes_nobody() {
    let (_waiting, wakes, mut other, _) = one_waits();
    assert_eq!(other.call(Ask::Succeed).await, Ok("yes"));
    assert_eq!(wakes.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_task_that_polled_last_is_woken() {
    let (mut waiting, first, mut other, _) = one_waits();
    let second = Arc::<Wakes>::default();
    assert_eq!(poll_ready(&mut waiting, &second), Poll::Pending);
    assert!(other.call(Ask::Fail).await.is_err());
    assert_eq!((first.count(), second.count()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn wakers_are_let_go() {
    let (mut waiting, wakes, mut other, seen) = one_waits();
    let forget = || seen.wakers.lock().expect("not poisoned").clear();
    for _ in 0..1_000 {
        assert_eq!(poll_ready(&mut waiting, &wakes), Poll::Pending);
    }
    forget();
    assert_eq!(Arc::strong_count(&wakes), 2, "one is kept, of a thousand");

    seen.busy(false);
    assert!(poll_ready(&mut waiting, &wakes).is_ready());
    forget();
    assert_eq!(Arc::strong_count(&wakes), 1, "ready, it waits no more");

    assert_eq!(waiting.call(Ask::Succeed).await, Ok("yes"));
    seen.busy(true);
    assert_eq!(poll_ready(&mut waiting, &wakes), Poll::Pending);
    drop(waiting);
    forget();
    assert_eq!(Arc::strong_count(&wakes), 1, "dropped, it waits no more");
    assert!(other.call(Ask::Fail).await.is_err());
}

/// The circuit opens after the look at it, and before the waker is entered.
#[tokio::test(start_paused = true)]
async fn a_circuit_that_opens_in_the_middle_of_a_poll_is_seen() {
    /// Trips the circuit while it is asked for its readiness, and is not ready.
    struct Saboteur(Option<Guarded>);

    impl Service<Ask> for Saboteur {
        type Response = &'static str;
        type Error = &'static str;
        type Future = Ready<Result<&'static str, &'static str>>;

        fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            if let Some(mut other) = self.0.take() {
                assert!(other.poll_ready(context).is_ready());
                let mut failing = Box::pin(other.call(Ask::Fail));
                assert!(failing.as_mut().poll(context).is_ready());
            }
            Poll::Pending
        }

        fn call(&mut self, _: Ask) -> Self::Future {
            ready(Ok("never ready, never called"))
        }
    }

    let breaker = Breaker::builder("test").build().expect("the defaults are right");
    let layer = BreakerLayer::new(breaker);
    let mut service = layer.layer(Saboteur(Some(layer.layer(Inner::default()))));
    assert_eq!(poll_ready(&mut service, &Arc::default()), Poll::Ready(Ok(())));
    assert!(matches!(service.call(Ask::Succeed).await, Err(CallError::Open { .. })));
}

/// The same, as a race between two threads, many times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_and_beginning_to_wait_do_not_miss_each_other() {
    for _ in 0..crate::times(500, 4) {
        let (_, mut waiting, seen, _) = guarded();
        let mut other = waiting.clone();
        assert!(poll_ready(&mut other, &Arc::default()).is_ready());
        seen.busy(true);
        let start = Arc::new(Barrier::new(2));
        let started = Arc::clone(&start);
        let waiter = tokio::spawn(async move {
            started.wait();
            ask(&mut waiting, Ask::Succeed).await
        });
        let failing = tokio::task::spawn_blocking(move || {
            start.wait();
            other.call(Ask::Fail)
        });
        assert!(failing.await.expect("no panic").await.is_err());
        let answer = timeout(FOREVER, waiter).await.expect("a wake-up was lost").expect("no panic");
        assert!(matches!(answer, Err(CallError::Open { .. })), "{answer:?}");
    }
}

/// Found in a layer of another library: a future polled and its `Ready` thrown away left a task without a waker, in a few
/// of many runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn retrying_tasks_behind_a_small_limit_never_hang() {
    const TASKS: usize = crate::times(64, 4);
    const ANSWERS: usize = crate::times(50, 3);
    let breaker = Breaker::builder("test").volume(5).build().expect("right settings");
    let count = Arc::new(AtomicUsize::new(0));
    let service = service_fn(move |()| {
        let fails = !count.fetch_add(1, Ordering::Relaxed).is_multiple_of(3);
        async move {
            yield_now().await;
            if fails { Err("no") } else { Ok("yes") }
        }
    });
    let service = BreakerLayer::new(breaker.clone()).layer(ConcurrencyLimit::new(service, 2));

    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let service = service.clone();
        tasks.spawn(async move {
            let mut answers = 0;
            while answers < ANSWERS {
                // A new clone each time: one that is kept keeps its place of the limit when it is refused.
                let mut service = service.clone();
                poll_fn(|context| Service::<()>::poll_ready(&mut service, context)).await.expect("no error");
                match service.call(()).await {
                    Err(CallError::Open { .. }) => yield_now().await,
                    _ => answers += 1,
                }
            }
        });
    }
    let done = Arc::new(AtomicBool::new(false));
    let healer = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            while !done.load(Ordering::Relaxed) {
                breaker.close();
                yield_now().await;
            }
        }
    });
    while let Some(task) = timeout(FOREVER, tasks.join_next()).await.expect("a task hangs") {
        task.expect("no panic");
    }
    done.store(true, Ordering::Relaxed);
    healer.await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn many_who_wait_are_all_woken() {
    let (_, mut service, seen, _) = guarded();
    let mut other = service.clone();
    assert!(poll_ready(&mut other, &Arc::default()).is_ready());
    seen.busy(true);
    let mut tasks = JoinSet::new();
    for _ in 0..crate::times(64, 8) {
        let mut service = service.clone();
        tasks.spawn(async move { ask(&mut service, Ask::Succeed).await });
    }
    yield_now().await;
    assert!(other.call(Ask::Fail).await.is_err());
    for answer in timeout(FOREVER, tasks.join_all()).await.expect("a wake-up was lost") {
        assert!(matches!(answer, Err(CallError::Open { .. })));
    }
    // It opens a second time for those who wait a second time.
    advance(RESET).await;
    seen.busy(false);
    let mut probe = service.clone();
    assert!(poll_ready(&mut probe, &Arc::default()).is_ready());
    seen.busy(true);
    let wakes = Arc::<Wakes>::default();
    assert_eq!(poll_ready(&mut service, &wakes), Poll::Pending);
    assert!(probe.call(Ask::Fail).await.is_err());
    assert_eq!(wakes.count(), 1);
    seen.busy(false);
    advance(RESET).await;
    fail(&mut service).await;
}
