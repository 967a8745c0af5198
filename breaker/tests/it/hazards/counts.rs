//! What must open a circuit, and what must not.

use super::{admitted, call, circuit, is_refused, ms, state};
use breaker::{
    Breaker, CallError, Circuit, Entry, Judged, Mode, OnClose, Outcome, RateOf, Reason, Settings, State,
    Threshold, Trip, Window,
};
use std::future::{pending, ready};
use std::panic::AssertUnwindSafe;
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::time::{advance, sleep};

// H7: breaker-machines.
#[test]
fn the_first_failure_after_recovery_does_not_open_it() {
    let two_failures = [
        Settings { trip: Trip::Consecutive(2), ..Settings::default() },
        Settings { trip: Trip::Failures(2), on_close: OnClose::Clear, ..Settings::default() },
        Settings { volume: 2, on_close: OnClose::Clear, ..Settings::default() },
        Settings { volume: 2, window: Window::Calls(2), on_close: OnClose::Clear, ..Settings::default() },
    ];
    for settings in two_failures {
        let circuit = circuit(Settings { reset: ms(60), ..settings });
        let mut now = 0;
        for _ in 0..3 {
            call(&circuit, Outcome::Failure, now);
            assert_eq!(state(&circuit, now), State::Closed, "{:?}", circuit.settings().trip);
            call(&circuit, Outcome::Failure, now);
            assert_eq!(state(&circuit, now), State::Open, "{:?}", circuit.settings().trip);
            now += 60;
            call(&circuit, Outcome::Success, now);
            assert_eq!(state(&circuit, now), State::Closed);
        }
    }
}

// H8: all of them but opossum, which has no panics.
#[tokio::test(start_paused = true)]
async fn panics_are_failures() {
    let breaker = Breaker::builder("test").trip(Trip::Consecutive(4)).build().expect("right");
    let in_the_first_poll = || {
        let mut call = Box::pin(breaker.call(async { panic!("on purpose") as Result<(), &str> }));
        let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    };
    assert!(std::panic::catch_unwind(AssertUnwindSafe(in_the_first_poll)).is_err());
    let blocking = || breaker.call_blocking(|| -> Result<(), &str> { panic!("on purpose") });
    assert!(std::panic::catch_unwind(AssertUnwindSafe(blocking)).is_err());
    let with_a_permit = || {
        let _permit = breaker.permit();
        panic!("on purpose");
    };
    assert!(std::panic::catch_unwind(AssertUnwindSafe(with_a_permit)).is_err());
    assert_eq!((breaker.state(), breaker.snapshot().consecutive), (State::Closed, 3));
    let later = breaker.clone();
    let later = tokio::spawn(async move {
        let work = async {
            sleep(ms(10)).await;
            panic!("on purpose") as Result<(), &str>
        };
        later.call(work).await
    });
    assert!(later.await.expect_err("it panicked").is_panic());
    assert_eq!((breaker.state(), breaker.snapshot().in_flight), (State::Open, 0));
}

