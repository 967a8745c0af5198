//! The rules, one by one. `now` is plain milliseconds; calls begin and end when a test says so.

use breaker::{
    Circuit, Entry, Mode, Outcome, Probing, Ramp, Settings, State, Threshold, Ticket, Trip, WarmUp, Window,
};
use std::time::Duration;

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn circuit(settings: Settings) -> Circuit {
    Circuit::new(settings).expect("these settings are right")
}

fn admitted(circuit: &Circuit, now: u64) -> Ticket {
    match circuit.enter(ms(now)) {
        Entry::Admitted(permit) => permit,
        other => panic!("let through at {now} ms expected, not {other:?}"),
    }
}

fn refused(circuit: &Circuit, now: u64) -> Duration {
    match circuit.enter(ms(now)) {
        Entry::Refused { retry_after, .. } => retry_after,
        other => panic!("refused at {now} ms expected, not {other:?}"),
    }
}

fn call(circuit: &Circuit, outcome: Outcome, now: u64) {
    let permit = admitted(circuit, now);
    circuit.leave(permit, outcome, ms(now));
}

fn state(circuit: &Circuit, now: u64) -> State {
    circuit.snapshot(ms(now)).state
}

/// An open circuit, opened by one failure at 0 ms.
fn opened() -> Circuit {
    let circuit = circuit(Settings::default());
    call(&circuit, Outcome::Failure, 0);
    assert_eq!(state(&circuit, 0), State::Open);
    circuit
}

#[test]
fn exactly_at_the_threshold_stays_closed_and_above_it_opens() {
    let circuit = circuit(Settings::default());
    call(&circuit, Outcome::Success, 0);
    call(&circuit, Outcome::Failure, 1);
    assert_eq!(state(&circuit, 1), State::Closed, "1 of 2 is 50 %");
    call(&circuit, Outcome::Failure, 2);
    assert_eq!(state(&circuit, 2), State::Open, "2 of 3 is 67 %");
}

#[test]
fn below_the_minimum_volume_nothing_opens() {
    let circuit = circuit(Settings { volume: 3, ..Settings::default() });
    call(&circuit, Outcome::Failure, 0);
    call(&circuit, Outcome::Failure, 1);
    assert_eq!(state(&circuit, 1), State::Closed);
    call(&circuit, Outcome::Failure, 2);
    assert_eq!(state(&circuit, 2), State::Open);
}

#[test]
fn a_refusal_says_how_long() {
    let circuit = opened();
    assert_eq!(refused(&circuit, 1), ms(9_999));
    assert_eq!(refused(&circuit, 9_999), ms(1));
    // The probe may take 300 ms, and is given up after 600.
    let _probe = admitted(&circuit, 10_000);
    assert_eq!(refused(&circuit, 10_100), ms(500));
    assert_eq!(refused(&circuit, 10_599), ms(1));
}

#[test]
fn without_a_time_out_a_refusal_beside_the_probe_says_the_usual_time() {
    let circuit = circuit(Settings { timeout: None, ..Settings::default() });
    circuit.open(ms(0));
    let _probe = admitted(&circuit, 10_000);
    assert_eq!(refused(&circuit, 10_001), ms(10_000));
}

#[test]
fn a_probe_that_is_forgotten_does_not_hold_the_circuit() {
    let circuit = opened();
    let forgotten = admitted(&circuit, 10_000);
    let probe = admitted(&circuit, 10_600);
    refused(&circuit, 10_601);
    assert_eq!(circuit.leave(forgotten, Outcome::Failure, ms(10_602)), None, "it is late");
    assert!(circuit.leave(probe, Outcome::Success, ms(10_603)).is_some(), "the new one decides");
    assert_eq!(state(&circuit, 10_603), State::Closed);
}

#[test]
fn nobody_has_to_look_at_the_clock_in_between() {
    // Each step does what the clock has it do first.
    let late = circuit(Settings::default());
    let permit = admitted(&late, 0);
    late.open(ms(0));
    assert_eq!(late.leave(permit, Outcome::Success, ms(10_000)), None);
    assert_eq!((state(&late, 10_000), late.snapshot(ms(10_000)).turns), (State::HalfOpen, 2));

    let reopened = opened();
    assert!(reopened.open(ms(10_000)).is_some(), "it was half-open by then");
    assert_eq!(refused(&reopened, 10_000), ms(10_000));

    let closed = opened();
    let turned = closed.close(ms(10_000)).expect("closes");
    assert_eq!(turned.from, State::HalfOpen);
    assert_eq!(closed.turns(), 3);
}

