//! Layers together, and policies that cannot work.

use breaker::{
    Backoff, BackoffError, Breaker, Budget, CallError, Coalesce, Fallback, Hedge, Policy, PolicyError, Retry,
    Verdict,
};
use std::cell::RefCell;
use std::future::ready;
use std::time::Duration;
use tokio::time::{Instant, sleep};

fn breaker() -> Breaker {
    Breaker::builder("test").volume(1_000_000).build().expect("right")
}

fn retry() -> Retry {
    let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
    Retry { attempts: 2, first: Duration::from_millis(100), backoff }
}

#[tokio::test(start_paused = true)]
async fn the_order_of_the_builder_is_of_no_matter() {
    let hedge = Hedge { after: Duration::from_millis(50), extra: 1 };
    let (deadline, budget, breaker) = (Duration::from_secs(5), Budget::default(), breaker());
    let one = Policy::builder(&breaker).retry(retry()).hedge(hedge).budget(&budget).deadline(deadline);
    let other = Policy::builder(&breaker).deadline(deadline).budget(&budget).hedge(hedge).retry(retry());
    let mut schedules = Vec::new();
    for policy in [one, other].map(|builder| builder.build().expect("right")) {
        let (at, begun) = (RefCell::new(Vec::new()), Instant::now());
        let work = || {
            at.borrow_mut().push(begun.elapsed().as_millis());
            async {
                sleep(Duration::from_millis(80)).await;
                Err::<(), _>("no")
            }
        };
        assert!(policy.call(work).await.is_err());
        schedules.push(at.take());
    }
    assert_eq!(schedules[0], [0, 50, 230, 280]);
    assert_eq!(schedules[0], schedules[1]);
}

#[tokio::test(start_paused = true)]
async fn the_order_of_the_judges_is_of_no_matter() {
    let policy = Policy::builder(&breaker()).retry(retry()).build().expect("right");
    let work = || ready(Err::<(), _>("yours"));
    let one = policy.call(work).retry_if(|_| true).failure_if(|_| false).await;
    let other = policy.call(work).failure_if(|_| false).retry_if(|_| true).await;
    assert_eq!(one, other);
    let counts = policy.breaker().snapshot().counts;
    assert_eq!((counts.fires, counts.failures), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn an_error_may_be_a_time_out_or_say_nothing() {
    let policy = Policy::builder(&breaker()).retry(retry()).build().expect("right");
    let verdict = |error: &&str| match *error {
        "late" => Verdict::Timeout,
        "left" => Verdict::Ignore,
        "yours" => Verdict::Success,
        _ => Verdict::Failure,
    };
    let mut seen = Vec::new();
    for error in ["late", "left", "yours", "no"] {
        let before = policy.breaker().snapshot().counts;
        let answer = policy.call(|| ready(Err::<(), _>(error))).judge_error(verdict).await;
        assert_eq!(answer, Err(CallError::Failed(error)));
        let now = policy.breaker().snapshot().counts;
        let more = |of: fn(&breaker::Counts) -> u64| of(&now) - of(&before);
        seen.push([more(|c| c.fires), more(|c| c.successes), more(|c| c.failures), more(|c| c.timeouts)]);
    }
    // Failures are retried once; what is none is an answer.
    assert_eq!(seen, [[2, 0, 2, 2], [1, 0, 0, 0], [1, 1, 0, 0], [2, 0, 2, 0]]);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_is_asked_once_and_last() {
    let policy = Policy::builder(&breaker()).retry(retry()).build().expect("right");
    let asked = RefCell::new(Vec::new());
    let answer = policy
        .call(|| ready(Err::<u32, _>("no")))
        .or_else(async |why| {
            asked.borrow_mut().push(why);
            Ok(250)
        })
        .await;
    assert_eq!(answer, Ok(250));
    assert_eq!(*asked.borrow(), [CallError::Failed("no")]);
    assert_eq!(policy.breaker().snapshot().counts.fires, 2);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_is_not_asked_about_answers_and_the_callers_own_errors() {
    let policy = Policy::builder(&breaker()).build().expect("right");
    let never = async |_| unreachable!("not asked");
    assert_eq!(policy.call(|| ready(Ok::<_, &str>(7))).or_else(never).await, Ok(7));
    let yours = policy.call(|| ready(Err::<u32, _>("yours"))).failure_if(|_| false).or_else(never).await;
    assert_eq!(yours, Err(CallError::Failed("yours")));
}

#[tokio::test(start_paused = true)]
async fn each_follower_has_its_own_fallback() {
    let policy = Policy::builder(&breaker()).build().expect("right");
    policy.breaker().open();
    let same = Coalesce::default();
    let ask = || policy.call(|| ready(Ok::<u32, &str>(7))).coalesce(&same, "tea");
    let own = Fallback::own(|_| Ok(250));
    let (one, other, third) =
        tokio::join!(ask().fallback(&Fallback::Null), ask().fallback(&own), ask().or_else(async |_| Ok(1)));
    assert_eq!((one, other, third), (Ok(0), Ok(250), Ok(1)));
}

#[tokio::test(start_paused = true)]
async fn a_policy_goes_where_tasks_go() {
    let policy = Policy::builder(&breaker()).retry(retry()).hedge(Hedge::default()).build().expect("right");
    let same: Coalesce<String, u32, String> = Coalesce::default();
    let task = tokio::spawn(async move {
        let work = || async { Ok::<_, String>(7) };
        policy.call(work).coalesce(&same, "tea".to_owned()).or_else(async |why| Err(why)).await
    });
    assert_eq!(task.await.expect("no panic"), Ok(7));
}

#[test]
fn what_cannot_work_is_said() {
    let breaker = breaker();
    let build = |retry| Policy::builder(&breaker).retry(retry).build().map(|_| ()).expect_err("wrong");
    assert_eq!(build(Retry { attempts: 0, ..retry() }), PolicyError::Attempts);
    assert_eq!(build(Retry { first: Duration::ZERO, ..retry() }), PolicyError::First);
    let backoff = Backoff { factor: 0.5, ..Backoff::default() };
    let wrong = build(Retry { backoff, ..retry() });
    assert_eq!(wrong, PolicyError::Backoff(BackoffError::Factor(0.5)));
    assert_eq!(
        wrong.to_string(),
        "backoff factor is 0.5: each wait is at least as long as the one before, so it is 1 or more"
    );

    let build = |hedge| Policy::builder(&breaker).hedge(hedge).build().map(|_| ()).expect_err("wrong");
    assert_eq!(build(Hedge { after: Duration::ZERO, extra: 1 }), PolicyError::HedgeAfter);
    for extra in [0, 17] {
        assert_eq!(build(Hedge { extra, ..Hedge::default() }), PolicyError::HedgeExtra(extra));
    }
    let said = build(Hedge { extra: 17, ..Hedge::default() }).to_string();
    assert_eq!(said, "hedge extra is 17: it is 1 to 16; leave the hedge out for none");

    let deadline = Policy::builder(&breaker).deadline(Duration::ZERO).build().map(|_| ());
    assert_eq!(deadline, Err(PolicyError::Deadline));
}
