//! Equal calls, made once; on a moved clock.

use breaker::{Breaker, CallError, Coalesce, CoalesceError, CoalesceSettings, Policy, Retry};
use std::future::{pending, ready};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

type Same = Coalesce<&'static str, usize, &'static str>;
type Answer = Result<usize, CallError<&'static str>>;

fn same(settings: CoalesceSettings) -> Same {
    Coalesce::new(settings).expect("right")
}

/// Counts that it was made, and answers with the count after 100 ms.
async fn counted(made: &AtomicUsize) -> Answer {
    let number = made.fetch_add(1, Ordering::SeqCst) + 1;
    sleep(Duration::from_millis(100)).await;
    Ok(number)
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(start_paused = true)]
async fn equal_calls_are_made_once() {
    let (same, made) = (Same::default(), AtomicUsize::new(0));
    let ask = |key| same.call(key, counted(&made));
    let (tea, again, milk) = tokio::join!(ask("tea"), ask("tea"), ask("milk"));
    assert_eq!((tea, again, milk), (Ok(1), Ok(1), Ok(2)));
    assert_eq!(same.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_after_the_end() {
    let (same, made) = (Same::default(), AtomicUsize::new(0));
    assert_eq!(same.call("tea", counted(&made)).await, Ok(1));
    assert_eq!(same.held(), 0);
    assert_eq!(same.call("tea", counted(&made)).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_came_to_its_end_is_not_joined_though_a_follower_still_holds_it() {
    let (same, made) = (Same::default(), AtomicUsize::new(0));
    let mut follower = Box::pin(same.call("tea", counted(&made)));
    {
        let mut leader = Box::pin(same.call("tea", counted(&made)));
        assert!(poll(leader.as_mut()).is_pending());
        assert!(poll(follower.as_mut()).is_pending());
        assert_eq!(leader.await, Ok(1));
    }
    assert_eq!(same.call("tea", counted(&made)).await, Ok(2));
    assert_eq!(follower.await, Ok(1));
    assert_eq!(same.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_shared_too() {
    let same = Same::default();
    let failed = || async {
        sleep(Duration::from_millis(1)).await;
        Err(CallError::Failed("no"))
    };
    let both = tokio::join!(same.call("tea", failed()), same.call("tea", failed()));
    assert_eq!(both, (Err(CallError::Failed("no")), Err(CallError::Failed("no"))));
    assert_eq!(same.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_follower_takes_over_where_the_leader_goes_away() {
    let (same, made) = (Same::default(), AtomicUsize::new(0));
    let mut leader = Box::pin(same.call("tea", counted(&made)));
    assert!(poll(leader.as_mut()).is_pending());
    let followers =
        async { tokio::join!(same.call("tea", counted(&made)), same.call("tea", counted(&made))) };
    let going = async {
        sleep(Duration::from_millis(50)).await;
        drop(leader);
    };
    let begun = Instant::now();
    let (answers, ()) = tokio::join!(followers, going);
    assert_eq!(answers, (Ok(2), Ok(2)), "one of them made it anew");
    assert_eq!(begun.elapsed().as_millis(), 150);
    assert_eq!(same.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_last_to_go_away_leaves_nothing() {
    let (same, made) = (Same::default(), AtomicUsize::new(0));
    let mut callers: Vec<_> = (0..3).map(|_| Box::pin(same.call("tea", counted(&made)))).collect();
    for caller in &mut callers {
        assert!(poll(caller.as_mut()).is_pending());
    }
    drop(callers.remove(1));
    drop(callers.remove(0));
    assert_eq!(same.held(), 1);
    drop(callers);
    assert_eq!((same.held(), made.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_leader_held_is_free_before_the_next_one_leads() {
    struct Place(Arc<AtomicUsize>);
    impl Drop for Place {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    struct Noting(Arc<AtomicUsize>, AtomicUsize);
    impl std::task::Wake for Noting {
        fn wake(self: Arc<Self>) {
            self.1.store(self.0.load(Ordering::SeqCst) + 10, Ordering::SeqCst);
        }
    }
    let (same, taken) = (Same::default(), Arc::new(AtomicUsize::new(0)));
    let work = || {
        let taken = Arc::clone(&taken);
        async move {
            taken.fetch_add(1, Ordering::SeqCst);
            let _place = Place(taken);
            pending::<Answer>().await
        }
    };
    let mut leader = Box::pin(same.call("tea", work()));
    assert!(poll(leader.as_mut()).is_pending());
    let mut follower = Box::pin(same.call("tea", work()));
    let noting = Arc::new(Noting(Arc::clone(&taken), AtomicUsize::new(0)));
    assert!(follower.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(&noting)))).is_pending());
    drop(leader);
    assert_eq!(noting.1.load(Ordering::SeqCst), 10, "woken, with no place taken");
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_panics_leaves_the_others_able_to_go_on() {
    let (same, made) = (Same::default(), AtomicUsize::new(0));
    let mut leader = Box::pin(same.call("tea", async {
        tokio::task::yield_now().await;
        panic!("on purpose")
    }));
    let mut follower = Box::pin(same.call("tea", counted(&made)));
    assert!(poll(leader.as_mut()).is_pending());
    assert!(poll(follower.as_mut()).is_pending());
    assert!(std::panic::catch_unwind(AssertUnwindSafe(|| poll(leader.as_mut()))).is_err());
    assert_eq!(follower.await, Ok(1));
    drop(leader);
    assert_eq!(same.held(), 0);
    assert_eq!(same.call("tea", counted(&made)).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_call_beyond_the_bound_is_made_on_its_own() {
    let same = same(CoalesceSettings { keys: 1, ..CoalesceSettings::default() });
    let made = AtomicUsize::new(0);
    let ask = |key| same.call(key, counted(&made));
    let (tea, milk, again, more) = tokio::join!(ask("tea"), ask("milk"), ask("milk"), ask("tea"));
    assert_eq!((tea, milk, again, more), (Ok(1), Ok(2), Ok(3), Ok(1)));
    assert_eq!(same.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_nobody_polls_does_not_hold_the_others_for_ever() {
    let (same, made, begun) = (Same::default(), AtomicUsize::new(0), Instant::now());
    let mut leader = Box::pin(same.call("tea", counted(&made)));
    assert!(poll(leader.as_mut()).is_pending());
    let follower = timeout(Duration::from_secs(60), same.call("tea", counted(&made))).await;
    assert_eq!(follower, Ok(Ok(2)));
    assert_eq!(begun.elapsed().as_millis(), 10_000 + 100);
    assert_eq!(leader.await, Ok(1), "and may still have its own answer");
    assert_eq!(same.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_leader_may_take_longer_than_the_patience_of_others() {
    let same = same(CoalesceSettings { patience: Duration::from_millis(10), ..CoalesceSettings::default() });
    let made = AtomicUsize::new(0);
    assert_eq!(same.call("tea", counted(&made)).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_may_be_kept_for_a_while() {
    let keep = Some(Duration::from_millis(300));
    let same = same(CoalesceSettings { keep, keys: 2, ..CoalesceSettings::default() });
    let made = AtomicUsize::new(0);
    assert_eq!(same.call("tea", counted(&made)).await, Ok(1));
    sleep(Duration::from_millis(299)).await;
    assert_eq!(same.call("tea", counted(&made)).await, Ok(1), "though nobody else is under way");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(same.call("tea", counted(&made)).await, Ok(2), "its time is not prolonged by those who ask");

    assert_eq!(same.call("milk", async { Err(CallError::Failed("no")) }).await, Err(CallError::Failed("no")));
    assert_eq!(same.call("milk", counted(&made)).await, Ok(3), "an error is not kept");
    assert_eq!(same.held(), 2);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(same.call("salt", counted(&made)).await, Ok(4));
    assert_eq!(same.held(), 1, "what is over made room");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_bounded_and_makes_room_in_time() {
    let keep = Some(Duration::from_secs(1));
    let same: Coalesce<usize, usize, ()> =
        Coalesce::new(CoalesceSettings { keep, keys: 10, ..CoalesceSettings::default() }).expect("right");
    for key in 0..1_000 {
        assert_eq!(same.call(key, ready(Ok(key))).await, Ok(key));
        assert!(same.held() <= 10);
        sleep(Duration::from_millis(50)).await;
    }
    sleep(Duration::from_secs(2)).await;
    assert_eq!(same.call(1_000, ready(Ok(0))).await, Ok(0));
    assert_eq!(same.held(), 1);
}

#[test]
fn the_key_may_be_dropped_and_asked_from_many_threads() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().expect("one");
    let same: Coalesce<usize, usize, ()> = Coalesce::default();
    let made = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..2_000_usize {
            let (same, made) = (same.clone(), Arc::clone(&made));
            callers.spawn(async move {
                let work = async {
                    made.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Ok(caller % 7)
                };
                let call = same.call(caller % 7, work);
                if caller % 3 == 0 {
                    let mut call = Box::pin(call);
                    let _ = poll(call.as_mut()); // and away
                    None
                } else {
                    Some((caller % 7, call.await))
                }
            });
        }
        while let Some(caller) = callers.join_next().await {
            if let Some((key, answer)) = caller.expect("no panic") {
                assert_eq!(answer, Ok(key));
            }
        }
    });
    assert_eq!(same.held(), 0);
    assert!(made.load(Ordering::SeqCst) <= 2_000);
}

#[tokio::test(start_paused = true)]
async fn followers_share_the_retries_of_a_policy() {
    let breaker = Breaker::builder("test").volume(1_000).build().expect("right");
    let retry = Retry { attempts: 3, ..Retry::default() };
    let policy = Policy::builder(&breaker).retry(retry).build().expect("right");
    let same = Coalesce::default();
    let ask = || policy.call(|| ready(Err::<(), _>("no"))).coalesce(&same, "tea");
    let answers = tokio::join!(ask(), ask(), ask());
    assert_eq!(answers.2, Err(CallError::Failed("no")));
    assert_eq!(breaker.snapshot().counts.fires, 3, "not nine");
}

#[tokio::test(start_paused = true)]
async fn a_follower_is_under_its_own_deadline() {
    let breaker = Breaker::builder("test").timeout(None).build().expect("right");
    let deadline = Duration::from_secs(1);
    let policy = Policy::builder(&breaker).deadline(deadline).build().expect("right");
    let (same, begun) = (Coalesce::default(), Instant::now());
    let mut leader = Box::pin(policy.call(pending::<Result<(), &str>>).coalesce(&same, "tea"));
    assert!(poll(leader.as_mut()).is_pending(), "and not polled again");
    let follower = policy.call(pending::<Result<(), &str>>).coalesce(&same, "tea").await;
    assert_eq!(follower, Err(CallError::TimedOut { after: deadline }));
    assert_eq!(begun.elapsed(), deadline);
    assert_eq!(breaker.snapshot().counts.fires, 1, "it made no call of its own");
}

#[test]
fn what_cannot_work_is_said() {
    let right = CoalesceSettings::default();
    let wrong = |settings| Same::new(settings).map(|_| ()).expect_err("wrong");
    assert_eq!(wrong(CoalesceSettings { keys: 0, ..right }), CoalesceError::Keys);
    assert_eq!(wrong(CoalesceSettings { patience: Duration::ZERO, ..right }), CoalesceError::Patience);
    let keep = wrong(CoalesceSettings { keep: Some(Duration::ZERO), ..right });
    assert_eq!(keep, CoalesceError::Keep);
    assert_eq!(keep.to_string(), "coalesce keep is zero: take None to keep nothing");
}
