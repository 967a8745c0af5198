//! The core under every order in which two threads can meet, as loom finds them.
//!
//! ```text
//! RUSTFLAGS="--cfg breaker_loom" cargo test -p breaker --lib --release
//! ```

use crate::circuit::{Circuit, Entry, Outcome, Ticket};
use crate::settings::{Settings, Window as WindowOf};
use crate::snapshot::State;
use crate::window::{Kind, Window, take_lane};
use loom::sync::Arc;
use loom::thread;
use std::time::Duration;

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// A circuit whose window has two buckets of 10 ms.
fn circuit(settings: Settings) -> Arc<Circuit> {
    let settings = Settings { window: WindowOf::Time { length: ms(20), buckets: 2 }, ..settings };
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
    model(2, || {
        let circuit = circuit(Settings { volume: 2, ..Settings::default() });
        let (one, other) = (admitted(&circuit, 0), admitted(&circuit, 0));
        // Three asked for, so that one failure is not enough.
        circuit.leave(admitted(&circuit, 0), Outcome::Success, ms(0));
        let there = beside(&circuit, move |circuit| circuit.leave(one, Outcome::Failure, ms(1)).is_some());
        let here = circuit.leave(other, Outcome::Failure, ms(1)).is_some();
        let there = there.join().expect("no panic");
        assert!(here != there, "one of them, and only one: {here} {there}");
        assert_eq!(circuit.turns(), 1);
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
        take_lane(0);
        let window = Arc::new(Window::new((10, 1)));
        window.count(Kind::Fires, 0);
        window.count(Kind::Fires, 0);
        let reader = thread::spawn({
            let window = Arc::clone(&window);
            move || window.rates(10).asked
        });
        // The second bucket takes the place of the first: its beginning must not be seen with the old counts.
        window.count(Kind::Fires, 10);
        let read = reader.join().expect("no panic");
        assert!(read <= 1, "{read} read");
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
        let settings = Settings { capacity: Some(1), full_is_failure: false, ..Settings::default() };
        let circuit = circuit(settings);
        let enter = |circuit: &Circuit| match circuit.enter(ms(1)) {
            Entry::Admitted(ticket) => Some(ticket),
            _ => None,
        };
        let there = beside(&circuit, enter);
        let here = enter(&circuit);
        let there = there.join().expect("no panic");
        assert!(here.is_some() != there.is_some(), "one of them has it");
        here.into_iter().chain(there).for_each(|ticket| drop(circuit.leave(ticket, Outcome::Success, ms(1))));
        assert!(enter(&circuit).is_some(), "and gives it back");
    });
}
