//! A bounded number of places, and a bounded line before them.

use breaker::{Breaker, Bulkhead, CallError, Policy, PolicyError};
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep};

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// A policy with one place and room for one to wait, 50 ms at most.
fn policy(breaker: &Breaker) -> Policy {
    let bulkhead = Bulkhead { places: 1, waiting: 1, longest: ms(50) };
    Policy::builder(breaker).bulkhead(bulkhead).build().expect("these settings are right")
}

fn breaker() -> Breaker {
    Breaker::builder("test").volume(100).build().expect("these settings are right")
}

/// Work that takes so long.
async fn take(time: Duration) -> Result<(), &'static str> {
    sleep(time).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_place_waits_for_one() {
    let breaker = breaker();
    let policy = policy(&breaker);
    let begun = Instant::now();
    let both = tokio::join!(policy.call(|| take(ms(30))), policy.call(|| take(ms(30))));
    assert_eq!(both, (Ok(()), Ok(())));
    assert_eq!(begun.elapsed(), ms(60), "one after the other");
    assert_eq!(breaker.snapshot().counts.successes, 2);
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_or_finds_the_line_full_is_refused_and_counted() {
    let breaker = breaker();
    let policy = policy(&breaker);
    let begun = Instant::now();
    let (first, second, third) = tokio::join!(
        policy.call(|| take(ms(200))),
        async { (policy.call(|| take(ms(1))).await, begun.elapsed()) },
        async { (policy.call(|| take(ms(1))).await, begun.elapsed()) },
    );
    assert_eq!(first, Ok(()));
    assert_eq!(second, (Err(CallError::Full { capacity: 1 }), ms(50)));
    assert_eq!(third, (Err(CallError::Full { capacity: 1 }), ms(0)));
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.counts.fires, snapshot.counts.semaphore_rejections), (3, 2));
    assert_eq!((snapshot.counts.failures, snapshot.in_flight), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_open_circuit() {
    let breaker = breaker();
    let policy = policy(&breaker);
    let begun = Instant::now();
    let (_, refused) = tokio::join!(policy.call(|| take(ms(200))), async {
        breaker.open();
        policy.call(|| take(ms(1))).await
    });
    assert!(matches!(refused, Err(CallError::Open { .. })));
    assert_eq!(begun.elapsed(), ms(200));
}

#[tokio::test(start_paused = true)]
async fn the_wait_is_not_part_of_the_time_out() {
    let breaker = Breaker::builder("test").timeout(ms(40)).volume(100).build().expect("right");
    let policy = policy(&breaker);
    let both = tokio::join!(policy.call(|| take(ms(35))), policy.call(|| take(ms(35))));
    assert_eq!(both, (Ok(()), Ok(())), "35 ms in the line and 35 ms of work");
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_line_or_his_place_gives_it_back() {
    let breaker = breaker();
    let policy = policy(&breaker);
    let mut held = Box::pin(policy.call(pending::<Result<(), &str>>));
    let mut waits = Box::pin(policy.call(pending::<Result<(), &str>>));
    tokio::select! {
        biased;
        _ = &mut held => unreachable!("it never ends"),
        _ = &mut waits => unreachable!("it waits"),
        () = std::future::ready(()) => {}
    }
    let refused = policy.call(|| take(ms(1))).await;
    assert_eq!(refused, Err(CallError::Full { capacity: 1 }), "one under way, one in the line");
    drop(waits);
    let (next, ()) = tokio::join!(policy.call(|| take(ms(1))), async { drop(held) });
    assert_eq!(next, Ok(()));
}

#[test]
fn a_bulkhead_that_cannot_work_is_refused() {
    let breaker = breaker();
    let with = |bulkhead| Policy::builder(&breaker).bulkhead(bulkhead).build().err();
    let right = Bulkhead { places: 1, waiting: 0, longest: ms(1) };
    assert_eq!(with(right), None);
    assert_eq!(with(Bulkhead { places: 0, ..right }), Some(PolicyError::Places));
    assert_eq!(with(Bulkhead { longest: Duration::ZERO, ..right }), None, "nobody waits");
    assert_eq!(with(Bulkhead { longest: Duration::ZERO, waiting: 1, ..right }), Some(PolicyError::Longest));
}
