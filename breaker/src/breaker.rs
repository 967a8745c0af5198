//! The shell around the rules: a clock, a lock, listeners, and the timer that half-opens.
//!
//! The lock is held for a few instructions at a time, never across an `.await` and never while a listener is told. The
//! timer runs only while the circuit is open and only to tell the listeners in time: the circuit itself half-opens by
//! the clock, timer or not, so a breaker works outside a runtime too.

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
    timer: Option<AbortHandle>,
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
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Makes a call through the circuit: `work` is run where the circuit lets it through, and given up after the
    /// time-out; where it does not, `work` is never begun.
    ///
    /// The answer is a future that does nothing until it is awaited. Before that it can be told which errors count
    /// ([`Call::failure_if`]) and what to do instead ([`Call::or_else`]). Dropped half-way, it gives back what it held.
    /// A `work` that panics counts as a failure.
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
        let ticked = event::turned(guarded.circuit.tick(now));
        let (answer, events) = act(&mut guarded.circuit, now);
        self.keep_timer(&mut guarded);
        if !self.listeners.is_empty() {
            let snapshot = guarded.circuit.snapshot(now);
            drop(guarded);
            for kind in ticked.into_iter().chain(events.into_iter().flatten()) {
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

    /// While the circuit is open, and someone listens, one task waits for the end of its time.
    fn keep_timer(self: &Arc<Self>, guarded: &mut Guarded) {
        let due = guarded.circuit.half_open_at().is_some() && !self.listeners.is_empty();
        let running = guarded.timer.as_ref().is_some_and(|timer| !timer.is_finished());
        if due
            && !running
            && let Ok(runtime) = Handle::try_current()
        {
            guarded.timer = Some(runtime.spawn(half_open_in_time(Arc::downgrade(self))).abort_handle());
        }
    }

    /// When to wake; `None`, and no timer any more, where the circuit is not open.
    fn next_wake(&self) -> Option<Instant> {
        let mut guarded = self.lock();
        let at = guarded.circuit.half_open_at().and_then(|at| self.born.checked_add(at));
        if at.is_none() {
            guarded.timer = None;
        }
        at
    }

    fn lock(&self) -> MutexGuard<'_, Guarded> {
        // Nothing that runs under the lock can panic half-way through a change.
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.born)
    }
}

/// Holds the breaker only while it looks at it: a dropped breaker is gone at once.
async fn half_open_in_time(shared: Weak<Shared>) {
    while let Some(at) = shared.upgrade().and_then(|shared| shared.next_wake()) {
        time::sleep_until(at).await;
        if let Some(shared) = shared.upgrade() {
            shared.step(|_, _| ((), []));
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            timer.abort();
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.snapshot();
        f.debug_struct("Breaker").field("name", &self.shared.name).field("snapshot", &snapshot).finish()
    }
}
