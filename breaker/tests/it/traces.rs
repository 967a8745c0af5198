//! The recorded traces of the real opossum, played again: see `tests/opossum/README.md`.
//!
//! Compared is what lies before the first late answer of a trace, which opossum lets move the circuit and we do not.

#[path = "../../examples/replay/play.rs"]
mod play;
#[path = "../../examples/replay/trace.rs"]
mod trace;

use serde::{Deserialize, Serialize};
use trace::{Record, Script};

const RECORDED: &str = include_str!("../opossum/traces.jsonl");

#[derive(Debug, Deserialize)]
struct Trace {
    #[serde(flatten)]
    script: Script,
    #[serde(flatten)]
    record: RecordedBy,
    late_at: Option<u64>,
}

/// As [`Record`], without the name, which the script has taken.
#[derive(Debug, Deserialize)]
struct RecordedBy {
    events: Vec<trace::Seen>,
    calls: Vec<trace::Ended>,
    checks: Vec<trace::Check>,
}

#[test]
fn does_what_opossum_did() {
    let mut traces = 0;
    for line in RECORDED.lines() {
        let trace: Trace = serde_json::from_str(line).expect("a recorded trace");
        let ours = play::play(&trace.script).expect("options that opossum took");
        let (theirs, late_at) = (&trace.record, trace.late_at);
        let name = &trace.script.name;
        same(name, "event", &theirs.events, &ours.events, |event| event.at, late_at);
        same(name, "call", &theirs.calls, &ours.calls, |call| call.at, late_at);
        same(name, "check", &theirs.checks, &ours.checks, |check| check.at, late_at);
        traces += 1;
    }
    assert!(traces >= 300, "only {traces} traces: the file is not whole");
}

#[test]
fn a_difference_is_found_and_told() {
    let line = RECORDED.lines().next().expect("not empty");
    let mut script: Script = serde_json::from_str(line).expect("a recorded trace");
    let before = play::play(&script).expect("options that opossum took");
    script.script.retain(|step| !matches!(step.op, trace::Op::Fire { call: 0, .. }));
    let Record { events, .. } = play::play(&script).expect("the same options");
    let found =
        std::panic::catch_unwind(|| same("a name", "event", &before.events, &events, |event| event.at, None));
    let message = *found.expect_err("they differ").downcast::<String>().expect("a formatted message");
    assert!(message.contains("a name") && message.contains("opossum") && message.contains("we"), "{message}");
}

/// Fails with the first difference before `late_at`.
fn same<T: PartialEq + Serialize>(
    name: &str,
    what: &str,
    theirs: &[T],
    ours: &[T],
    at: impl Fn(&T) -> u64,
    late_at: Option<u64>,
) {
    let counts = |thing: &&T| late_at.is_none_or(|late| at(thing) < late);
    let mut theirs = theirs.iter().filter(counts);
    let mut ours = ours.iter().filter(counts);
    let show = |thing: Option<&T>| match thing {
        Some(thing) => serde_json::to_string(thing).expect("plain data"),
        None => "nothing more".to_owned(),
    };
    for number in 0.. {
        let (theirs, ours) = (theirs.next(), ours.next());
        if theirs != ours {
            let (theirs, ours) = (show(theirs), show(ours));
            panic!("trace {name}, {what} {number}:\n  opossum {theirs}\n  we      {ours}");
        }
        if theirs.is_none() {
            return;
        }
    }
}
