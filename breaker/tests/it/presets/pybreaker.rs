//! The recorded traces of the real pybreaker, played again: see `tests/pybreaker/README.md`.

use breaker::{Circuit, Entry, Outcome, ProbeVerdict, Probing, Settings, State, Trip};
use serde::Deserialize;
use std::time::Duration;

const RECORDED: &str = include_str!("../../pybreaker/traces.jsonl");

#[derive(Debug, Deserialize)]
struct Trace {
    name: String,
    options: Options,
    /// When, what, whether the call was made, the state and the failures in a row after it.
    steps: Vec<(u64, String, bool, String, u32)>,
}

#[derive(Debug, Deserialize)]
struct Options {
    fail_max: u32,
    reset_timeout: u64,
    success_threshold: u32,
}

#[test]
fn does_what_pybreaker_did() {
    let mut traces = 0;
    for line in RECORDED.lines() {
        let trace: Trace = serde_json::from_str(line).expect("a recorded trace");
        play(&trace);
        traces += 1;
    }
    assert!(traces >= 200, "only {traces} traces: the file is not whole");
}

fn play(trace: &Trace) {
    let Options { fail_max, reset_timeout, success_threshold } = trace.options;
    let settings = Settings {
        trip: Trip::Consecutive(fail_max),
        reset: Duration::from_millis(reset_timeout),
        probing: Probing { verdict: ProbeVerdict::Successes(success_threshold), ..Probing::default() },
        ..Settings::pybreaker()
    };
    if (fail_max, reset_timeout, success_threshold) == (5, 60_000, 1) {
        assert_eq!(settings, Settings::pybreaker(), "pybreaker's own defaults are the preset's");
    }
    let circuit = Circuit::new(settings).expect("options that pybreaker took");
    for (number, (at, what, made, state, failures)) in trace.steps.iter().enumerate() {
        let now = Duration::from_millis(*at);
        let outcome = match what.as_str() {
            "ok" | "excluded" => Some(Outcome::Success),
            "error" => Some(Outcome::Failure),
            "interrupt" => Some(Outcome::Panicked),
            "open" => {
                circuit.open(now);
                None
            }
            "close" => {
                circuit.close(now);
                None
            }
            other => panic!("no step is called {other}"),
        };
        let mut ours_made = false;
        if let Some(outcome) = outcome
            && let Entry::Admitted(ticket) = circuit.enter(now)
        {
            ours_made = true;
            circuit.leave(ticket, outcome, now);
        }
        let seen = circuit.snapshot(now);
        let step = format!("{}, step {number}: {what} at {at} ms", trace.name);
        assert_eq!((ours_made, seen.state.to_string()), (*made, state.clone()), "{step}");
        if seen.state == State::Closed {
            assert_eq!(seen.consecutive, *failures, "{step}");
        }
    }
}
