//! Windows that do not slide, lose what they should hold, or run over.

use super::{admitted, call, circuit, is_refused, ms, state};
use breaker::{Circuit, Entry, Judged, OnClose, Outcome, RateOf, Settings, State, Threshold, Trip, Window};
use std::time::Duration;

/// Never opens by itself.
fn patient(length: Duration, buckets: u32) -> Circuit {
    let window = Window::Time { length, buckets };
    circuit(Settings { window, trip: Trip::Errors(Threshold::Above(100.0)), ..Settings::default() })
}

fn of_calls(calls: u32) -> Settings {
    let trip = Trip::Errors(Threshold::AtLeast(50.0));
    Settings { window: Window::Calls(calls), volume: calls.into(), trip, ..Settings::default() }
}

// tower-resilience: 10,000 good calls needed 10,000 failures.
#[test]
fn a_window_of_calls_slides_call_by_call() {
    let circuit = circuit(of_calls(100));
    for _ in 0..crate::times(10_000, 300) {
        call(&circuit, Outcome::Success, 0);
    }
    for failures in 1..=50 {
        assert_eq!(circuit.snapshot(ms(0)).volume, 100);
        assert_eq!(state(&circuit, 0), State::Closed, "after {failures} failures");
        call(&circuit, Outcome::Failure, 0);
    }
    assert_eq!(state(&circuit, 0), State::Open, "50 of the last 100");
}

#[test]
fn failures_leave_a_window_of_calls_too() {
    let circuit = circuit(of_calls(10));
    for _ in 0..crate::times(1_000, 30) {
        // 4 of 10, whichever ten.
        for outcome in
            [Outcome::Failure, Outcome::Failure, Outcome::Success, Outcome::Success, Outcome::Success]
        {
            call(&circuit, outcome, 0);
        }
    }
    assert_eq!((state(&circuit, 0), circuit.snapshot(ms(0)).error_rate), (State::Closed, 40.0));
}

#[test]
fn a_window_of_time_forgets_bucket_by_bucket() {
    let circuit = patient(ms(10_000), 10);
    for second in 0..30 {
        for _ in 0..=second {
            call(&circuit, Outcome::Success, second * 1_000);
        }
        let expected: u64 = (second.saturating_sub(9)..=second).map(|second| second + 1).sum();
        assert_eq!(circuit.snapshot(ms(second * 1_000 + 999)).counts.successes, expected);
    }
    assert_eq!(circuit.snapshot(ms(30_000)).totals.successes, 465, "the totals forget nothing");
}

// Window skew after idle hours: buckets turned by a counter, one for each call or tick that came.
#[test]
fn after_idle_hours_the_window_is_empty_and_in_step() {
    for idle in [10_000, 10_001, 3_600_000, 7 * 3_600_000 + 123] {
        let circuit = patient(ms(10_000), 10);
        for second in 0..15 {
            call(&circuit, Outcome::Failure, second * 1_000);
        }
        let now = 14_000 + idle;
        assert_eq!(circuit.snapshot(ms(now)).counts.failures, 0, "idle for {idle} ms");
        call(&circuit, Outcome::Success, now);
        let counts = circuit.snapshot(ms(now)).counts;
        assert_eq!((counts.successes, counts.failures, counts.fires), (1, 0, 1));
        // It leaves when its bucket does, neither earlier nor later.
        let gone = now / 1_000 * 1_000 + 10_000;
        assert_eq!(circuit.snapshot(ms(gone - 1)).counts.successes, 1, "idle for {idle} ms");
        assert_eq!(circuit.snapshot(ms(gone)).counts.successes, 0, "idle for {idle} ms");
        // Nor does the first call after the idle time set the step for the next ones.
        call(&circuit, Outcome::Success, gone - 1);
        call(&circuit, Outcome::Success, gone + 998);
        assert_eq!(circuit.snapshot(ms(gone + 9_999)).counts.successes, 1, "idle for {idle} ms");
    }
}

// failsafe: windows under 1 s were 0 s.
#[test]
fn a_window_under_a_second_holds_its_calls() {
    for (length, buckets) in
        [(ms(500), 5), (ms(50), 10), (Duration::from_micros(900), 3), (Duration::from_nanos(8), 8)]
    {
        let circuit = patient(length, buckets);
        let step = length / buckets;
        for number in 0..buckets {
            let Entry::Admitted(ticket) = circuit.enter(step * number) else { panic!("closed") };
            circuit.leave(ticket, Outcome::Failure, step * number);
        }
        let last = step * (buckets - 1);
        assert_eq!(circuit.snapshot(last).counts.failures, u64::from(buckets), "{length:?}");
        assert_eq!(circuit.snapshot(length).counts.failures, u64::from(buckets) - 1, "{length:?}");
        assert_eq!(circuit.snapshot(length + last).counts.failures, 0, "{length:?}");
    }
}

