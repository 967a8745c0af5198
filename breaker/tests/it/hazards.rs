//! What breakers get wrong, one test for each: what was found in ten of them by running them, and what a breaker may get
//! wrong besides. Each test fails where the cure is taken out.
//!
//! Of one of them there is nothing to test here: a blocking call that stops all deferred frees of the process, as
//! nothing is freed later than it is dropped.

/// Trips: what must lead to one, and what must not.
mod counts;
/// Answers that come after the state has changed.
mod late;
/// Half-open: too many probes, or none any more.
mod probes;
/// Listeners, wake-ups and the timer, on a moved clock.
mod shell;
/// Real threads that meet.
mod threads;
/// Windows that do not slide, or lose what they should hold.
mod windows;

use breaker::{Circuit, Entry, Outcome, Settings, State, Ticket};
use std::sync::{Arc, Barrier};
use std::time::Duration;

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn circuit(settings: Settings) -> Circuit {
    Circuit::new(settings).expect("these settings are right")
}

fn admitted(circuit: &Circuit, now: u64) -> Ticket {
    match circuit.enter(ms(now)) {
        Entry::Admitted(ticket) => ticket,
        other => panic!("let through at {now} ms expected, not {other:?}"),
    }
}

fn is_refused(circuit: &Circuit, now: u64) -> bool {
    matches!(circuit.enter(ms(now)), Entry::Refused { .. })
}

fn call(circuit: &Circuit, outcome: Outcome, now: u64) {
    let ticket = admitted(circuit, now);
    circuit.leave(ticket, outcome, ms(now));
}

fn state(circuit: &Circuit, now: u64) -> State {
    circuit.snapshot(ms(now)).state
}

/// Has so many threads begin at the same moment, each with its number.
fn at_once<T: Send>(threads: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        let each = |number| {
            let (start, act) = (&start, &act);
            scope.spawn(move || {
                start.wait();
                act(number)
            })
        };
        let threads: Vec<_> = (0..threads).map(each).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    })
}

/// Holds threads back until somebody lets them go.
#[derive(Clone, Default)]
struct Gate(Arc<(std::sync::Mutex<bool>, std::sync::Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().expect("nobody panics with it") = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let mut open = self.0.0.lock().expect("nobody panics with it");
        while !*open {
            open = self.0.1.wait(open).expect("nobody panics with it");
        }
    }
}

/// Where threads wait for each other without sleeping, so that they go on within nanoseconds.
#[derive(Default)]
struct Meeting(std::sync::atomic::AtomicUsize);

impl Meeting {
    /// Waits until all have come for the time of this number.
    fn meet(&self, all: usize, number: usize) {
        use std::sync::atomic::Ordering;
        self.0.fetch_add(1, Ordering::SeqCst);
        let mut spins = 0_u32;
        while self.0.load(Ordering::SeqCst) < all * (number + 1) {
            spins += 1;
            // Where there are fewer cores than threads, somebody else has to go on first.
            if spins.is_multiple_of(1_000) { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }
}