#[test]
fn a_snapshot_tells_when_the_probe_may_go() {
    let circuit = opened();
    let open = circuit.snapshot(ms(4_000));
    assert_eq!((open.probe_in, open.turns), (Some(ms(6_000)), 1));
    let half_open = circuit.snapshot(ms(10_000));
    assert_eq!((half_open.probe_in, half_open.turns), (None, 2), "as if someone had looked at the clock");
}

#[test]
fn the_clock_alone_half_opens() {
    let circuit = opened();
    assert_eq!(state(&circuit, 9_999), State::Open);
    assert_eq!(state(&circuit, 10_000), State::HalfOpen, "a pure read sees it, with nobody calling");
    let turned = circuit.tick(ms(12_345)).expect("told once");
    assert_eq!((turned.from, turned.to), (State::Open, State::HalfOpen));
    assert_eq!(circuit.snapshot(ms(12_345)).since, ms(10_000), "since it was due, not since it was noticed");
    assert_eq!(circuit.tick(ms(12_346)), None);
}

#[test]
fn one_probe_decides() {
    let circuit = opened();
    let probe = admitted(&circuit, 10_000);
    refused(&circuit, 10_001);
    let turned = circuit.leave(probe, Outcome::Success, ms(10_002)).expect("closes");
    assert_eq!((turned.from, turned.to), (State::HalfOpen, State::Closed));

    let circuit = opened();
    let probe = admitted(&circuit, 10_000);
    let turned = circuit.leave(probe, Outcome::Timeout, ms(10_300)).expect("opens again");
    assert_eq!((turned.from, turned.to), (State::HalfOpen, State::Open));
    assert_eq!(refused(&circuit, 10_300), ms(10_000), "for the full time");
}

#[test]
fn a_probe_that_is_given_up_gives_its_place_back() {
    let circuit = opened();
    let probe = admitted(&circuit, 10_000);
    assert_eq!(circuit.leave(probe, Outcome::Cancelled, ms(10_001)), None);
    let _probe = admitted(&circuit, 10_001);
}

#[test]
fn a_late_answer_never_moves_the_circuit() {
    for outcome in [Outcome::Success, Outcome::Failure, Outcome::Timeout, Outcome::Cancelled] {
        // Each was let through while the circuit was closed, and ends in another state.
        for (ends, state_then) in [(5_000, State::Open), (10_001, State::HalfOpen)] {
            let circuit = circuit(Settings::default());
            let late = admitted(&circuit, 0);
            circuit.open(ms(0));
            let before = circuit.snapshot(ms(ends));
            assert_eq!(circuit.leave(late, outcome, ms(ends)), None, "{outcome:?} at {ends} ms");
            let after = circuit.snapshot(ms(ends));
            assert_eq!(after.state, state_then);
            assert_eq!(after.counts, before.counts, "and counts for nothing");
            assert_eq!(after.in_flight, 0, "but gives its place back");
        }
    }
}

#[test]
fn a_late_answer_does_not_take_the_probes_place() {
    let circuit = circuit(Settings::default());
    let late = admitted(&circuit, 0);
    circuit.open(ms(0));
    let _probe = admitted(&circuit, 10_000);
    circuit.leave(late, Outcome::Cancelled, ms(10_001));
    refused(&circuit, 10_002);
}

#[test]
fn a_late_answer_of_the_closed_state_before_last_counts_for_nothing() {
    let circuit = circuit(Settings::default());
    let late = admitted(&circuit, 0);
    circuit.open(ms(1));
    circuit.close(ms(2));
    assert_eq!(circuit.leave(late, Outcome::Failure, ms(3)), None);
    assert_eq!(state(&circuit, 3), State::Closed);
}

