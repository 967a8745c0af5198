//! The shell on a moved clock: nothing here waits.

use breaker::{Breaker, CallError, EventKind, State};
use std::future::{Ready, pending, ready};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::{Barrier, Semaphore};
use tokio::task::{JoinSet, coop};
use tokio::time::{Instant, advance, sleep};

pub(crate) type Told = Arc<Mutex<Vec<&'static str>>>;

/// A breaker with the default settings, and what its listener was told.
pub(crate) fn breaker() -> (Breaker, Told) {
    let told = Told::default();
    let listener = Arc::clone(&told);
    let breaker = Breaker::builder("test")
        .on_event(move |event| listener.lock().expect("no test panics in here").push(event.kind.name()))
        .build()
        .expect("the defaults are right");
    (breaker, told)
}

pub(crate) fn take(told: &Told) -> Vec<&'static str> {
    std::mem::take(&mut told.lock().expect("no test panics in here"))
}

pub(crate) async fn fail(breaker: &Breaker) {
    let failed = breaker.call(ready(Err::<(), _>("no"))).await;
    assert_eq!(failed, Err(CallError::Failed("no")));
}

async fn succeed(breaker: &Breaker) {
    assert_eq!(breaker.call(ready(Ok::<_, &str>("yes"))).await, Ok("yes"));
}

/// Opens the circuit and lets its time pass.
async fn half_open(breaker: &Breaker, told: &Told) {
    breaker.open();
    sleep(Duration::from_secs(11)).await;
    assert_eq!(take(told), ["open", "halfOpen"]);
}

