//! Active health checks: the rule by arithmetic, the task on a moved clock.

use breaker::{Breaker, HealthCheck, HealthError, HealthRule, HealthVerdict, State};
use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, advance, sleep};

fn rule(bad: u32, good: u32) -> HealthRule {
    HealthRule::new(bad, good).expect("right")
}

#[test]
fn so_many_bad_ones_in_a_row_open() {
    let mut rule = rule(3, 1);
    let heard = [false, false, true, false, false, false].map(|is_good| rule.seen(is_good, State::Closed));
    assert_eq!(heard, [None, None, None, None, None, Some(HealthVerdict::Open)]);
}

#[test]
fn bad_ones_open_it_again_until_a_good_one_comes() {
    let mut rule = rule(2, 2);
    assert_eq!(rule.seen(false, State::Closed), None);
    assert_eq!(rule.seen(false, State::Closed), Some(HealthVerdict::Open));
    assert_eq!(rule.seen(false, State::Open), None, "it is");
    assert_eq!(rule.seen(false, State::HalfOpen), Some(HealthVerdict::Open), "no caller is to be the probe");
    assert_eq!(rule.seen(true, State::HalfOpen), None);
    assert_eq!(rule.seen(false, State::HalfOpen), None, "one in a row");
}

#[test]
fn so_many_good_ones_in_a_row_close() {
    let mut rule = rule(1, 3);
    let heard = [true, true, false, true, true, true].map(|is_good| rule.seen(is_good, State::Open));
    assert_eq!(heard, [None, None, None, None, None, Some(HealthVerdict::Close)]);
}

#[test]
fn good_ones_from_before_the_opening_do_not_close_it() {
    let mut rule = rule(1, 2);
    for _ in 0..10 {
        assert_eq!(rule.seen(true, State::Closed), None);
    }
    assert_eq!(rule.seen(true, State::Open), None, "the first that was made since it opened");
    assert_eq!(rule.seen(true, State::Open), Some(HealthVerdict::Close));
}

#[test]
fn years_of_checks_overflow_nothing() {
    let mut rule = rule(u32::MAX, u32::MAX);
    for is_good in [true, false] {
        for _ in 0..10 {
            assert_eq!(rule.seen(is_good, State::HalfOpen), None);
        }
    }
}

fn breaker() -> Breaker {
    Breaker::builder("test").reset(Duration::from_secs(3_600)).build().expect("right")
}

/// Every second, two of a kind.
fn check() -> HealthCheck {
    HealthCheck { every: Duration::from_secs(1), timeout: Duration::from_millis(500), bad: 2, good: 2 }
}

#[tokio::test(start_paused = true)]
async fn a_check_opens_and_closes_the_circuit() {
    let (breaker, is_well) = (breaker(), Arc::new(AtomicBool::new(false)));
    let asked = Arc::clone(&is_well);
    let _guard = check().start(&breaker, move || ready(asked.load(Ordering::SeqCst))).expect("right");
    sleep(Duration::from_millis(900)).await;
    assert_eq!(breaker.state(), State::Closed, "one bad one, at once");
    sleep(Duration::from_millis(200)).await;
    assert_eq!(breaker.state(), State::Open, "and a second");
    is_well.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(breaker.state(), State::Open);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_is_bad_after_its_time() {
    let (breaker, begun) = (breaker(), Instant::now());
    let dropped = Arc::new(());
    let held = Arc::clone(&dropped);
    let hanging = move || {
        let held = Arc::clone(&held);
        async move {
            let _held = held;
            pending::<bool>().await
        }
    };
    let _guard = check().start(&breaker, hanging).expect("right");
    while breaker.state() == State::Closed {
        sleep(Duration::from_millis(10)).await;
        assert!(begun.elapsed() < Duration::from_secs(60), "it never opened");
    }
    assert!((1_500..1_520).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    assert_eq!(Arc::strong_count(&dropped), 2, "what hung is dropped");
}

/// Panics where it says, else is well.
#[derive(Clone, Copy, PartialEq)]
enum Panics {
    Asked,
    Polled,
    Dropped,
}

struct PanicsWhenDropped(bool);

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        assert!(!self.0, "on purpose");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_bad_and_does_not_end_the_checks() {
    for panics in [Panics::Asked, Panics::Polled, Panics::Dropped] {
        let (breaker, asked) = (breaker(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&asked);
        let panicking = move || {
            let ill = count.fetch_add(1, Ordering::SeqCst) < 2;
            assert!(!(ill && panics == Panics::Asked), "on purpose");
            let guard = PanicsWhenDropped(ill && panics == Panics::Dropped);
            async move {
                assert!(!(ill && panics == Panics::Polled), "on purpose");
                if ill {
                    let _guard = guard;
                    return pending().await; // given up, and so dropped
                }
                true
            }
        };
        let _guard = check().start(&breaker, panicking).expect("right");
        sleep(Duration::from_millis(1_900)).await;
        assert_eq!((breaker.state(), asked.load(Ordering::SeqCst)), (State::Open, 2));
        sleep(Duration::from_secs(2)).await;
        assert_eq!(breaker.state(), State::Closed, "the checks went on");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_checks_do_not_pile_up() {
    let (breaker, asked) = (breaker(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    let slow = move || {
        count.fetch_add(1, Ordering::SeqCst);
        async {
            sleep(Duration::from_millis(2_500)).await;
            true
        }
    };
    let check = HealthCheck { timeout: Duration::from_secs(10), ..check() };
    let _guard = check.start(&breaker, slow).expect("right");
    sleep(Duration::from_millis(10_100)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 5, "at 0, 2.5, 5, 7.5 and 10 s");
}

#[tokio::test(start_paused = true)]
async fn the_guard_ends_the_checks() {
    let (breaker, asked, held) = (breaker(), Arc::new(AtomicUsize::new(0)), Arc::new(()));
    let (count, holding) = (Arc::clone(&asked), Arc::clone(&held));
    let guard = check()
        .start(&breaker, move || {
            let _holding = &holding;
            count.fetch_add(1, Ordering::SeqCst);
            ready(false)
        })
        .expect("right");
    sleep(Duration::from_millis(500)).await;
    drop(guard);
    advance(Duration::from_secs(60)).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!((asked.load(Ordering::SeqCst), breaker.state()), (1, State::Closed));
    assert_eq!(Arc::strong_count(&held), 1, "and the task is gone");
}

#[test]
fn what_cannot_work_is_said() {
    let breaker = breaker();
    let start = |check: HealthCheck| check.start(&breaker, || ready(true)).map(|_| ()).expect_err("wrong");
    assert_eq!(start(HealthCheck { every: Duration::ZERO, ..check() }), HealthError::Every);
    assert_eq!(start(HealthCheck { timeout: Duration::ZERO, ..check() }), HealthError::Timeout);
    assert_eq!(start(HealthCheck { bad: 0, ..check() }), HealthError::Bad);
    assert_eq!(start(HealthCheck { good: 0, ..check() }), HealthError::Good);
    let outside = start(check());
    assert_eq!(outside, HealthError::NoRuntime);
    assert_eq!(outside.to_string(), "no tokio runtime: a health check is a task, start it within one");
}
