//! Waits, attempts, and when it is no use; on a moved clock.

use breaker::{Backoff, Breaker, Budget, BudgetSettings, CallError, Policy, PolicyBuilder, Retry, State};
use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const TIMEOUT: Duration = Duration::from_millis(300);

/// One that failures do not open.
fn patient() -> Breaker {
    Breaker::builder("test").volume(1_000_000).build().expect("right")
}

/// Waits of 100, 200, 400… ms, with nothing left to chance.
fn retrying(breaker: &Breaker, attempts: u32) -> PolicyBuilder {
    let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
    let retry = Retry { attempts, first: Duration::from_millis(100), backoff };
    Policy::builder(breaker).retry(retry)
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).expect("short")
}

/// Work that notes when it is asked, and fails.
fn failing<'a>(
    begun: Instant,
    at: &'a RefCell<Vec<u64>>,
) -> impl FnMut() -> std::future::Ready<Result<(), &'static str>> + 'a {
    move || {
        at.borrow_mut().push(millis(begun));
        ready(Err("no"))
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_made_when_the_backoff_says() {
    let (begun, at) = (Instant::now(), RefCell::default());
    let policy = retrying(&patient(), 4).build().expect("right");
    assert_eq!(policy.call(failing(begun, &at)).await, Err(CallError::Failed("no")));
    assert_eq!(*at.borrow(), [0, 100, 300, 700]);
}

#[tokio::test(start_paused = true)]
async fn chance_shortens_the_waits() {
    let (begun, at) = (Instant::now(), RefCell::default());
    let retry = Retry { attempts: 3, first: Duration::from_millis(100), backoff: Backoff::default() };
    let policy = Policy::builder(&patient()).random(|| 0.5).retry(retry).build().expect("right");
    assert!(policy.call(failing(begun, &at)).await.is_err());
    assert_eq!(*at.borrow(), [0, 90, 270], "a tenth less");
}

#[tokio::test(start_paused = true)]
async fn chance_differs_from_policy_to_policy() {
    let mut seen = Vec::new();
    for _ in 0..8 {
        let (begun, at) = (Instant::now(), RefCell::default());
        let backoff = Backoff { jitter: 1.0, ..Backoff::default() };
        let retry = Retry { attempts: 2, first: Duration::from_secs(50), backoff };
        let policy = Policy::builder(&patient()).retry(retry).build().expect("right");
        assert!(policy.call(failing(begun, &at)).await.is_err());
        seen.push(at.borrow()[1]);
    }
    assert!(seen.iter().all(|wait| *wait <= 50_000));
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() > 4, "of 50,000 possible waits, eight had these: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn without_retries_a_call_is_made_once() {
    let (begun, at) = (Instant::now(), RefCell::default());
    let policy = Policy::builder(&patient()).build().expect("right");
    assert!(policy.call(failing(begun, &at)).await.is_err());
    assert_eq!(*at.borrow(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_ends_it() {
    let made = Cell::new(0);
    let policy = retrying(&patient(), 5).build().expect("right");
    let work = || {
        made.set(made.get() + 1);
        ready(if made.get() == 2 { Ok("yes") } else { Err("no") })
    };
    assert_eq!(policy.call(work).await, Ok("yes"));
    assert_eq!(made.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_worth_it_is_the_callers_to_say() {
    let (begun, at) = (Instant::now(), RefCell::default());
    let policy = retrying(&patient(), 3).build().expect("right");
    let answer = policy.call(failing(begun, &at)).retry_if(|why| *why != CallError::Failed("no")).await;
    assert_eq!(answer, Err(CallError::Failed("no")));
    assert_eq!(at.borrow().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_does_not_count_is_retried_only_where_the_caller_says_so() {
    let (begun, at) = (Instant::now(), RefCell::default());
    let breaker = patient();
    let policy = retrying(&breaker, 3).build().expect("right");
    assert!(policy.call(failing(begun, &at)).failure_if(|_| false).await.is_err());
    assert_eq!(at.take().len(), 1);
    assert!(policy.call(failing(begun, &at)).failure_if(|_| false).retry_if(|_| true).await.is_err());
    assert_eq!(at.take().len(), 3);
    assert_eq!(breaker.snapshot().counts.failures, 0);
}

#[tokio::test(start_paused = true)]
async fn time_outs_and_full_houses_are_worth_it() {
    let begun = Instant::now();
    let breaker = patient();
    let policy = retrying(&breaker, 2).build().expect("right");
    let slow = policy.call(pending::<Result<(), &str>>).await;
    assert_eq!(slow, Err(CallError::TimedOut { after: TIMEOUT }));
    assert_eq!(millis(begun), 300 + 100 + 300);
    assert_eq!(breaker.snapshot().counts.timeouts, 2);

    let full = Breaker::builder("test").volume(1_000_000).capacity(0).build().expect("right");
    let policy = retrying(&full, 3).build().expect("right");
    let refused = policy.call(|| ready(Ok::<_, &str>(()))).await;
    assert_eq!(refused, Err(CallError::Full { capacity: 0 }));
    assert_eq!(full.snapshot().counts.semaphore_rejections, 3);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_is_asked_once() {
    let begun = Instant::now();
    let breaker = patient();
    breaker.open();
    let policy = retrying(&breaker, 10).build().expect("right");
    let refused = policy.call(|| ready(Ok::<_, &str>(()))).retry_if(|_| true).await;
    assert_eq!(refused, Err(CallError::Open { retry_after: Duration::from_secs(10) }));
    assert_eq!(breaker.snapshot().counts.fires, 1);
    assert_eq!(millis(begun), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_opens_the_circuit_is_the_last_one() {
    let (begun, at) = (Instant::now(), RefCell::default());
    let breaker = Breaker::builder("test").build().expect("right");
    let policy = retrying(&breaker, 10).build().expect("right");
    assert_eq!(policy.call(failing(begun, &at)).await, Err(CallError::Failed("no")));
    assert_eq!((at.borrow().len(), millis(begun)), (1, 0));
    assert_eq!(breaker.snapshot().counts.rejects, 0, "the open circuit was not even asked");
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_the_circuit_opens_meanwhile() {
    let (begun, at) = (Instant::now(), RefCell::default());
    let breaker = patient();
    let first = Duration::from_secs(8);
    let retry = Retry { first, backoff: Backoff { jitter: 0.0, ..Backoff::default() }, ..Retry::default() };
    let policy = Policy::builder(&breaker).retry(retry).build().expect("right");
    let other = async {
        sleep(Duration::from_millis(1_500)).await;
        breaker.open();
    };
    let (answer, ()) = tokio::join!(policy.call(failing(begun, &at)), other);
    assert_eq!(answer, Err(CallError::Failed("no")), "what the attempt said, not that none was made");
    assert_eq!(millis(begun), 2_000, "seen with the next look, an eighth of the wait");
    assert_eq!(at.borrow().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_outlasts_the_open_time_goes_on() {
    let (begun, at) = (Instant::now(), RefCell::default());
    let breaker = Breaker::builder("test").reset(Duration::from_secs(1)).build().expect("right");
    let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
    let retry = Retry { attempts: 2, first: Duration::from_secs(3), backoff };
    let policy = Policy::builder(&breaker).retry(retry).build().expect("right");
    assert!(policy.call(failing(begun, &at)).await.is_err());
    assert_eq!(*at.borrow(), [0, 3_000], "the second is the probe");
}

#[tokio::test(start_paused = true)]
async fn a_disabled_circuit_does_not_end_the_retrying() {
    let (begun, at) = (Instant::now(), RefCell::default());
    let breaker = patient();
    breaker.open();
    breaker.disable();
    let policy = retrying(&breaker, 3).build().expect("right");
    assert!(policy.call(failing(begun, &at)).await.is_err());
    assert_eq!(at.borrow().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_hide_that_an_attempt_was_made() {
    let reset = Duration::from_millis(50);
    let breaker = Breaker::builder("test").reset(reset).timeout(None).build().expect("right");
    let policy = retrying(&breaker, 3).build().expect("right");
    // Half-open, with its probe under way elsewhere, when the second attempt asks.
    let probe = async {
        sleep(Duration::from_millis(60)).await;
        breaker.call(pending::<Result<(), &str>>()).await
    };
    tokio::select! {
        _ = probe => unreachable!("it has no time-out"),
        answer = policy.call(|| ready(Err::<(), _>("no"))) => {
            assert_eq!(answer, Err(CallError::Failed("no")));
        }
    }
    assert_eq!(breaker.snapshot().counts.rejects, 0, "nor is the circuit asked in vain");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_failures_makes_no_more_retries_than_the_budget_has() {
    const CALLS: u64 = crate::times(10_000, 40);
    const A_SECOND: u32 = crate::times(10, 2);
    let breaker = patient();
    let settings = BudgetSettings { ratio: 0.2, per_second: A_SECOND, ..BudgetSettings::default() };
    let budget = Budget::new(settings).expect("right");
    let policy = Arc::new(retrying(&breaker, 3).budget(&budget).build().expect("right"));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..CALLS {
        let policy = Arc::clone(&policy);
        calls.spawn(async move { policy.call(|| ready(Err::<(), _>("no"))).await });
    }
    while let Some(call) = calls.join_next().await {
        assert_eq!(call.expect("no panic"), Err(CallError::Failed("no")));
    }
    let retries = breaker.snapshot().counts.fires - CALLS;
    assert_eq!(
        retries,
        CALLS / 5 + u64::from(A_SECOND) * 10,
        "a fifth of the calls, and some a second for 10 s"
    );
    assert_eq!(budget.balance(), 0);
}

#[tokio::test(start_paused = true)]
async fn policies_may_share_a_budget_and_have_one_in_any_case() {
    let settings = BudgetSettings { ratio: 0.0, per_second: 1, ..BudgetSettings::default() };
    let budget = Budget::new(settings).expect("right");
    let backoff = Backoff { factor: 1.0, ..Backoff::default() };
    let retry = Retry { attempts: 9, first: Duration::from_millis(1), backoff };
    let policy = || Policy::builder(&patient()).retry(retry).budget(&budget).build().expect("right");
    let (one, other) = (policy(), policy());
    for policy in [&one, &other] {
        assert!(policy.call(|| ready(Err::<(), _>("no"))).await.is_err());
    }
    let made = [&one, &other].map(|policy| policy.breaker().snapshot().counts.fires);
    assert_eq!(made, [1 + 8, 1 + 2]);
    let own = retrying(&patient(), 9).build().expect("right");
    assert_eq!(own.budget().balance(), 100);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_over_all_attempts() {
    let begun = Instant::now();
    let breaker = patient();
    let deadline = Duration::from_millis(500);
    let policy = retrying(&breaker, 5).deadline(deadline).build().expect("right");
    let slow = policy.call(pending::<Result<(), &str>>).await;
    assert_eq!(slow, Err(CallError::TimedOut { after: deadline }), "300 ms, a wait of 100, and 100 more");
    assert_eq!(millis(begun), 500);
    assert_eq!(breaker.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let (begun, at) = (Instant::now(), RefCell::default());
    let policy = retrying(&patient(), 5).deadline(Duration::from_millis(300)).build().expect("right");
    assert_eq!(policy.call(failing(begun, &at)).await, Err(CallError::Failed("no")));
    assert_eq!(*at.borrow(), [0, 100], "the third would come at 300");
    assert_eq!(millis(begun), 100);
}

#[tokio::test(start_paused = true)]
async fn an_answer_at_the_deadline_is_an_answer() {
    let deadline = Duration::from_millis(200);
    let policy = Policy::builder(&patient()).deadline(deadline).build().expect("right");
    let work = async || {
        sleep(deadline).await;
        Ok::<_, &str>("just in time")
    };
    assert_eq!(policy.call(work).await, Ok("just in time"));
}

#[tokio::test(start_paused = true)]
async fn work_that_never_rests_does_not_hide_the_deadline() {
    use tokio::task::coop;
    let breaker = Breaker::builder("test").timeout(None).build().expect("right");
    let deadline = Duration::from_millis(crate::times(200, 20));
    let policy = Policy::builder(&breaker).deadline(deadline).build().expect("right");
    let busy = async || {
        for _ in 0..crate::times(1_000, 100) {
            while coop::has_budget_remaining() {
                coop::consume_budget().await;
            }
            let mut advancing = Box::pin(tokio::time::advance(Duration::from_millis(1)));
            let _ = advancing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            coop::consume_budget().await;
        }
        Ok::<_, &str>(())
    };
    assert_eq!(policy.call(busy).await, Err(CallError::TimedOut { after: deadline }));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_nothing_behind() {
    let breaker = patient();
    let policy = retrying(&breaker, 5).build().expect("right");
    let held = Arc::new(());
    {
        let make = || {
            let held = Arc::clone(&held);
            async move {
                let _held = held;
                pending::<Result<(), &str>>().await
            }
        };
        let mut call = Box::pin(policy.call(make));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!((breaker.snapshot().in_flight, Arc::strong_count(&held)), (1, 2));
    }
    assert_eq!((breaker.snapshot().in_flight, Arc::strong_count(&held)), (0, 1));
    assert_eq!(breaker.snapshot().counts.failures, 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_one_attempt_is_its_failure_and_gives_all_back() {
    let breaker = patient();
    let policy = retrying(&breaker, 5).build().expect("right");
    let call =
        tokio::spawn(async move { policy.call(|| async { panic!("on purpose") as Result<(), &str> }).await });
    assert!(call.await.expect_err("it panicked").is_panic());
    assert_eq!((breaker.snapshot().counts.failures, breaker.snapshot().in_flight), (1, 0));
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_call_that_needs_no_wait_needs_no_runtime() {
    let policy = Policy::builder(&patient()).build().expect("right");
    let mut call = Box::pin(policy.call(|| ready(Ok::<_, &str>(7))));
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, std::task::Poll::Ready(Ok(7)));
}
