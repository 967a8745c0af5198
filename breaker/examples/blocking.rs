//! Threads, no async and no runtime: the rules alone, in a lock, with a clock of one's own.
//!
//! ```text
//! cargo run -q -p breaker --example blocking
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use breaker::{CallError, Circuit, Entry, Outcome, Settings, SettingsError, State};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A breaker for calls that block. They cannot be given up half-way: limit their time where they are made.
struct Blocking {
    circuit: Mutex<Circuit>,
    clock: Clock,
}

/// Milliseconds since the start. A program would take the time since an `Instant`; this one moves it by hand, so that
/// nobody has to wait.
#[derive(Default)]
struct Clock(AtomicU64);

/// Gives the place back as a failure if the call panics.
struct Place<'a> {
    blocking: &'a Blocking,
    permit: Option<breaker::Permit>,
}

fn main() -> Result<(), SettingsError> {
    run().map(|_| ())
}

/// Plays the story: how many calls reached the upstream in each part of it.
pub(crate) fn run() -> Result<[u32; 3], SettingsError> {
    let settings = Settings { timeout: None, volume: 5, ..Settings::default() };
    let blocking = Blocking { circuit: Mutex::new(Circuit::new(settings)?), clock: Clock::default() };

    let failing = blocking.ask_from_threads(8, || Err("no route"));
    println!("8 threads, the upstream fails: {failing} calls reach it; then: {}", blocking.state());
    let refused = blocking.ask_from_threads(8, || Ok(250));
    println!("8 more: {refused} reach it; the circuit is {}", blocking.state());
    blocking.clock.pass(Duration::from_secs(10));
    println!("ten seconds later the circuit is {}", blocking.state());
    let probing = blocking.ask_from_threads(1, || Ok(250));
    println!("one more: {probing} reaches it; the circuit is {}", blocking.state());
    Ok([failing, refused, probing])
}

impl Blocking {
    /// Makes the call where the circuit lets it through.
    fn call<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, CallError<E>> {
        // The lock is not held during the call.
        let entry = self.with(|circuit, now| circuit.enter(now));
        let permit = match entry {
            Entry::Admitted(permit) => Some(permit),
            Entry::Bypassed => None,
            Entry::Refused { retry_after } => return Err(CallError::Open { retry_after }),
            Entry::Full { capacity, .. } => return Err(CallError::Full { capacity }),
        };
        let mut place = Place { blocking: self, permit };
        let result = work();
        place.leave(if result.is_ok() { Outcome::Success } else { Outcome::Failure });
        result.map_err(CallError::Failed)
    }

    fn state(&self) -> State {
        self.with(|circuit, now| circuit.snapshot(now).state)
    }

    /// Calls from so many threads at once; how many calls were made.
    fn ask_from_threads(&self, threads: usize, upstream: fn() -> Result<u32, &'static str>) -> u32 {
        let asked = AtomicU32::new(0);
        let work = || {
            asked.fetch_add(1, Ordering::Relaxed);
            upstream()
        };
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.call(work).is_ok());
            }
        });
        asked.into_inner()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Circuit, Duration) -> T) -> T {
        let mut circuit = self.circuit.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut circuit, self.clock.now())
    }
}

impl Clock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
    }
}

impl Place<'_> {
    fn leave(&mut self, outcome: Outcome) {
        if let Some(permit) = self.permit.take() {
            self.blocking.with(|circuit, now| circuit.leave(permit, outcome, now));
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave(Outcome::Failure);
    }
}