#[test]
fn a_window_under_a_second_opens_a_circuit() {
    let window = Window::Time { length: ms(100), buckets: 10 };
    let circuit = circuit(Settings { window, volume: 5, ..Settings::default() });
    for millis in 0..4 {
        call(&circuit, Outcome::Failure, millis);
    }
    call(&circuit, Outcome::Failure, 200);
    assert_eq!(state(&circuit, 200), State::Closed, "four of them are gone");
    for millis in 201..205 {
        call(&circuit, Outcome::Failure, millis);
    }
    assert_eq!(state(&circuit, 205), State::Open);
}

// failsafe: only the first call of each millisecond weighed.
#[test]
fn every_call_of_one_moment_weighs() {
    let circuit = circuit(Settings { volume: 1_000, ..Settings::default() });
    for _ in 0..499 {
        call(&circuit, Outcome::Success, 7);
    }
    for _ in 0..500 {
        call(&circuit, Outcome::Failure, 7);
    }
    assert_eq!(state(&circuit, 7), State::Closed, "999 calls");
    call(&circuit, Outcome::Failure, 7);
    assert_eq!(state(&circuit, 7), State::Open, "501 of 1,000");
}

#[test]
fn on_a_clock_that_stands_still_all_is_counted_and_nothing_slides() {
    const CALLS: u64 = crate::times(100_000, 600);
    let circuit = patient(ms(10_000), 10);
    for _ in 0..CALLS {
        call(&circuit, Outcome::Success, 4_321);
    }
    assert_eq!(circuit.snapshot(ms(4_321)).counts.successes, CALLS);
    circuit.open(ms(4_321));
    for _ in 0..crate::times(1_000, 50) {
        assert!(is_refused(&circuit, 4_321), "its time does not pass");
    }
}

// breaker-machines: a window of 60 s was its last 1,000 events.
#[test]
fn a_window_of_time_holds_however_many_calls() {
    let window = Window::Time { length: ms(60_000), buckets: 60 };
    let circuit = circuit(Settings { window, rate_of: RateOf::Ended, ..Settings::default() });
    // As many milliseconds lie between two calls.
    const STEP: u64 = crate::times(1, 100);
    for number in 0..50_000 / STEP {
        call(&circuit, Outcome::Success, number * STEP);
    }
    for number in 0..9_999 / STEP {
        call(&circuit, Outcome::Failure, 50_000 + number * STEP);
    }
    let seen = circuit.snapshot(ms(59_999));
    let (failures, all) = (9_999 / STEP, 50_000 / STEP + 9_999 / STEP);
    assert_eq!((seen.state, seen.volume, seen.counts.failures), (State::Closed, all, failures));
}

// breaker-machines: a window shorter than the open time never re-opened.
#[test]
fn a_window_shorter_than_the_open_time_opens_again() {
    let window = Window::Time { length: ms(1_000), buckets: 10 };
    let circuit = circuit(Settings { window, volume: 3, ..Settings::default() });
    for round in 0..3 {
        let now = round * 30_000;
        for _ in 0..3 {
            call(&circuit, Outcome::Failure, now);
        }
        assert_eq!(state(&circuit, now), State::Open);
        assert!(is_refused(&circuit, now + 9_999));
        // The window is long empty, and below the volume: a failed probe opens it all the same.
        call(&circuit, Outcome::Failure, now + 10_000);
        assert_eq!(state(&circuit, now + 10_000), State::Open);
        call(&circuit, Outcome::Success, now + 20_000);
        assert_eq!(state(&circuit, now + 20_000), State::Closed);
    }
}

// Counters that are not reset, or twice.
#[test]
fn closing_empties_the_window_where_it_is_to_be_and_only_then() {
    for window in [Window::Calls(10), Window::default()] {
        for (on_close, left) in [(OnClose::Keep, 6), (OnClose::Clear, 0)] {
            let (rate_of, judged) = (RateOf::Ended, Judged::OnFailure);
            let settings = Settings { window, on_close, rate_of, judged, volume: 3, ..Settings::default() };
            let circuit = circuit(Settings { reset: ms(100), ..settings });
            for outcome in [Outcome::Failure, Outcome::Failure, Outcome::Failure] {
                call(&circuit, outcome, 0);
            }
            assert_eq!(circuit.snapshot(ms(0)).volume, 3, "opening empties nothing");
            assert_eq!(circuit.snapshot(ms(100)).volume, 3, "nor does half-opening");
            call(&circuit, Outcome::Success, 100);
            let closed = circuit.snapshot(ms(100));
            // A window of calls holds the calls of a closed circuit alone.
            let probe = u64::from(window == Window::default() && on_close == OnClose::Keep);
            let kept = if on_close == OnClose::Keep { 3 + probe } else { 0 };
            assert_eq!((closed.state, closed.volume), (State::Closed, kept));
            for _ in 0..left.max(2) {
                call(&circuit, Outcome::Success, 101);
            }
            assert_eq!(circuit.snapshot(ms(101)).volume, kept + left.max(2), "and it fills again, once");
            assert_eq!(circuit.snapshot(ms(101)).totals.failures, 3, "totals are never reset");
        }
    }
}

