//! A second attempt beside a slow one; on a moved clock.

use breaker::{Breaker, Budget, BudgetSettings, CallError, Hedge, Policy, PolicyBuilder, Retry};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, advance, sleep};

const AFTER: Duration = Duration::from_millis(100);

fn patient() -> Breaker {
    Breaker::builder("test").volume(1_000_000).timeout(Duration::from_secs(2)).build().expect("right")
}

fn hedged(breaker: &Breaker, extra: u32) -> PolicyBuilder {
    Policy::builder(breaker).hedge(Hedge { after: AFTER, extra })
}

/// The n-th attempt answers after the n-th time, with its number.
fn answering<'a>(
    times: &'a [u64],
    made: &'a Cell<usize>,
) -> impl FnMut() -> std::pin::Pin<Box<dyn Future<Output = Result<usize, &'static str>> + 'a>> {
    move || {
        let number = made.get();
        made.set(number + 1);
        Box::pin(async move {
            sleep(Duration::from_millis(times[number])).await;
            Ok(number)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_answers_in_time_is_not_doubled() {
    let (made, begun) = (Cell::new(0), Instant::now());
    let policy = hedged(&patient(), 1).build().expect("right");
    assert_eq!(policy.call(answering(&[99, 0], &made)).await, Ok(0));
    assert_eq!((made.get(), begun.elapsed().as_millis()), (1, 99));
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_wins_and_the_other_gives_its_place_back() {
    let (made, begun, breaker) = (Cell::new(0), Instant::now(), patient());
    let policy = hedged(&breaker, 1).build().expect("right");
    let mut call = Box::pin(policy.call(answering(&[1_000, 50], &made)));
    assert_eq!((&mut call).await, Ok(1));
    assert_eq!((made.get(), begun.elapsed().as_millis()), (2, 150));
    assert_eq!(breaker.snapshot().in_flight, 0, "though the call itself is not dropped yet");
    assert_eq!((breaker.snapshot().counts.successes, breaker.snapshot().counts.failures), (1, 0));
    drop(call);

    made.set(0);
    assert_eq!(policy.call(answering(&[120, 1_000], &made)).await, Ok(0), "or the first one after all");
    assert_eq!((made.get(), breaker.snapshot().in_flight), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn hedges_follow_one_another() {
    let (made, begun) = (Cell::new(0), Instant::now());
    let policy = hedged(&patient(), 3).build().expect("right");
    assert_eq!(policy.call(answering(&[900, 900, 900, 10], &made)).await, Ok(3));
    assert_eq!((made.get(), begun.elapsed().as_millis()), (4, 310));
}

#[tokio::test(start_paused = true)]
async fn an_error_waits_for_the_other() {
    let (made, breaker) = (Cell::new(0), patient());
    let policy = hedged(&breaker, 1).build().expect("right");
    let work = || {
        made.set(made.get() + 1);
        let first = made.get() == 1;
        async move {
            sleep(Duration::from_millis(if first { 110 } else { 50 })).await;
            if first { Err("no") } else { Ok("yes") }
        }
    };
    assert_eq!(policy.call(work).await, Ok("yes"));
    assert_eq!(breaker.snapshot().counts.failures, 1, "it counts none the less");

    let begun = Instant::now();
    let both = || async {
        sleep(Duration::from_millis(150)).await;
        Err::<(), _>("no")
    };
    assert_eq!(policy.call(both).await, Err(CallError::Failed("no")));
    assert_eq!(begun.elapsed().as_millis(), 250, "the last word is the second's");
}

#[tokio::test(start_paused = true)]
async fn an_error_that_does_not_count_is_an_answer() {
    let (begun, breaker) = (Instant::now(), patient());
    let policy = hedged(&breaker, 1).build().expect("right");
    let work = || async {
        sleep(Duration::from_millis(150)).await;
        Err::<(), _>("not found")
    };
    assert_eq!(policy.call(work).failure_if(|_| false).await, Err(CallError::Failed("not found")));
    assert_eq!(begun.elapsed().as_millis(), 150);
    assert_eq!(breaker.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_early_is_for_the_retries() {
    let (made, begun) = (Cell::new(0), Instant::now());
    let policy = hedged(&patient(), 1).build().expect("right");
    let work = || {
        made.set(made.get() + 1);
        std::future::ready(Err::<(), _>("no"))
    };
    assert!(policy.call(work).await.is_err());
    assert_eq!((made.get(), begun.elapsed().as_millis()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_not_doubled() {
    let (made, breaker) = (Cell::new(0), patient());
    breaker.open();
    sleep(Duration::from_secs(10)).await;
    let policy = hedged(&breaker, 1).build().expect("right");
    assert_eq!(policy.call(answering(&[500, 0], &made)).await, Ok(0));
    assert_eq!((made.get(), breaker.snapshot().counts.rejects), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn nor_is_a_call_where_the_circuit_opened_or_has_no_place() {
    let (made, breaker) = (Cell::new(0), patient());
    let policy = hedged(&breaker, 1).build().expect("right");
    let opened = async {
        sleep(Duration::from_millis(50)).await;
        breaker.open();
    };
    let (answer, ()) = tokio::join!(policy.call(answering(&[500, 0], &made)), opened);
    assert_eq!((answer, made.get(), breaker.snapshot().counts.rejects), (Ok(0), 1, 0));

    made.set(0);
    let small = Breaker::builder("test").capacity(1).timeout(None).build().expect("right");
    let policy = hedged(&small, 1).build().expect("right");
    assert_eq!(policy.call(answering(&[500, 0], &made)).await, Ok(0));
    assert_eq!((made.get(), small.snapshot().counts.failures), (1, 0), "a full house is a failure");
}

#[tokio::test(start_paused = true)]
async fn hedges_are_paid_for() {
    let made = Cell::new(0);
    let settings = BudgetSettings { ratio: 0.5, per_second: 0, ..BudgetSettings::default() };
    let policy = hedged(&patient(), 1).budget(&Budget::new(settings).expect("right")).build().expect("right");
    let mut hedges = 0;
    for _ in 0..10 {
        made.set(0);
        assert!(policy.call(answering(&[200, 200], &made)).await.is_ok());
        hedges += made.get() - 1;
    }
    assert_eq!(hedges, 5);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_of_a_retry_has_its_hedge() {
    let (at, begun) = (RefCell::new(Vec::new()), Instant::now());
    let backoff = breaker::Backoff { jitter: 0.0, ..Default::default() };
    let retry = Retry { attempts: 2, first: Duration::from_millis(400), backoff };
    let policy = hedged(&patient(), 1).retry(retry).build().expect("right");
    let work = || {
        at.borrow_mut().push(begun.elapsed().as_millis());
        async {
            sleep(Duration::from_millis(150)).await;
            Err::<(), _>("no")
        }
    };
    assert!(policy.call(work).await.is_err());
    assert_eq!(*at.borrow(), [0, 100, 650, 750], "a retry only when both have failed");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_drops_all_of_it() {
    let (breaker, held) = (patient(), Arc::new(()));
    let policy = hedged(&breaker, 2).build().expect("right");
    let make = || {
        let held = Arc::clone(&held);
        async move {
            let _held = held;
            pending::<Result<(), &str>>().await
        }
    };
    let late = tokio::time::timeout(Duration::from_millis(250), policy.call(make));
    let looked = async {
        sleep(Duration::from_millis(240)).await;
        (breaker.snapshot().in_flight, Arc::strong_count(&held))
    };
    let (late, looked) = tokio::join!(late, looked);
    assert!(late.is_err());
    assert_eq!(looked, (3, 4), "three were under way");
    assert_eq!((breaker.snapshot().in_flight, Arc::strong_count(&held)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_hedge_that_panics_takes_the_others_with_it() {
    let (breaker, made) = (patient(), Arc::new(AtomicUsize::new(0)));
    let policy = hedged(&breaker, 1).build().expect("right");
    let call = tokio::spawn(async move {
        let work = || {
            let first = made.fetch_add(1, Ordering::Relaxed) == 0;
            async move { if first { pending::<Result<(), &str>>().await } else { panic!("on purpose") } }
        };
        policy.call(work).await
    });
    assert!(call.await.expect_err("it panicked").is_panic());
    assert_eq!((breaker.snapshot().counts.failures, breaker.snapshot().in_flight), (1, 0));
}

/// Counts how often it is woken.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn no_wake_up_is_lost() {
    // Whichever of three answers, polled only when woken.
    for winner in 0..3 {
        let policy = hedged(&patient(), 2).build().expect("right");
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel::<&str>()).unzip();
        let mut receivers = receivers.into_iter();
        let make = || {
            let receiver = receivers.next().expect("three are made");
            async { receiver.await.map_err(|_| "gone") }
        };
        let mut call = Box::pin(policy.call(make));
        let counting = Arc::new(Counting::default());
        let waker = Waker::from(Arc::clone(&counting));
        let mut context = Context::from_waker(&waker);
        assert!(call.as_mut().poll(&mut context).is_pending());
        for hedge in 1..3 {
            advance(AFTER + Duration::from_millis(1)).await;
            assert!(counting.0.swap(0, Ordering::SeqCst) > 0, "the time of hedge {hedge} wakes");
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
        let mut senders: Vec<_> = senders.into_iter().map(Some).collect();
        // The first to fail wakes too, and the others are still heard.
        let loser = (winner + 1) % 3;
        drop(senders[loser].take());
        assert!(counting.0.swap(0, Ordering::SeqCst) > 0, "the error of {loser} wakes");
        assert!(call.as_mut().poll(&mut context).is_pending());
        let sender = senders[winner].take().expect("not used yet");
        assert_eq!(sender.send("yes"), Ok(()));
        assert!(counting.0.swap(0, Ordering::SeqCst) > 0, "the answer of {winner} wakes");
        assert_eq!(call.as_mut().poll(&mut context), Poll::Ready(Ok("yes")));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_woken_for_nothing() {
    let policy = hedged(&patient(), 1).build().expect("right");
    let mut call = Box::pin(policy.call(pending::<Result<(), &str>>));
    let counting = Arc::new(Counting::default());
    let waker = Waker::from(Arc::clone(&counting));
    assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    advance(AFTER - Duration::from_millis(2)).await;
    assert_eq!(counting.0.load(Ordering::SeqCst), 0);
}