#[test]
fn a_full_circuit_counts_a_failure() {
    let circuit = circuit(Settings { capacity: Some(2), ..Settings::default() });
    let first = admitted(&circuit, 0);
    let _second = admitted(&circuit, 0);
    assert!(matches!(circuit.enter(ms(0)), Entry::Full { capacity: 2, opened: None }), "1 of 3");
    circuit.leave(first, Outcome::Success, ms(1));
    let _third = admitted(&circuit, 1);
    let counts = circuit.snapshot(ms(1)).counts;
    assert_eq!((counts.fires, counts.failures, counts.semaphore_rejections), (4, 1, 1));
}

#[test]
fn a_place_outlives_the_state_it_was_given_in() {
    let circuit = circuit(Settings { capacity: Some(1), ..Settings::default() });
    let slow = admitted(&circuit, 0);
    circuit.open(ms(0));
    assert!(
        matches!(circuit.enter(ms(10_000)), Entry::Full { opened: Some(_), .. }),
        "the probe finds it full"
    );
    circuit.leave(slow, Outcome::Success, ms(10_001));
    let _probe = admitted(&circuit, 20_000);
}

#[test]
fn warm_up_spares_a_closed_circuit_but_not_a_probe() {
    let circuit = circuit(Settings { warm_up: WarmUp::For(ms(30_000)), ..Settings::default() });
    call(&circuit, Outcome::Failure, 0);
    assert_eq!(state(&circuit, 0), State::Closed);
    circuit.open(ms(1));
    let probe = admitted(&circuit, 10_001);
    circuit.leave(probe, Outcome::Failure, ms(10_002));
    assert_eq!(state(&circuit, 10_002), State::Open);
    circuit.close(ms(10_003));
    call(&circuit, Outcome::Failure, 30_000);
    assert_eq!(state(&circuit, 30_000), State::Open, "the time of grace is over");
}

#[test]
fn opossums_warm_up_loses_a_failed_probe() {
    let circuit = circuit(Settings { warm_up: WarmUp::AsOpossum(ms(30_000)), ..Settings::default() });
    circuit.open(ms(1));
    let probe = admitted(&circuit, 10_001);
    assert_eq!(circuit.leave(probe, Outcome::Failure, ms(10_002)), None);
    assert_eq!(refused(&circuit, 3_600_000), ms(10_000));
    assert!(circuit.close(ms(3_600_001)).is_some(), "only by hand");
}

#[test]
fn opened_by_hand_it_heals_by_itself_and_is_not_opened_twice() {
    let circuit = circuit(Settings::default());
    assert!(circuit.open(ms(0)).is_some());
    assert_eq!(circuit.open(ms(5_000)), None);
    assert_eq!(state(&circuit, 10_000), State::HalfOpen, "not later for having been opened again");
    assert!(circuit.close(ms(10_000)).is_some());
    assert_eq!(circuit.close(ms(10_000)), None);
}

#[test]
fn disabled_it_lets_everything_through_and_judges_nothing() {
    let circuit = opened();
    circuit.set_mode(Mode::Disabled);
    assert!(matches!(circuit.enter(ms(1)), Entry::Bypassed));
    assert!(matches!(circuit.enter(ms(2)), Entry::Bypassed));
    let counts = circuit.snapshot(ms(2)).counts;
    assert_eq!((counts.fires, counts.rejects), (3, 0), "but they are counted, as in opossum");
    circuit.set_mode(Mode::Auto);
    let _probe = admitted(&circuit, 10_001);
}

#[test]
fn the_window_slides_bucket_by_bucket() {
    let circuit = circuit(Settings { trip: Trip::Errors(Threshold::Above(100.0)), ..Settings::default() });
    for second in 0..10 {
        call(&circuit, Outcome::Success, second * 1_000 + 999);
    }
    assert_eq!(circuit.snapshot(ms(9_999)).counts.fires, 10);
    assert_eq!(circuit.snapshot(ms(10_000)).counts.fires, 9, "the bucket of the first second is gone");
    assert_eq!(circuit.snapshot(ms(18_999)).counts.fires, 1);
    assert_eq!(circuit.snapshot(ms(19_000)).counts.fires, 0);
    call(&circuit, Outcome::Success, 3_600_000);
    assert_eq!(circuit.snapshot(ms(3_600_000)).counts.fires, 1, "after an idle hour");
}