// H9: twenty calls in a row, each given up by a time-out around it, left all of them closed.
#[tokio::test(start_paused = true)]
async fn calls_given_up_by_a_time_out_around_them_are_failures() {
    let breaker = Breaker::builder("test").volume(20).build().expect("right");
    for number in 1..=20 {
        tokio::select! {
            biased;
            () = sleep(ms(300)) => {}
            _ = breaker.call(pending::<Result<(), &str>>()) => unreachable!("the one around it is first"),
        }
        assert_eq!(breaker.state() == State::Open, number == 20, "after {number}");
    }
    let counts = breaker.snapshot().counts;
    assert_eq!((counts.failures, counts.timeouts, breaker.snapshot().in_flight), (20, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn calls_given_up_before_their_time_say_nothing() {
    let breaker = Breaker::builder("test").build().expect("right");
    for _ in 0..20 {
        let mut call = Box::pin(breaker.call(pending::<Result<(), &str>>()));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        advance(ms(299)).await;
        drop(call);
    }
    let seen = breaker.snapshot();
    assert_eq!((seen.state, seen.totals.failures, seen.in_flight), (State::Closed, 0, 0));
}

// circuitbreaker-rs: the time policy was never fed.
#[tokio::test(start_paused = true)]
async fn the_time_that_calls_take_reaches_the_rule() {
    let slow = Trip::Slow { than: ms(100), share: Threshold::AtLeast(50.0) };
    let breaker = Breaker::builder("test").trip(slow).volume(4).build().expect("right");
    for millis in [10, 99, 100, 150] {
        assert_eq!(breaker.state(), State::Closed);
        let work = async {
            sleep(ms(millis)).await;
            Ok::<_, &str>(())
        };
        assert_eq!(breaker.call(work).await, Ok(()));
    }
    assert_eq!(breaker.state(), State::Open, "two of four, and all of them good");
    assert!(matches!(
        breaker.snapshot().last.expect("it opened").reason,
        Reason::SlowRate { slow: 2, calls: 4, .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_permit_and_of_a_blocking_call_reaches_the_rule() {
    let slow = Trip::Slow { than: ms(100), share: Threshold::AtLeast(100.0) };
    let clock = breaker::Clock::manual();
    let builder = Breaker::builder("test").trip(slow).volume(2).clock(clock.clone());
    let breaker = builder.build().expect("right");
    let permit = breaker.permit().expect("closed");
    clock.advance(ms(100));
    permit.success();
    let work = || {
        clock.advance(ms(100));
        Ok::<_, &str>(())
    };
    assert_eq!(breaker.call_blocking(work), Ok(()));
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn two_rules_about_slow_calls_mean_what_they_say() {
    // Nearly all slower than a second, or some slower than a minute.
    let trip = Trip::Any(vec![
        Trip::Slow { than: ms(1_000), share: Threshold::AtLeast(90.0) },
        Trip::Slow { than: ms(60_000), share: Threshold::AtLeast(10.0) },
    ]);
    let settings = Settings { timeout: None, volume: 10, trip, ..Settings::default() };
    let Ok(circuit) = Circuit::new(settings) else { return };
    let slow: Vec<_> = (0..5).map(|_| admitted(&circuit, 0)).collect();
    for ticket in slow {
        circuit.leave(ticket, Outcome::Success, ms(2_000));
    }
    for _ in 0..5 {
        call(&circuit, Outcome::Success, 2_000);
        let slow = admitted(&circuit, 2_000);
        circuit.leave(slow, Outcome::Success, ms(3_000));
    }
    assert_eq!(state(&circuit, 3_000), State::Closed, "none took a minute, 10 of 15 a second");
}

#[test]
fn a_success_that_fills_the_volume_is_judged_where_every_end_is() {
    for window in [Window::Calls(4), Window::default()] {
        for (judged, then) in [(Judged::OnEveryEnd, State::Open), (Judged::OnFailure, State::Closed)] {
            let trip = Trip::Errors(Threshold::AtLeast(50.0));
            let rate_of = RateOf::Ended;
            let circuit =
                circuit(Settings { window, judged, trip, rate_of, volume: 4, ..Settings::default() });
            for outcome in [Outcome::Failure, Outcome::Failure, Outcome::Success] {
                call(&circuit, outcome, 0);
            }
            assert_eq!(state(&circuit, 0), State::Closed);
            call(&circuit, Outcome::Success, 0);
            assert_eq!(state(&circuit, 0), then, "{window:?}");
        }
    }
}

#[test]
fn calls_that_pile_up_open_it_before_any_has_ended() {
    for mode in [Mode::Auto, Mode::MetricsOnly] {
        let circuit = circuit(Settings { timeout: None, trip: Trip::PileUp(10), ..Settings::default() });
        circuit.set_mode(mode);
        let hanging: Vec<_> = (0..10).map(|_| admitted(&circuit, 0)).collect();
        assert_eq!(state(&circuit, 0), State::Closed);
        let one_more = circuit.enter(ms(1));
        assert_eq!(matches!(one_more, Entry::Refused { opened: Some(_), .. }), mode == Mode::Auto);
        assert_eq!(state(&circuit, 1), State::Open, "{mode}");
        let there = if mode == Mode::Auto { 10 } else { 11 };
        assert_eq!(circuit.snapshot(ms(1)).in_flight, there, "{mode}");
        drop(hanging);
    }
}

// An open circuit under a flood of refused calls.
#[test]
fn a_flood_of_refused_calls_neither_prolongs_the_open_time_nor_dilutes_the_rate() {
    let circuit = circuit(Settings { rate_of: RateOf::Ended, volume: 2, ..Settings::default() });
    for _ in 0..2 {
        call(&circuit, Outcome::Failure, 0);
    }
    const STEP: usize = crate::times(1, 200);
    for millis in (0..10_000).step_by(STEP) {
        for _ in 0..20 {
            assert!(is_refused(&circuit, millis));
        }
    }
    assert_eq!(circuit.snapshot(ms(9_999)).counts.rejects, 200_000 / STEP as u64);
    call(&circuit, Outcome::Success, 10_000);
    assert_eq!(state(&circuit, 10_000), State::Closed);
    let seen = circuit.snapshot(ms(10_000));
    assert_eq!((seen.volume, seen.in_flight), (1, 0), "the probe alone");
    call(&circuit, Outcome::Failure, 10_001);
    assert_eq!(state(&circuit, 10_001), State::Closed);
    call(&circuit, Outcome::Failure, 10_001);
    assert_eq!(state(&circuit, 10_001), State::Open, "2 of 3, beside all that were refused");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_refused_calls_makes_no_call_and_takes_no_place() {
    let breaker = Breaker::builder("test").capacity(1).build().expect("right");
    breaker.open();
    for _ in 0..crate::times(100_000, 50) {
        let refused = breaker.call(async { unreachable!("it is open") as Result<(), &str> }).await;
        assert_eq!(refused, Err(CallError::Open { retry_after: Duration::from_secs(10) }));
    }
    sleep(ms(10_000)).await;
    assert_eq!(breaker.snapshot().in_flight, 0);
    assert_eq!(breaker.call(ready(Ok::<_, &str>(()))).await, Ok(()));
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn forced_closed_nothing_opens_it() {
    for trip in
        [Trip::Consecutive(1), Trip::PileUp(1), Trip::Errors(Threshold::Above(0.0)), Trip::Failures(1)]
    {
        let circuit = circuit(Settings { trip, capacity: Some(2), ..Settings::default() });
        circuit.set_mode(Mode::ForcedClosed);
        let _held = admitted(&circuit, 0);
        for _ in 0..5 {
            call(&circuit, Outcome::Failure, 0);
        }
        let (_last, full) = (admitted(&circuit, 0), circuit.enter(ms(0)));
        assert!(matches!(full, Entry::Full { opened: None, .. }));
        assert_eq!((state(&circuit, 0), circuit.turns()), (State::Closed, 0));
    }
}
