//! The shell around the rules: a clock, listeners, and the timer that half-opens.
//!
//! Nothing is locked while a call is made or a listener is told. The timer runs only while the circuit is not closed and
//! only to tell the listeners in time: the circuit itself half-opens by the clock, timer or not.

use crate::builder::{Builder, Listener};
use crate::call::Call;
use crate::circuit::{Circuit, Entry, Outcome, Saved, Ticket};
use crate::clock::Time;
use crate::event::{self, Event, EventKind, Events, Told};
use crate::log::{CallLog, Log, LoggedCall};
use crate::reason::Reason;
use crate::settings::{Settings, SettingsError, nanos};
use crate::shadow::{Shadow, Shadows};
use crate::snapshot::{Mode, Snapshot, State, Status};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError, Weak};
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

struct Shared {
    circuit: Circuit,
    time: Time,
    /// Whether anybody looks on at the calls.
    watched: bool,
    watch: Watch,
    name: Arc<str>,
    timer: Mutex<Option<Timer>>,
    #[cfg(feature = "testing")]
    script: crate::testing::Script,
}

/// Those who look on at the calls.
pub(crate) struct Watch {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) shadows: Vec<Shadow>,
    pub(crate) log: Log,
}

/// The task that looks at the clock in time, and when.
struct Timer {
    due: Duration,
    task: AbortHandle,
}

impl Breaker {
    /// Starts to make a breaker whose circuit bears this name.
    pub fn builder(name: impl Into<String>) -> Builder {
        Builder::new(name.into().into())
    }

    pub(crate) fn new(name: Arc<str>, circuit: Circuit, time: Time, watch: Watch) -> Self {
        let watched = !watch.listeners.is_empty() || !watch.shadows.is_empty() || watch.log.is_kept();
        Self {
            shared: Arc::new(Shared {
                circuit,
                time,
                watched,
                watch,
                name,
                timer: Mutex::new(None),
                #[cfg(feature = "testing")]
                script: crate::testing::Script::default(),
            }),
        }
    }