#[tokio::test(start_paused = true)]
async fn opens_refuses_and_heals() {
    let (breaker, told) = breaker();
    succeed(&breaker).await;
    fail(&breaker).await;
    fail(&breaker).await;
    assert_eq!(take(&told), ["fire", "success", "fire", "failure", "fire", "failure", "open"]);

    let refused =
        breaker.call(async { unreachable!("an open circuit makes no call") as Result<(), &str> }).await;
    assert_eq!(refused, Err(CallError::Open { retry_after: Duration::from_secs(10) }));
    assert_eq!(take(&told), ["fire", "reject"]);

    sleep(Duration::from_secs(11)).await;
    assert_eq!(take(&told), ["halfOpen"], "told in time, though nobody called");
    succeed(&breaker).await;
    assert_eq!(take(&told), ["fire", "close", "success"]);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_given_up() {
    let (breaker, told) = breaker();
    let begun = Instant::now();
    let slow = breaker.call(pending::<Result<(), &str>>()).await;
    assert_eq!(slow, Err(CallError::TimedOut { after: Duration::from_millis(300) }));
    assert_eq!(begun.elapsed(), Duration::from_millis(300));
    assert_eq!(take(&told), ["fire", "timeout", "failure", "open"]);
    assert_eq!(breaker.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_dropped_before_the_caller_hears_of_it() {
    let (breaker, _) = breaker();
    let held = Arc::new(());
    let work = {
        let held = Arc::clone(&held);
        async move {
            let _held = held;
            pending::<Result<(), &str>>().await
        }
    };
    let mut call = Box::pin(breaker.call(work));
    assert!((&mut call).await.is_err());
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn work_that_never_rests_is_given_up_too() {
    let (breaker, _) = breaker();
    const STEP: Duration = Duration::from_millis(crate::times(1, 50));
    // Uses up its share of the runtime's time at each poll, and lets a little time pass in each.
    let busy = async {
        for _ in 0..1_000 {
            while coop::has_budget_remaining() {
                coop::consume_budget().await;
            }
            advance_without_waiting(STEP);
            coop::consume_budget().await;
        }
        Ok::<_, &str>(())
    };
    assert_eq!(breaker.call(busy).await, Err(CallError::TimedOut { after: Duration::from_millis(300) }));
}

/// Moves the clock within one poll.
fn advance_without_waiting(time: Duration) {
    let mut advancing = Box::pin(advance(time));
    let _ = advancing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

#[tokio::test(start_paused = true)]
async fn time_counts_from_when_the_call_was_let_through() {
    let (breaker, _) = breaker();
    let begun = Instant::now();
    let work = async {
        advance_without_waiting(Duration::from_millis(200));
        pending::<Result<(), &str>>().await
    };
    assert!(breaker.call(work).await.is_err());
    assert_eq!(begun.elapsed(), Duration::from_millis(300), "though the first poll took 200 of them");
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_gone_before_its_place_is_free() {
    let alive = Arc::new(());
    let (seen, at_the_end) = (Arc::downgrade(&alive), Arc::new(Mutex::new(Vec::new())));
    let noted = Arc::clone(&at_the_end);
    let breaker = Breaker::builder("test")
        .on_event(move |event| {
            if event.kind != EventKind::Fire {
                noted.lock().expect("not poisoned").push((event.status.in_flight, seen.strong_count()));
            }
        })
        .build()
        .expect("the defaults are right");
    let work = async move {
        let _alive = alive;
        pending::<Result<(), &str>>().await
    };
    assert!(breaker.call(work).await.is_err());
    assert_eq!(*at_the_end.lock().expect("not poisoned"), [(0, 0); 3], "timeout, failure, open");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_or_bypassed_is_dropped_with_the_answer() {
    let (breaker, _) = breaker();
    breaker.open();
    let held = Arc::new(());
    for disabled in [false, true] {
        if disabled {
            breaker.disable();
        }
        let work = {
            let held = Arc::clone(&held);
            async move {
                drop(Arc::clone(&held));
                Ok::<_, &str>(())
            }
        };
        let mut call = Box::pin(breaker.call(work));
        assert_eq!((&mut call).await.is_ok(), disabled);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_nobody_polls_does_not_hold_the_circuit() {
    let (breaker, told) = breaker();
    half_open(&breaker, &told).await;
    let mut probe = Box::pin(breaker.call(pending::<Result<(), &str>>()));
    assert!(probe.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    advance(Duration::from_millis(600)).await;
    succeed(&breaker).await;
    assert_eq!(breaker.state(), State::Closed);
    assert!(probe.await.is_err(), "its caller hears of its own time-out");
    assert_eq!(breaker.state(), State::Closed, "which is late");
}

#[tokio::test(start_paused = true)]
async fn an_error_that_does_not_count_is_a_success_for_the_circuit() {
    let (breaker, told) = breaker();
    let answer = breaker
        .call(ready(Err::<(), _>("yours")))
        .failure_if(|error| *error != "yours")
        .or_else(async |_| unreachable!("a fallback is not asked about it"))
        .await;
    assert_eq!(answer, Err(CallError::Failed("yours")));
    assert_eq!(take(&told), ["fire", "success"]);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_sees_why() {
    let (breaker, told) = breaker();
    let why = async |why: CallError<&str>| Ok::<_, CallError<&str>>(why.code().unwrap_or("failed"));
    assert_eq!(breaker.call(ready(Err("no"))).or_else(why).await, Ok("failed"));
    assert_eq!(take(&told), ["fire", "failure", "open", "fallback"], "asked after the circuit opened");
    assert_eq!(breaker.call(ready(Ok("yes"))).or_else(why).await, Ok("EOPENBREAKER"));
    assert_eq!(take(&told), ["fire", "reject", "fallback"]);
    assert_eq!(breaker.snapshot().counts.fallbacks, 2);

    breaker.close();
    assert_eq!(breaker.call(pending()).or_else(why).await, Ok("ETIMEDOUT"));
    breaker.close();
    assert_eq!(breaker.call(ready(Ok("yes"))).or_else(why).await, Ok("yes"), "not asked where all is well");
}

#[tokio::test(start_paused = true)]
async fn a_fallback_may_fail_too() {
    let (breaker, _) = breaker();
    let answer = breaker.call(ready(Err::<(), _>("no"))).or_else(async |why| Err(why)).await;
    assert_eq!(answer, Err(CallError::Failed("no")));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_nothing_behind() {
    let (breaker, told) = breaker();
    half_open(&breaker, &told).await;
    for _ in 0..3 {
        // Each is let through as the probe, polled once, and dropped.
        let mut probe = Box::pin(breaker.call(pending::<Result<(), &str>>()));
        assert!(probe.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(breaker.snapshot().in_flight, 1);
        drop(probe);
        assert_eq!(breaker.snapshot().in_flight, 0);
    }
    assert_eq!(take(&told), ["fire", "fire", "fire"], "and counts for nothing");
    succeed(&breaker).await;
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_awaited_asks_for_nothing() {
    let (breaker, told) = breaker();
    drop(breaker.call(ready(Ok::<_, &str>("yes"))));
    assert_eq!(take(&told), Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_and_gives_its_place_back() {
    let (breaker, told) = breaker();
    half_open(&breaker, &told).await;
    let probe = breaker.clone();
    let joined =
        tokio::spawn(async move { probe.call(async { panic!("on purpose") as Result<(), &str> }).await });
    assert!(joined.await.expect_err("it panicked").is_panic());
    assert_eq!(take(&told), ["fire", "failure", "open"]);
    assert_eq!(breaker.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_judge_that_panics_is_a_failure_too() {
    let (breaker, told) = breaker();
    let call = breaker.call(ready(Err::<(), _>("no"))).failure_if(|_| panic!("on purpose"));
    let mut call = Box::pin(call);
    let poll = AssertUnwindSafe(|| call.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    assert!(std::panic::catch_unwind(poll).is_err());
    drop(call);
    assert_eq!(take(&told), ["fire", "failure", "open"]);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_panics_was_not_asked() {
    let (breaker, told) = breaker();
    let call =
        breaker.call(ready(Err::<(), _>("no"))).or_else(|_| -> Ready<Result<(), _>> { panic!("on purpose") });
    let mut call = Box::pin(call);
    let poll = AssertUnwindSafe(|| call.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    assert!(std::panic::catch_unwind(poll).is_err());
    assert_eq!(take(&told), ["fire", "failure", "open"]);
}

#[tokio::test(start_paused = true)]
async fn a_bystander_that_panics_is_no_failure_of_the_call() {
    let (breaker, told) = breaker();
    let _ = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut call = Box::pin(breaker.call(pending::<Result<(), &str>>()));
        let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        panic!("on purpose, beside the call");
    }));
    assert_eq!(take(&told), ["fire"]);
    assert_eq!(breaker.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn disabled_calls_run_bare() {
    let (breaker, told) = breaker();
    breaker.open();
    breaker.disable();
    take(&told);
    let slow = async {
        sleep(Duration::from_secs(5)).await;
        Err::<(), _>("no")
    };
    assert_eq!(breaker.call(slow).await, Err(CallError::Failed("no")), "without a time limit");
    assert_eq!(take(&told), ["fire"]);
    breaker.enable();
    assert!(matches!(breaker.call(ready(Ok::<_, &str>(()))).await, Err(CallError::Open { .. })));
}

#[test]
fn errors_say_what_opossum_says() {
    use std::error::Error as _;
    let open: CallError<std::io::Error> = CallError::Open { retry_after: Duration::from_secs(1) };
    let full: CallError<std::io::Error> = CallError::Full { capacity: 1 };
    let late: CallError<std::io::Error> = CallError::TimedOut { after: Duration::from_millis(300) };
    let own = CallError::Failed(std::io::Error::other(std::fmt::Error));
    let said = [&open, &full, &late, &own].map(|error| (error.code(), error.to_string()));
    assert_eq!(said[0], (Some("EOPENBREAKER"), "Breaker is open".to_owned()));
    assert_eq!(said[1], (Some("ESEMLOCKED"), "Semaphore locked".to_owned()));
    assert_eq!(said[2], (Some("ETIMEDOUT"), "Timed out after 300ms".to_owned()));
    assert_eq!(said[3], (None, std::fmt::Error.to_string()));
    assert!(
        open.source().is_none() && own.source().is_none(),
        "an error stands for itself, not for its wrapper"
    );
}

#[test]
fn a_breaker_works_outside_a_runtime() {
    let (breaker, told) = breaker();
    breaker.open();
    assert_eq!(breaker.state(), State::Open);
    breaker.close();
    let mut call = Box::pin(breaker.call(ready(Ok::<_, &str>("yes"))));
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(Ok("yes")));
    assert_eq!(take(&told), ["open", "close", "fire", "success"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_callers_at_once_one_is_the_probe() {
    const CALLERS: usize = 64;
    let breaker =
        Breaker::builder("test").reset(Duration::from_nanos(1)).timeout(None).build().expect("right");
    breaker.open();
    let start = Arc::new(Barrier::new(CALLERS));
    let admitted = Arc::new(AtomicUsize::new(0));
    // Every caller is let through or refused before the first one that was let through ends.
    let (settled, all_settled) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (breaker, start, admitted) = (breaker.clone(), Arc::clone(&start), Arc::clone(&admitted));
        let (settled, all_settled) = (Arc::clone(&settled), Arc::clone(&all_settled));
        callers.spawn(async move {
            let settle = || {
                if settled.fetch_add(1, Ordering::SeqCst) + 1 == CALLERS {
                    all_settled.close();
                }
            };
            start.wait().await;
            let work = async {
                admitted.fetch_add(1, Ordering::SeqCst);
                settle();
                let closed = all_settled.acquire().await;
                assert!(closed.is_err(), "it has no permits, and is closed at last");
                Ok::<_, &str>(())
            };
            if breaker.call(work).await.is_err() {
                settle();
            }
        });
    }
    while let Some(joined) = callers.join_next().await {
        joined.expect("no caller panics");
    }
    assert_eq!(admitted.load(Ordering::SeqCst), 1);
    assert_eq!(breaker.state(), State::Closed);
}
