//! Answers that come after the state has changed, in every state; H5 of all but breaker-machines.

use super::{admitted, call, circuit, is_refused, ms, state};
use breaker::{Circuit, Longest, Outcome, ProbeVerdict, Probing, Ramp, Settings, State, Trip, Window};

const EVERY_END: [Outcome; 7] = [
    Outcome::Success,
    Outcome::Failure,
    Outcome::Timeout,
    Outcome::Panicked,
    Outcome::Abandoned,
    Outcome::Cancelled,
    Outcome::Ignored,
];

fn settings() -> Settings {
    let probing = Probing { at_once: 2, verdict: ProbeVerdict::Successes(2), ..Probing::default() };
    Settings { timeout: None, trip: Trip::Consecutive(2), probing, ..Settings::default() }
}

/// A call is let through, the circuit changes, and then the call ends: nothing may come of it.
fn late(outcome: Outcome, change: impl Fn(&Circuit), ends: u64) {
    let circuit = circuit(settings());
    let late = admitted(&circuit, 0);
    change(&circuit);
    let before = circuit.snapshot(ms(ends));
    assert_eq!(circuit.leave(late, outcome, ms(ends)), None, "{outcome:?} moved it");
    let after = circuit.snapshot(ms(ends));
    let of = |seen: &breaker::Snapshot| (seen.state, seen.turns, seen.counts, seen.consecutive, seen.probes);
    assert_eq!(of(&after), of(&before), "{outcome:?} counted");
    assert_eq!((after.probe_in, after.in_flight), (before.probe_in, before.in_flight - 1), "{outcome:?}");
}

// H5a and H5b: an old success closes it, old failures prolong the open time.
#[test]
fn while_open_an_old_answer_says_nothing() {
    for outcome in EVERY_END {
        late(outcome, |circuit| drop(circuit.open(ms(1))), 5_000);
    }
}

// H5a and H5c: an old success closes it, an old failure opens it though the probe is good.
#[test]
fn while_half_open_an_old_answer_says_nothing() {
    for outcome in EVERY_END {
        // With no probe yet, with one under way, and with one that has succeeded.
        late(outcome, |circuit| drop(circuit.open(ms(1))), 10_001);
        let probe = |circuit: &Circuit| {
            circuit.open(ms(1));
            let _under_way = admitted(circuit, 10_001);
        };
        late(outcome, probe, 10_002);
        let good = |circuit: &Circuit| {
            circuit.open(ms(1));
            call(circuit, Outcome::Success, 10_001);
        };
        late(outcome, good, 10_002);
    }
}

#[test]
fn while_closed_again_an_old_answer_says_nothing() {
    for outcome in EVERY_END {
        let closed = |circuit: &Circuit| {
            circuit.open(ms(1));
            call(circuit, Outcome::Success, 10_001);
            call(circuit, Outcome::Success, 10_001);
            // One more would open it.
            call(circuit, Outcome::Failure, 10_001);
            assert_eq!(state(circuit, 10_001), State::Closed);
        };
        late(outcome, closed, 10_002);
    }
}

#[test]
fn the_probe_of_an_earlier_half_open_state_says_nothing_in_the_next() {
    for outcome in EVERY_END {
        let circuit = circuit(settings());
        circuit.open(ms(0));
        let old = admitted(&circuit, 10_000);
        call(&circuit, Outcome::Failure, 10_001);
        assert_eq!(state(&circuit, 10_001), State::Open);
        let _new = admitted(&circuit, 20_001);
        let before = circuit.snapshot(ms(20_002));
        assert_eq!(circuit.leave(old, outcome, ms(20_002)), None, "{outcome:?}");
        let after = circuit.snapshot(ms(20_002));
        assert_eq!((after.counts, after.probes), (before.counts, 1), "{outcome:?}");
        let _second = admitted(&circuit, 20_002);
        assert!(is_refused(&circuit, 20_002));
    }
}

#[test]
fn a_probe_that_was_given_up_says_nothing_while_calls_come_back() {
    let ramp = Some(Ramp { from: 100.0, over: ms(5_000) });
    let probing = Probing { lease: Some(ms(100)), ramp, ..Probing::default() };
    let circuit = circuit(Settings { trip: Trip::Consecutive(1), probing, ..settings() });
    circuit.open(ms(0));
    let given_up = admitted(&circuit, 10_000);
    call(&circuit, Outcome::Success, 10_100);
    assert_eq!(circuit.snapshot(ms(10_100)).ramp, Some(100.0));
    assert_eq!(circuit.leave(given_up, Outcome::Failure, ms(10_200)), None);
    assert_eq!(state(&circuit, 10_200), State::HalfOpen);
    assert_eq!(state(&circuit, 15_100), State::Closed);
}

#[test]
fn an_answer_is_late_though_nobody_has_looked_at_the_clock() {
    for then_close in [true, false] {
        let longest = Some(Longest { after: ms(1_000), then_close });
        let probing = Probing { longest, ..Probing::default() };
        for outcome in EVERY_END {
            let circuit = circuit(Settings { probing, ..settings() });
            circuit.open(ms(0));
            let probe = admitted(&circuit, 10_000);
            let before = circuit.snapshot(ms(11_001));
            assert_eq!(circuit.leave(probe, outcome, ms(11_001)), None, "{outcome:?}");
            let after = circuit.snapshot(ms(11_001));
            assert_eq!((after.state, after.counts), (before.state, before.counts), "{outcome:?}");
            assert_eq!((after.turns, after.in_flight), (3, 0), "{outcome:?}");
        }
    }
}

#[test]
fn old_answers_do_not_come_into_a_window_of_calls() {
    let settings = Settings { window: Window::Calls(2), timeout: None, volume: 2, ..Settings::default() };
    let circuit = circuit(settings);
    let old: Vec<_> = (0..5).map(|_| admitted(&circuit, 0)).collect();
    circuit.open(ms(1));
    circuit.close(ms(2));
    for late in old {
        assert_eq!(circuit.leave(late, Outcome::Failure, ms(3)), None);
    }
    assert_eq!(circuit.snapshot(ms(3)).volume, 0);
    assert_eq!(state(&circuit, 3), State::Closed);
}
