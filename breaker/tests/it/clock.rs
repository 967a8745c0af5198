//! The clocks that a test cannot move: what holds whatever time they say it is.

use breaker::{Breaker, Clock, State};
use std::time::Duration;

const AN_HOUR: Duration = Duration::from_secs(3_600);

fn keeps_time(clock: Clock) {
    let breaker = Breaker::builder("payment").clock(clock.clone()).reset(AN_HOUR).build().expect("settings");
    let mut before = breaker.now();
    assert!(before < AN_HOUR, "it begins at nothing: {before:?}");
    for _ in 0..crate::times(10_000, 100) {
        let now = breaker.now();
        assert!(now >= before, "back from {before:?} to {now:?}");
        before = now;
    }
    breaker.permit().expect("closed").success();
    assert_eq!(breaker.status().counts.successes, 1);

    breaker.open();
    assert!(breaker.permit().is_err());
    assert_eq!(breaker.status().counts.rejects, 1);
    let wait = breaker.status().probe_in.expect("open");
    assert!(wait <= AN_HOUR && wait > AN_HOUR / 2, "{wait:?}");

    // Taken up again after most of it.
    let restored = Breaker::builder("payment").clock(clock).restore(breaker.save(), AN_HOUR).build();
    assert_eq!(restored.expect("what was saved").state(), State::HalfOpen, "the open time is over");
}

#[test]
fn tokios_clock_keeps_time() {
    keeps_time(Clock::tokio());
}

#[cfg(feature = "system")]
#[tokio::test(start_paused = true)]
async fn the_systems_clock_keeps_time_and_is_not_moved_with_tokios() {
    keeps_time(Clock::system());
    let breaker = Breaker::builder("payment").clock(Clock::system()).build().expect("settings");
    tokio::time::advance(AN_HOUR).await;
    assert!(breaker.now() < AN_HOUR);
}

#[cfg(feature = "tsc")]
#[test]
fn the_processors_counter_keeps_time() {
    keeps_time(Clock::tsc());
}

#[cfg(feature = "coarse")]
#[test]
fn the_kernels_tick_keeps_time() {
    keeps_time(Clock::coarse());
}