#[test]
fn a_window_shorter_than_a_millisecond_slides_too() {
    let window = Duration::from_micros(10);
    let circuit = circuit(Settings {
        window: Window::Time { length: window, buckets: 10 },
        trip: Trip::Errors(Threshold::Above(100.0)),
        ..Settings::default()
    });
    for micros in 0..100 {
        let now = Duration::from_micros(micros);
        let Entry::Admitted(permit) = circuit.enter(now) else { panic!("closed") };
        circuit.leave(permit, Outcome::Success, now);
        assert_eq!(circuit.snapshot(now).counts.fires, (micros + 1).min(10));
    }
}

#[test]
fn a_failure_of_a_call_that_began_before_the_window_opens_alone() {
    // As in opossum: nothing was asked for in this window, so one failure is more than any share of it.
    let circuit = circuit(Settings {
        timeout: None,
        trip: Trip::Errors(Threshold::Above(100.0)),
        ..Settings::default()
    });
    let slow = admitted(&circuit, 0);
    assert!(circuit.leave(slow, Outcome::Failure, ms(15_000)).is_some());
    assert_eq!(circuit.snapshot(ms(15_000)).counts.error_rate(), f64::INFINITY);
}

#[test]
fn time_that_runs_back_a_little_changes_nothing() {
    // Two threads read the clock, and come to the lock in the other order. One bucket, so that both mean the same one.
    let circuit = circuit(Settings {
        trip: Trip::Errors(Threshold::Above(100.0)),
        window: Window::Time { length: Duration::from_secs(10), buckets: 1 },
        ..Settings::default()
    });
    call(&circuit, Outcome::Success, 20_000);
    call(&circuit, Outcome::Success, 19_999);
    assert_eq!(circuit.snapshot(ms(20_000)).counts.fires, 2);
    assert_eq!(circuit.snapshot(ms(0)).counts.fires, 2);
}

#[test]
fn the_end_of_time_is_no_overflow() {
    let settings = Settings { reset: Duration::MAX, timeout: Some(Duration::MAX), ..Settings::default() };
    let circuit = circuit(settings);
    call(&circuit, Outcome::Failure, 1);
    assert_eq!(state(&circuit, u64::MAX), State::Open);

    let window = Duration::from_nanos(10);
    let circuit = self::circuit(Settings {
        window: Window::Time { length: window, buckets: 10 },
        trip: Trip::Errors(Threshold::Above(100.0)),
        ..Settings::default()
    });
    let Entry::Admitted(permit) = circuit.enter(Duration::MAX) else { panic!("closed") };
    circuit.leave(permit, Outcome::Success, Duration::MAX);
    assert_eq!(circuit.snapshot(Duration::MAX).counts.successes, 1);
}

#[test]
fn states_have_the_fields_names() {
    assert_eq!(
        [State::Closed, State::Open, State::HalfOpen].map(|state| state.to_string()),
        ["closed", "open", "half-open"]
    );
}

#[test]
fn where_nothing_was_counted_the_rate_is_zero() {
    assert_eq!(breaker::Counts::default().error_rate(), 0.0);
}

#[test]
fn opossums_warm_up_ends_on_time() {
    let circuit = circuit(Settings { warm_up: WarmUp::AsOpossum(ms(10_002)), ..Settings::default() });
    circuit.open(ms(1));
    let probe = admitted(&circuit, 10_001);
    assert!(circuit.leave(probe, Outcome::Failure, ms(10_002)).is_some());
}

#[test]
fn a_limit_counts_the_calls_from_then_on_however_the_circuit_came_to_be_closed() {
    let probing = Probing { ramp: Some(Ramp { from: 5.0, over: ms(1_000) }), ..Probing::default() };
    let settings = Settings { probing, ..Settings::default() };
    let circuit = circuit(settings.clone());
    circuit.open(ms(0));
    call(&circuit, Outcome::Success, 10_000);
    // The ramp is over by now, and this is the call that finds it so.
    let _unlimited = admitted(&circuit, 11_000);
    circuit.update(Settings { capacity: Some(1), ..settings }).expect("right");
    let _limited = admitted(&circuit, 11_001);
    assert!(matches!(circuit.enter(ms(11_001)), Entry::Full { capacity: 1, .. }));
}
