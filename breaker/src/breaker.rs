//! The shell around the rules: a clock, listeners, and the timer that half-opens.
//!
//! Nothing is locked while a call is made or a listener is told. The timer runs only while the circuit is not closed and
//! only to tell the listeners in time: the circuit itself half-opens by the clock, timer or not.

use crate::builder::Builder;
use crate::call::Call;
use crate::circuit::{Circuit, Entry, Outcome, Saved, Ticket};
use crate::clock::Time;
use crate::error::CallError;
use crate::event::{self, EventKind, Events, Told};
use crate::log::{CallLog, LoggedCall};
use crate::reason::{Reason, Transition};
use crate::settings::{Settings, SettingsError, nanos};
use crate::shadow::Shadows;
use crate::snapshot::{Mode, Snapshot, State, Status};
use crate::watch::{Timer, Watch};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// A circuit breaker. Clones are handles to the same circuit.
///
/// The circuit's changes of state are numbered. A call that ends after the state has changed since it was let through is
/// late: it gives its place back, is told to listeners, and counts for nothing.
#[derive(Clone)]
pub struct Breaker {
    shared: Arc<Shared>,
}

/// A handle that does not keep the circuit alive: for listeners and tasks; made by [`Breaker::downgrade`].
#[derive(Clone)]
pub struct WeakBreaker {
    shared: Weak<Shared>,
}

impl WeakBreaker {
    /// The breaker, if it is still there.
    #[must_use]
    pub fn upgrade(&self) -> Option<Breaker> {
        self.shared.upgrade().map(|shared| Breaker { shared })
    }
}

struct Shared {
    circuit: Circuit,
    time: Time,
    /// Whether anybody looks on at the calls.
    watched: bool,
    watch: Watch,
    name: Arc<str>,
    timer: Mutex<Option<Timer>>,
    /// Told of every change of state that a call or a hand has made.
    #[cfg(any(feature = "redis", feature = "tower"))]
    waiters: Arc<crate::waiters::Waiters>,
    #[cfg(feature = "testing")]
    script: crate::testing::Script,
}

impl Breaker {
    /// Starts to make a breaker whose circuit bears this name.
    pub fn builder(name: impl Into<String>) -> Builder {
        Builder::new(name.into().into())
    }

    pub(crate) fn new(name: Arc<str>, circuit: Circuit, time: Time, watch: Watch) -> Self {
        let watched = watch.is_kept();
        Self {
            shared: Arc::new(Shared {
                circuit,
                time,
                watched,
                watch,
                name,
                timer: Mutex::new(None),
                #[cfg(any(feature = "redis", feature = "tower"))]
                waiters: Arc::default(),
                #[cfg(feature = "testing")]
                script: crate::testing::Script::default(),
            }),
        }
    }

    /// A handle that does not keep the circuit alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakBreaker {
        WeakBreaker { shared: Arc::downgrade(&self.shared) }
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

    /// How many handles there are to this circuit; for the registry, which drops what nobody holds.
    pub(crate) fn handles(&self) -> usize {
        Arc::strong_count(&self.shared)
    }

    /// How long a call would be refused for, were it made now. Nothing is counted, and no place taken.
    #[must_use]
    pub fn would_refuse(&self) -> Option<Duration> {
        self.shared.circuit.would_refuse(self.now())
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
        self.shared.circuit.enter_simply(now).ok_or_else(|| {
            let entry = self.shared.circuit.enter_in_full(may_probe, now);
            if let Entry::Refused { opened: Some(_), .. } | Entry::Full { opened: Some(_), .. } = entry {
                self.turned();
            }
            entry
        })
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
        } else if self.shared.circuit.leave_at(ticket, outcome, self.shared.time.now()).is_some() {
            self.turned();
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

    /// Counts a call that found no place among so many, in a line that stands before the circuit.
    pub(crate) fn refuse_full<E>(&self, places: u32) -> CallError<E> {
        self.step(|circuit, now| {
            let entry = circuit.refuse_for_want_of_a_place(places, nanos(now));
            ((), event::entered(&entry))
        });
        CallError::Full { capacity: places }
    }

    pub(crate) fn fall_back(&self) {
        self.step(|circuit, now| {
            circuit.fall_back(now);
            ((), [event::simply(EventKind::Fallback), None, None, None])
        });
    }

    /// A change of state that no call has made, told.
    pub(crate) fn turn(
        &self,
        change: impl FnOnce(&Circuit, Duration) -> Option<Arc<Transition>>,
    ) -> Option<Arc<Transition>> {
        self.step(|circuit, now| {
            let transition = change(circuit, now);
            (transition.clone(), [event::turned(transition), None, None, None])
        })
    }

    /// One step of the rules, and what came of it told.
    fn step<T>(&self, act: impl FnOnce(&Circuit, Duration) -> (T, Events)) -> T {
        let shared = &self.shared;
        let now = self.now();
        if shared.watch.listeners.is_empty() {
            let (answer, events) = act(&shared.circuit, now);
            if events.iter().flatten().any(|(_, transition)| transition.is_some()) {
                self.turned();
            }
            return answer;
        }
        while let Some(transition) = shared.circuit.tick(now) {
            shared.tell(event::turned(Some(transition)), now);
        }
        let (answer, events) = act(&shared.circuit, now);
        self.keep_timer(now);
        if events.iter().flatten().any(|(_, transition)| transition.is_some()) {
            self.turned();
        }
        for told in events {
            shared.tell(told, now);
        }
        answer
    }

    /// The state has changed; nothing is locked.
    #[cold]
    fn turned(&self) {
        #[cfg(any(feature = "redis", feature = "tower"))]
        self.shared.waiters.wake_all();
    }

    #[cfg(any(feature = "redis", feature = "tower"))]
    pub(crate) fn waiters(&self) -> &Arc<crate::waiters::Waiters> {
        &self.shared.waiters
    }

    /// While the circuit is not closed, one task waits for what the clock will do to it.
    fn keep_timer(&self, now: Duration) {
        let due = self.shared.circuit.due();
        let mut timer = self.shared.timer.lock().unwrap_or_else(PoisonError::into_inner);
        if due != timer.as_ref().map(|timer| timer.due) {
            *timer = due.and_then(|due| Timer::start(due, now, self.downgrade()));
        }
    }

    /// Looks at the clock, and tells what it has done.
    pub(crate) fn look(&self) {
        self.step(|_, _| ((), Events::default()));
    }
}

impl Shared {
    fn tell(&self, told: Option<Told>, now: Duration) {
        if let Some(told) = told {
            self.watch.tell(&self.name, told, &self.circuit.status(now), now);
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("name", &self.name()).field("status", &self.status()).finish()
    }
}

impl fmt::Debug for WeakBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakBreaker").finish_non_exhaustive()
    }
}