    /// The circuit's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What the circuit goes by.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.shared.circuit.settings()
    }

    /// Gives the circuit other settings, while calls are under way: see [`Circuit::update`].
    ///
    /// # Errors
    ///
    /// Where a setting breaks a rule; then nothing changes.
    pub fn update(&self, settings: Settings) -> Result<(), SettingsError> {
        self.shared.circuit.update(settings)
    }

    /// Makes a call through the circuit: `work` is polled where the circuit lets it through, and given up after the
    /// time-out; where it does not, `work` is dropped without having been polled.
    ///
    /// The answer is a future that does nothing until it is awaited. Before that it can be told what counts as a failure
    /// ([`Call::failure_if`], [`Call::judge`]) and what to do instead ([`Call::or_else`]). Dropped half-way, it gives
    /// back what it held; that is a failure where the time-out's length had passed. A `work` that panics counts as a
    /// failure. It is the caller's polling that keeps time: a call that nobody polls holds its place, though as a probe
    /// for no longer than its lease.
    ///
    /// # Panics
    ///
    /// Where the work is pending, the circuit has a time-out, and there is no tokio runtime with its time enabled.
    pub fn call<W, T, E>(&self, work: W) -> Call<&Self, W>
    where
        W: Future<Output = Result<T, E>>,
    {
        Call::new(self, work)
    }

    /// The same, as a future that holds a handle to the breaker and so may outlive this one.
    ///
    /// # Panics
    ///
    /// As [`call`](Self::call).
    pub fn call_owned<W, T, E>(self, work: W) -> Call<Self, W>
    where
        W: Future<Output = Result<T, E>>,
    {
        Call::new(self, work)
    }

    /// Opens the circuit by hand, for the usual time: it half-opens by itself. Does nothing to an open one.
    pub fn open(&self) {
        self.turn(|circuit, now| circuit.open(now));
    }

    /// Closes the circuit by hand.
    pub fn close(&self) {
        self.turn(|circuit, now| circuit.close(now));
    }

    /// Opens or closes the circuit for a reason of the library's own.
    pub(crate) fn open_for(&self, reason: Reason) {
        self.turn(|circuit, now| circuit.open_for(reason, now));
    }

    pub(crate) fn close_for(&self, reason: Reason) {
        self.turn(|circuit, now| circuit.close_for(reason, now));
    }

    /// Changes whether the circuit goes by its state: forces it open or closed, disables it, or lets it go by itself.
    pub fn set_mode(&self, mode: Mode) {
        self.step(|circuit, _| (circuit.set_mode(mode), Events::default()));
    }

    /// Lets the circuit go by its state again: [`Mode::Auto`].
    pub fn enable(&self) {
        self.set_mode(Mode::Auto);
    }

    /// Bypasses the circuit: [`Mode::Disabled`].
    pub fn disable(&self) {
        self.set_mode(Mode::Disabled);
    }

    /// The state of the circuit.
    #[must_use]
    pub fn state(&self) -> State {
        self.status().state
    }

    /// What the circuit does at this moment. A pure read.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.circuit.status(self.now())
    }

    /// The circuit at this moment, in full. A pure read.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.circuit.snapshot(self.now())
    }

    /// How long a call would be refused for, were it made now. Nothing is counted, and no place taken.
    #[must_use]
    pub fn would_refuse(&self) -> Option<Duration> {
        self.step(|circuit, now| (circuit.would_refuse(now), Events::default()))
    }

    /// The time since the circuit was made.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.shared.time.now())
    }

    /// What the other settings would have done that judge the same calls: see [`Builder::shadow`]. Their refusals are
    /// counted as [`Counts::rejects`](crate::Counts::rejects), and their last change of state bears its reason.
    pub fn shadows(&self) -> impl Iterator<Item = (&str, Snapshot)> {
        let now = self.now();
        self.shared.watch.shadows.iter().map(move |shadow| shadow.look(now))
    }

    /// How the last calls ended, as many as [`Builder::remember`] asked for.
    #[must_use]
    pub fn log(&self) -> CallLog {
        self.shared.watch.log.read()
    }

    /// Writes the circuit down, to be taken up again by [`Builder::restore`].
    ///
    /// ```
    /// use breaker::{Breaker, State};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), breaker::SettingsError> {
    /// let before = Breaker::builder("payment").build()?;
    /// before.open();
    /// let saved = before.save(); // with the feature `serde` it can be written to a file
    ///
    /// let after = Breaker::builder("payment").restore(saved, Duration::from_secs(4)).build()?;
    /// assert_eq!(after.state(), State::Open);
    /// assert!(after.status().probe_in <= Some(Duration::from_secs(6)));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn save(&self) -> Saved {
        self.shared.circuit.save(self.now())
    }

    /// Has the next calls end as a test wants them to, one after the other.
    #[cfg(feature = "testing")]
    pub fn force(&self, next: impl IntoIterator<Item = crate::testing::Forced>) {
        self.shared.script.extend(next);
    }

    #[cfg(feature = "testing")]
    pub(crate) fn forced(&self) -> Option<crate::testing::Forced> {
        self.shared.script.next()
    }

    pub(crate) fn circuit(&self) -> &Circuit {
        &self.shared.circuit
    }

    /// How much of the time that a call may take is left, if that is limited.
    pub(crate) fn time_left(&self, ticket: &Ticket) -> Option<(Duration, Duration)> {
        let timeout = self.shared.circuit.timeout_nanos()?;
        let taken = self.shared.time.now().saturating_sub(ticket.began());
        Some((Duration::from_nanos(timeout.saturating_sub(taken)), Duration::from_nanos(timeout)))
    }

    /// A ticket where there is nothing more to it, else what the circuit says.
    #[inline]
    pub(crate) fn enter(&self, may_probe: bool) -> Result<Ticket, Entry> {
        if self.shared.watched {
            return Err(self.enter_watched(may_probe));
        }
        let now = self.shared.time.now();
        self.shared.circuit.enter_simply(now).ok_or_else(|| self.shared.circuit.enter_in_full(may_probe, now))
    }

    #[inline(never)]
    fn enter_watched(&self, may_probe: bool) -> Entry {
        self.step(|circuit, now| {
            let entry = if may_probe { circuit.enter(now) } else { circuit.enter_without_probing(now) };
            let events = event::entered(&entry);
            (entry, events)
        })
    }

    #[inline]
    pub(crate) fn leave(&self, ticket: &Ticket, outcome: Outcome) {
        if self.shared.watched {
            self.leave_watched(ticket, outcome);
        } else {
            self.shared.circuit.leave_at(ticket, outcome, self.shared.time.now());
        }
    }

    #[inline(never)]
    fn leave_watched(&self, ticket: &Ticket, outcome: Outcome) {
        self.step(|circuit, now| {
            let began = Duration::from_nanos(ticket.began());
            self.shared.watch.log.push(LoggedCall { began, ended: now, outcome });
            ((), event::left(outcome, circuit.leave_at(ticket, outcome, nanos(now))))
        });
    }

    /// The call's part in the shadows, if there are any.
    pub(crate) fn enter_shadows(&self) -> Shadows {
        let shadows = &self.shared.watch.shadows;
        let now = self.now();
        (!shadows.is_empty()).then(|| shadows.iter().map(|shadow| shadow.enter(now)).collect())
    }

    pub(crate) fn leave_shadows(&self, tickets: Box<[Option<Ticket>]>, outcome: Outcome) {
        let now = self.now();
        for (shadow, ticket) in self.shared.watch.shadows.iter().zip(tickets) {
            if let Some(ticket) = ticket {
                shadow.leave(ticket, outcome, now);
            }
        }
    }

    pub(crate) fn fall_back(&self) {
        self.step(|circuit, now| {
            circuit.fall_back(now);
            ((), [event::simply(EventKind::Fallback), None, None, None])
        });
    }

    fn turn(&self, change: impl FnOnce(&Circuit, Duration) -> Option<Arc<crate::Transition>>) {
        self.step(|circuit, now| ((), [event::turned(change(circuit, now)), None, None, None]));
    }

    /// One step of the rules, and what came of it told.
    fn step<T>(&self, act: impl FnOnce(&Circuit, Duration) -> (T, Events)) -> T {
        let shared = &self.shared;
        let circuit = &shared.circuit;
        if shared.watch.listeners.is_empty() {
            return act(circuit, self.now()).0;
        }
        // One step after the other, from its look at the clock on: else what the clock does to the circuit in the midst of
        // another thread's step would be told by nobody, and a timer be set for a state that has passed.
        let mut timer = shared.timer.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let tick = || circuit.tick(now).map(|turned| (turned, circuit.status(now)));
        let by_the_clock: Vec<_> = std::iter::from_fn(tick).collect();
        let turns = circuit.turns();
        let (answer, mut events) = act(circuit, now);
        if circuit.turns() != turns && events.iter().flatten().all(|(_, turned)| turned.is_none()) {
            // A call that is made all the same cannot say that it has opened the circuit.
            events[3] = event::turned(circuit.last());
        }
        let status = circuit.status(now);
        self.keep_timer(&mut timer, now);
        drop(timer);
        for (turned, status) in by_the_clock {
            shared.tell(event::turned(Some(turned)), &status, now);
        }
        for told in events {
            shared.tell(told, &status, now);
        }
        answer
    }

    /// While the circuit is not closed, one task waits for what the clock will do to it.
    fn keep_timer(&self, timer: &mut Option<Timer>, now: Duration) {
        let due = self.shared.circuit.due();
        if due == timer.as_ref().map(|timer| timer.due) {
            return;
        }
        *timer = None;
        // Without a runtime, listeners hear of it with the next call.
        let at = due.and_then(|due| Instant::now().checked_add(due.saturating_sub(now)));
        if let (Some(due), Some(at), Ok(runtime)) = (due, at, Handle::try_current()) {
            let task = runtime.spawn(look_at(at, Arc::downgrade(&self.shared))).abort_handle();
            *timer = Some(Timer { due, task });
        }
    }
}

impl Shared {
    fn tell(&self, told: Option<Told>, status: &Status, now: Duration) {
        let Some((kind, transition)) = told else { return };
        let transition = transition.as_deref();
        let event = Event { kind, circuit: &self.name, at: now, status, transition };
        for listener in &self.watch.listeners {
            // The panic hook has told of it; the call that happened to be under way is not to blame.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| listener(&event)));
        }
    }
}

/// Does not hold the breaker while it waits: a dropped breaker is gone at once.
async fn look_at(due: Instant, shared: Weak<Shared>) {
    time::sleep_until(due).await;
    if let Some(shared) = shared.upgrade() {
        Breaker { shared }.step(|_, _| ((), Events::default()));
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("name", &self.name()).field("status", &self.status()).finish()
    }
}
