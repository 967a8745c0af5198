//! Makes a [`Breaker`] step by step, and checks it at the end.

use crate::breaker::Breaker;
use crate::circuit::{Circuit, Saved};
use crate::clock::Clock;
use crate::event::{Event, EventKind};
use crate::log::Log;
use crate::settings::{Probing, Settings, SettingsError, Threshold, Trip, WarmUp, Window};
use crate::shadow::Shadow;
use crate::watch::{Kinds, Listener, Watch};
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

/// What [`Breaker::builder`] gives: a method per setting of [`Settings`], where their meanings and defaults stand, and
/// [`on_event`](Builder::on_event).
#[must_use = "nothing is made before `build`"]
pub struct Builder {
    name: Arc<str>,
    clock: Clock,
    settings: Settings,
    listeners: Vec<(Kinds, Listener)>,
    saved: Option<(Saved, Duration)>,
    shadows: Vec<(String, Settings)>,
    remember: usize,
}

impl Builder {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            clock: Clock::default(),
            settings: Settings::default(),
            listeners: Vec::new(),
            saved: None,
            shadows: Vec::new(),
            remember: 0,
        }
    }

    /// Takes all settings at once, in place of what was set before.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets [`Settings::timeout`].
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.timeout = timeout.into();
        self
    }

    /// Has the circuit open above this error rate, in percent, and by no other rule: sets [`Settings::trip`].
    pub fn error_threshold(self, percent: f64) -> Self {
        self.trip(Trip::Errors(Threshold::Above(percent)))
    }

    /// Sets [`Settings::trip`].
    pub fn trip(mut self, trip: Trip) -> Self {
        self.settings.trip = trip;
        self
    }

    /// Sets [`Settings::reset`].
    pub fn reset(mut self, reset: Duration) -> Self {
        self.settings.reset = reset;
        self
    }

    /// Sets [`Settings::window`] to the last stretch of time, cut into buckets.
    pub fn window(mut self, length: Duration, buckets: u32) -> Self {
        self.settings.window = Window::Time { length, buckets };
        self
    }

    /// Sets [`Settings::window`] to the last so many calls.
    pub fn window_of_calls(mut self, calls: u32) -> Self {
        self.settings.window = Window::Calls(calls);
        self
    }

    /// Sets [`Settings::probing`].
    pub fn probing(mut self, probing: Probing) -> Self {
        self.settings.probing = probing;
        self
    }

    /// Sets [`Settings::volume`].
    pub fn volume(mut self, calls: u64) -> Self {
        self.settings.volume = calls;
        self
    }

    /// Sets [`Settings::capacity`].
    pub fn capacity(mut self, calls: impl Into<Option<u32>>) -> Self {
        self.settings.capacity = calls.into();
        self
    }

    /// Sets [`Settings::warm_up`].
    pub fn warm_up(mut self, warm_up: WarmUp) -> Self {
        self.settings.warm_up = warm_up;
        self
    }

    /// Takes the time from another clock than tokio's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Has `listener` told of everything that happens, on the thread where it happens, with no lock held. It is waited
    /// for: keep it short. What it does to this breaker itself is told at once, to all, before the rest of what it is told of;
    /// one that answers each change with another never ends. One that panics is told to the panic hook and otherwise passed over. One that holds a handle to
    /// this breaker keeps it alive for ever.
    pub fn on_event(self, listener: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.listen(Kinds::ALL, listener)
    }

    /// The same for events of these kinds alone. What nobody wants to be told of is not made up: without a listener for
    /// [`EventKind::Fire`], the begin of a call through a closed circuit costs what it does without listeners.
    ///
    /// ```
    /// use breaker::{Breaker, EventKind};
    ///
    /// # fn main() -> Result<(), breaker::SettingsError> {
    /// let breaker = Breaker::builder("payment")
    ///     .on(EventKind::TRANSITIONS, |event| println!("{}: {}", event.circuit, event.kind.name()))
    ///     .build()?;
    /// breaker.open(); // payment: open
    /// # Ok(()) }
    /// ```
    pub fn on(
        self,
        kinds: impl IntoIterator<Item = EventKind>,
        listener: impl Fn(&Event<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.listen(kinds.into_iter().collect(), listener)
    }

    pub(crate) fn listen(
        mut self,
        kinds: Kinds,
        listener: impl Fn(&Event<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.listeners.push((kinds, Box::new(listener)));
        self
    }

    /// Takes up a circuit that was saved with [`Breaker::save`], `ago` before now.
    pub fn restore(mut self, saved: Saved, ago: Duration) -> Self {
        self.saved = Some((saved, ago));
        self
    }

    /// Has other settings judge the same calls beside the live ones, without a say in what happens: what would they have
    /// done? See [`Breaker::shadows`]. A call that the live circuit refuses is not seen by its shadows.
    ///
    /// ```
    /// use breaker::{Breaker, Settings, State};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let nervous = Settings::default();
    /// let breaker = Breaker::builder("payment").volume(20).shadow("nervous", nervous).build()?;
    /// let _ = breaker.call(async { Err::<(), _>("no route") }).await;
    /// assert_eq!(breaker.state(), State::Closed);
    /// assert!(breaker.shadows().all(|(_, shadow)| shadow.state == State::Open));
    /// # Ok(()) }
    /// ```
    pub fn shadow(mut self, name: impl Into<String>, settings: Settings) -> Self {
        self.shadows.push((name.into(), settings));
        self
    }

    /// Remembers how the last so many calls ended, to be judged again under other settings: see [`Breaker::log`]. Each
    /// costs 40 bytes, and each call a short lock. At most a million are.
    pub fn remember(mut self, calls: usize) -> Self {
        self.remember = calls.min(1_000_000);
        self
    }

    /// Makes the breaker, its circuit closed unless it was saved otherwise.
    ///
    /// # Errors
    ///
    /// Where a setting breaks a rule, also of a shadow; see [`Settings::check`].
    pub fn build(self) -> Result<Breaker, SettingsError> {
        let seed = RandomState::new().hash_one(&self.name);
        let (circuit, passed) = match self.saved {
            Some((saved, ago)) => {
                (Circuit::restore(self.settings, seed, &saved)?, saved.at.saturating_add(ago))
            }
            None => (Circuit::seeded(self.settings, seed)?, Duration::ZERO),
        };
        let shadows: Result<_, _> =
            self.shadows.into_iter().map(|(name, settings)| Shadow::new(name, settings)).collect();
        let watch = Watch { listeners: self.listeners, shadows: shadows?, log: Log::new(self.remember) };
        Ok(Breaker::new(self.name, circuit, self.clock.start(passed), watch))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .field("listeners", &self.listeners.len())
            .finish()
    }
}
