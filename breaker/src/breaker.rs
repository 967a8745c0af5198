//! The shell around the rules: a clock, a lock, listeners, and the timer that half-opens.
//!
//! The lock is held for a few instructions at a time, never across an `.await` and never while a listener is told. The
//! timer runs only while the circuit is open and only to tell the listeners in time: the circuit itself half-opens by
//! the clock, timer or not.

use crate::builder::{Builder, Listener};
use crate::call::Call;
use crate::circuit::{Circuit, Entry, Outcome, Permit};
use crate::event::{self, Event, EventKind};
use crate::settings::Settings;
use crate::snapshot::{Snapshot, State};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{self, Instant};

/// A circuit breaker. Clones are handles to the same circuit.
///
/// The circuit's changes of state are numbered. A call that ends after the state has changed since it was let through is
/// late: it gives its place back, is told to listeners, and counts for nothing.
#[derive(Clone)]
pub struct Breaker {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    name: String,
    settings: Settings,
    born: Instant,
    guarded: Mutex<Guarded>,
    listeners: Vec<Listener>,
}

struct Guarded {
    circuit: Circuit,
    timer: Option<Timer>,
}

/// The task that half-opens in time, and which opening it is for.
struct Timer {
    turn: u64,
    task: AbortHandle,
}

impl Breaker {
    /// Starts to make a breaker whose circuit bears this name.
    pub fn builder(name: impl Into<String>) -> Builder {
        Builder::new(name.into())
    }

    pub(crate) fn new(name: String, circuit: Circuit, listeners: Vec<Listener>) -> Self {
        let settings = circuit.settings().clone();
        let guarded = Mutex::new(Guarded { circuit, timer: None });
        Self { shared: Arc::new(Shared { name, settings, born: Instant::now(), guarded, listeners }) }
    }

    /// The circuit's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What the circuit goes by.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.shared.settings.clone()
    }

    /// Makes a call through the circuit: `work` is polled where the circuit lets it through, and given up after the
    /// time-out; where it does not, `work` is dropped without having been polled.
    ///
    /// The answer is a future that does nothing until it is awaited. Before that it can be told which errors count
    /// ([`Call::failure_if`]) and what to do instead ([`Call::or_else`]). Dropped half-way, it gives back what it held.
    /// A `work` that panics counts as a failure. It is the caller's polling that keeps time: a call that nobody polls
    /// holds its place, though as a probe for no longer than twice the time-out.
    ///
    /// # Panics
    ///
    /// Where the work is pending, the circuit has a time-out, and there is no tokio runtime with its time enabled.
    pub fn call<W, T, E>(&self, work: W) -> Call<'_, W, fn(&E) -> bool>
    where
        W: Future<Output = Result<T, E>>,
    {
        Call::new(&self.shared, work)
    }

    /// Opens the circuit by hand, for the usual time: it half-opens by itself. Does nothing to an open one.
    pub fn open(&self) {
        self.shared.step(|circuit, now| ((), [event::turned(circuit.open(now))]));
    }

    /// Closes the circuit by hand. The window keeps what it holds.
    pub fn close(&self) {
        self.shared.step(|circuit, now| ((), [event::turned(circuit.close(now))]));
    }

    /// Lets the circuit judge calls again.
    pub fn enable(&self) {
        self.shared.step(|circuit, _| (circuit.enable(), []));
    }

    /// Bypasses the circuit: calls are made without time limit or judgement, whatever its state, which stays.
    pub fn disable(&self) {
        self.shared.step(|circuit, _| (circuit.disable(), []));
    }

    /// The state of the circuit.
    #[must_use]
    pub fn state(&self) -> State {
        self.snapshot().state
    }

    /// The circuit at this moment. A pure read.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let guarded = self.shared.lock();
        guarded.circuit.snapshot(self.shared.now())
    }

    /// How many handles there are to this circuit; for the registry, which drops what nobody holds.
    pub(crate) fn handles(&self) -> usize {
        Arc::strong_count(&self.shared)
    }
}

impl Shared {
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.settings.timeout
    }

    pub(crate) fn enter(self: &Arc<Self>) -> Entry {
        self.step(|circuit, now| {
            let entry = circuit.enter(now);
            let events = event::entered(&entry);
            (entry, events)
        })
    }

    pub(crate) fn leave(self: &Arc<Self>, permit: Permit, outcome: Outcome) {
        self.step(|circuit, now| ((), event::left(outcome, circuit.leave(permit, outcome, now))));
    }

    pub(crate) fn fall_back(self: &Arc<Self>) {
        self.step(|circuit, now| (circuit.fall_back(now), [Some(EventKind::Fallback)]));
    }

    /// One step of the rules, told when the lock is let go.
    fn step<T, const N: usize>(
        self: &Arc<Self>,
        act: impl FnOnce(&mut Circuit, Duration) -> (T, [Option<EventKind>; N]),
    ) -> T {
        let mut guarded = self.lock();
        let now = self.now();
        let ticked =
            event::turned(guarded.circuit.tick(now)).map(|kind| (kind, guarded.circuit.snapshot(now)));
        let (answer, events) = act(&mut guarded.circuit, now);
        if !self.listeners.is_empty() {
            self.keep_timer(&mut guarded);
            let snapshot = guarded.circuit.snapshot(now);
            drop(guarded);
            let events = events.into_iter().flatten().map(|kind| (kind, snapshot));
            for (kind, snapshot) in ticked.into_iter().chain(events) {
                self.tell(&Event { kind, circuit: &self.name, at: now, snapshot: &snapshot });
            }
        }
        answer
    }

    fn tell(&self, event: &Event<'_>) {
        for listener in &self.listeners {
            // The panic hook has told of it; the call that happened to be under way is not to blame.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| listener(event)));
        }
    }

    /// While the circuit is open, one task waits for the end of its time.
    fn keep_timer(self: &Arc<Self>, guarded: &mut Guarded) {
        let turn = guarded.circuit.turns();
        let due = guarded.circuit.half_open_at().and_then(|at| self.born.checked_add(at));
        if due.is_some() && guarded.timer.as_ref().is_some_and(|timer| timer.turn == turn) {
            return;
        }
        guarded.timer = None;
        // Without a runtime, listeners hear of it with the next call.
        if let (Some(due), Ok(runtime)) = (due, Handle::try_current()) {
            let task = runtime.spawn(half_open_at(due, Arc::downgrade(self))).abort_handle();
            guarded.timer = Some(Timer { turn, task });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Guarded> {
        // Nothing that runs under the lock can panic half-way through a change.
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.born)
    }
}

/// Does not hold the breaker while it waits: a dropped breaker is gone at once.
async fn half_open_at(due: Instant, shared: Weak<Shared>) {
    time::sleep_until(due).await;
    if let Some(shared) = shared.upgrade() {
        shared.step(|_, _| ((), []));
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.snapshot();
        f.debug_struct("Breaker").field("name", &self.shared.name).field("snapshot", &snapshot).finish()
    }
}
