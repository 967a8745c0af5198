//! The core under every order in which two threads can meet, as loom finds them.
//!
//! ```text
//! RUSTFLAGS="--cfg breaker_loom" cargo test -p breaker --lib --release
//! ```

use crate::circuit::{Circuit, Entry, Outcome, Ticket};
use crate::settings::{Settings, Window};
use crate::snapshot::State;
use crate::window::take_lane;
use loom::sync::Arc;
use loom::thread;
use std::time::Duration;

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// A circuit whose window has two buckets of 10 ms.
fn circuit(settings: Settings) -> Arc<Circuit> {
    let settings = Settings { window: Window::Time { length: ms(20), buckets: 2 }, ..settings };
    take_lane(0);
    Arc::new(Circuit::new(settings).expect("these settings are right"))
}

/// Tries every order with at most so many switches that no thread asked for.
fn model(switches: usize, test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(switches);
    model.max_branches = 100_000;
    model.check(test);
}

/// Does something on another thread, which has a lane of its own.
fn beside<T: 'static>(
    circuit: &Arc<Circuit>,
    act: impl FnOnce(&Circuit) -> T + 'static,
) -> thread::JoinHandle<T> {
    let circuit = Arc::clone(circuit);
    thread::spawn(move || {
        take_lane(1);
        act(&circuit)
    })
}

fn admitted(circuit: &Circuit, now: u64) -> Ticket {
    match circuit.enter(ms(now)) {
        Entry::Admitted(ticket) => ticket,
        other => panic!("let through expected, not {other:?}"),
    }
}

#[test]
fn of_two_failures_at_once_one_opens_the_circuit() {
    model(3, || {
        let circuit = circuit(Settings { volume: 2, ..Settings::default() });
        let (one, other) = (admitted(&circuit, 0), admitted(&circuit, 0));
        // Three asked for, so that one failure is not enough.
        circuit.leave(admitted(&circuit, 0), Outcome::Success, ms(0));
        let there = beside(&circuit, move |circuit| circuit.leave(one, Outcome::Failure, ms(1)).is_some());
        let here = circuit.leave(other, Outcome::Failure, ms(1)).is_some();
        let there = there.join().expect("no panic");
        assert!(here != there, "one of them, and only one: {here} {there}");
        assert_eq!(circuit.snapshot(ms(1)).state, State::Open);
    });
}

#[test]
fn of_two_calls_at_once_one_is_the_probe() {
    model(3, || {
        let circuit = circuit(Settings::default());
        circuit.open(ms(0));
        let enter = |circuit: &Circuit| matches!(circuit.enter(ms(10_000)), Entry::Admitted(_));
        let there = beside(&circuit, enter);
        let here = enter(&circuit);
        assert!(here != there.join().expect("no panic"));
        assert_eq!(circuit.turns(), 2);
    });
}

#[test]
fn an_answer_that_meets_an_opening_counts_once_or_is_late() {
    model(3, || {
        let circuit = circuit(Settings::default());
        let ticket = admitted(&circuit, 0);
        let there = beside(&circuit, move |circuit| circuit.leave(ticket, Outcome::Success, ms(1)));
        circuit.open(ms(1));
        there.join().expect("no panic");
        let snapshot = circuit.snapshot(ms(1));
        assert_eq!((snapshot.state, snapshot.turns, snapshot.in_flight), (State::Open, 1, 0));
        assert!(snapshot.totals.successes <= 1);
    });
}

#[test]
fn what_is_read_while_a_bucket_is_begun_is_whole() {
    model(2, || {
        let circuit = circuit(Settings::default());
        circuit.leave(admitted(&circuit, 0), Outcome::Success, ms(0));
        circuit.leave(admitted(&circuit, 10), Outcome::Success, ms(10));
        // The third bucket takes the place of the first, whose counts are past then.
        let reader = beside(&circuit, |circuit| circuit.snapshot(ms(10)).totals.successes);
        circuit.leave(admitted(&circuit, 20), Outcome::Success, ms(20));
        let read = reader.join().expect("no panic");
        assert!((2..=3).contains(&read), "{read} read");
    });
}

#[test]
fn a_probe_that_is_given_back_can_be_taken_by_another() {
    model(3, || {
        let circuit = circuit(Settings::default());
        circuit.open(ms(0));
        let probe = admitted(&circuit, 10_000);
        let there = beside(&circuit, move |circuit| {
            circuit.leave(probe, Outcome::Cancelled, ms(10_001));
        });
        let here = circuit.enter(ms(10_001));
        there.join().expect("no panic");
        let next = match here {
            Entry::Admitted(ticket) => ticket,
            _ => admitted(&circuit, 10_002),
        };
        assert!(circuit.leave(next, Outcome::Success, ms(10_003)).is_some(), "it closes");
    });
}

#[test]
fn with_one_place_one_call_is_under_way() {
    model(2, || {
        let circuit = circuit(Settings { capacity: Some(1), volume: 100, ..Settings::default() });
        let call = |circuit: &Circuit| match circuit.enter(ms(1)) {
            Entry::Admitted(ticket) => {
                assert!(matches!(circuit.enter(ms(1)), Entry::Full { .. }), "there is one place");
                circuit.leave(ticket, Outcome::Success, ms(1));
                true
            }
            _ => false,
        };
        let there = beside(&circuit, call);
        let here = call(&circuit);
        let there = there.join().expect("no panic");
        assert!(here || there, "one of them had it");
        let snapshot = circuit.snapshot(ms(1));
        assert_eq!(snapshot.in_flight, 0);
        circuit.leave(admitted(&circuit, 2), Outcome::Success, ms(2));
    });
}