#[test]
fn a_failure_in_a_row_is_one_only_within_its_state() {
    let circuit = circuit(Settings { trip: Trip::Consecutive(3), ..Settings::default() });
    call(&circuit, Outcome::Failure, 0);
    call(&circuit, Outcome::Failure, 0);
    circuit.open(ms(1));
    circuit.close(ms(2));
    assert_eq!(circuit.snapshot(ms(2)).consecutive, 0);
    call(&circuit, Outcome::Failure, 3);
    call(&circuit, Outcome::Failure, 3);
    assert_eq!(state(&circuit, 3), State::Closed);
    call(&circuit, Outcome::Success, 3);
    call(&circuit, Outcome::Failure, 3);
    call(&circuit, Outcome::Failure, 3);
    assert_eq!(state(&circuit, 3), State::Closed, "the success begins it anew");
    call(&circuit, Outcome::Failure, 3);
    assert_eq!(state(&circuit, 3), State::Open);
}

// Overflow after 2^32 calls.
#[test]
fn beyond_four_thousand_million_calls_the_rates_are_right() {
    const MANY: u64 = u32::MAX as u64;
    let settings = Settings { rate_of: RateOf::Ended, ..Settings::default() };
    let circuit = circuit(settings.clone());
    call(&circuit, Outcome::Success, 0);
    let mut saved = circuit.save(ms(0));
    for counts in [&mut saved.totals, &mut saved.buckets[0].counts] {
        (counts.fires, counts.successes, counts.failures) = (2 * MANY, MANY, MANY);
        (counts.rejects, counts.fallbacks, counts.timeouts) = (MANY, MANY, MANY);
    }
    let circuit = Circuit::restore(settings, 0, &saved).expect("these settings are right");
    for _ in 0..2 {
        call(&circuit, Outcome::Success, 1);
        circuit.fall_back(ms(1));
    }
    let seen = circuit.snapshot(ms(1));
    for counts in [seen.counts, seen.totals] {
        assert_eq!((counts.fires, counts.successes, counts.fallbacks), (2 * MANY + 2, MANY + 2, MANY + 2));
    }
    assert_eq!(seen.in_flight, 0);
    assert!(seen.error_rate < 50.0, "{}", seen.error_rate);
    call(&circuit, Outcome::Failure, 1);
    assert_eq!(state(&circuit, 1), State::Closed, "one below half");
    call(&circuit, Outcome::Failure, 1);
    call(&circuit, Outcome::Failure, 1);
    assert_eq!(state(&circuit, 1), State::Open, "one above");
    let slid = circuit.snapshot(ms(10_000));
    assert_eq!((slid.counts.failures, slid.totals.failures), (0, MANY + 3));
}

#[test]
fn time_that_runs_back_between_threads_is_borne_in_every_state() {
    // Two threads read the clock, and come to the lock in the other order.
    use breaker::{Longest, ProbeVerdict, Probing, Ramp};
    let probing = Probing {
        at_once: 2,
        verdict: ProbeVerdict::Successes(2),
        ramp: Some(Ramp { from: 10.0, over: ms(1_000) }),
        longest: Some(Longest { after: ms(60_000), then_close: false }),
        ..Probing::default()
    };
    let circuit = circuit(Settings { probing, trip: Trip::Consecutive(2), ..Settings::default() });
    circuit.open(ms(100));
    assert!(is_refused(&circuit, 99));
    let first = admitted(&circuit, 10_105);
    let second = admitted(&circuit, 10_104);
    circuit.leave(first, Outcome::Success, ms(10_103));
    circuit.leave(second, Outcome::Success, ms(10_110));
    // Calls come back, and to one of them it is a little earlier: a tenth may go through, not all of them.
    let back = (0..100).filter(|_| matches!(circuit.enter(ms(10_109)), Entry::Admitted(_)));
    assert!((9..=10).contains(&back.count()));
    assert_eq!(circuit.snapshot(ms(10_000)).ramp, Some(10.0));
    assert_eq!(state(&circuit, 11_110), State::Closed);
}

#[test]
fn a_look_sees_all_that_the_clock_has_done() {
    use breaker::{Longest, Probing};
    let longest = Some(Longest { after: ms(1_000), then_close: false });
    let settings = Settings { probing: Probing { longest, ..Probing::default() }, ..Settings::default() };
    let [looked_at, ticked] = [settings.clone(), settings].map(circuit);
    for circuit in [&looked_at, &ticked] {
        circuit.open(ms(0));
        let _hangs = admitted(circuit, 10_000);
    }
    // Open again at 11 s, half-open again at 21 s.
    for now in [10_500, 11_000, 20_999, 21_000, 3_600_000] {
        while ticked.tick(ms(now)).is_some() {}
        let (seen, expected) = (looked_at.status(ms(now)), ticked.status(ms(now)));
        assert_eq!(seen, expected, "at {now} ms");
        let (seen, expected) = (looked_at.snapshot(ms(now)), ticked.snapshot(ms(now)));
        assert_eq!((seen.state, seen.probes, seen.ramp), (expected.state, expected.probes, expected.ramp));
    }
}
