//! The shell around the rules: a clock, listeners, and the timer that half-opens.
//!
//! Nothing is locked while a call is made or a listener is told. The timer runs only while the circuit is not closed and
//! only to tell the listeners in time: the circuit itself half-opens by the clock, timer or not.

mod steps;

use crate::builder::Builder;
use crate::call::Call;
use crate::circuit::{Circuit, Saved, Ticket};
use crate::clock::Time;
use crate::event::{self, Events};
use crate::log::CallLog;
use crate::reason::Reason;
use crate::settings::{Settings, SettingsError};
use crate::snapshot::{Mode, Snapshot, State, Status};
use crate::watch::{Timer, Watch, Watched};
use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// A circuit breaker. Clones are handles to the same circuit.
///
/// ```
/// use breaker::{Breaker, CallError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let breaker = Breaker::builder("payment").build()?;
/// assert_eq!(breaker.call(async { Ok::<_, &str>("paid") }).await, Ok("paid"));
///
/// let elsewhere = breaker.clone();
/// elsewhere.open();
/// let refused = breaker.call(async { Ok::<_, &str>("paid") }).await;
/// assert!(matches!(refused, Err(CallError::Open { .. })));
/// # Ok(()) }
/// ```
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
    /// What of a call anybody looks at.
    watched: Watched,
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
        let watched = watch.watched();
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
        self.step(|circuit, now| {
            // Under the settings of its time.
            let turned = std::iter::from_fn(|| circuit.tick(now)).last();
            (circuit.update(settings), [event::turned(turned), None, None, None])
        })
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
    #[inline]
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
        self.turned();
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
        self.shared.circuit.state(self.now())
    }

    /// Whether the circuit goes by its state, or what it does in its place.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.shared.circuit.mode()
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
        if self.shared.circuit.is_plainly_closed() {
            return None;
        }
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
