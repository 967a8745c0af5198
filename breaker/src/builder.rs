//! Makes a [`Breaker`] step by step, and checks it at the end.

use crate::breaker::Breaker;
use crate::circuit::Circuit;
use crate::event::Event;
use crate::settings::{Settings, SettingsError, WarmUp};
use std::fmt;
use std::time::Duration;

pub(crate) type Listener = Box<dyn Fn(&Event<'_>) + Send + Sync>;

/// What [`Breaker::builder`] gives: a method per setting of [`Settings`], where their meanings and defaults stand, and
/// [`on_event`](Builder::on_event).
#[must_use = "nothing is made before `build`"]
pub struct Builder {
    name: String,
    settings: Settings,
    listeners: Vec<Listener>,
}

impl Builder {
    pub(crate) fn new(name: String) -> Self {
        Self { name, settings: Settings::default(), listeners: Vec::new() }
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

    /// Sets [`Settings::error_threshold`].
    pub fn error_threshold(mut self, percent: f64) -> Self {
        self.settings.error_threshold = percent;
        self
    }

    /// Sets [`Settings::reset`].
    pub fn reset(mut self, reset: Duration) -> Self {
        self.settings.reset = reset;
        self
    }

    /// Sets [`Settings::window`] and [`Settings::buckets`].
    pub fn window(mut self, window: Duration, buckets: u32) -> Self {
        self.settings.window = window;
        self.settings.buckets = buckets;
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

    /// Has `listener` told of everything that happens, on the thread where it happens, with no lock held. It is waited
    /// for: keep it short. One that panics is told to the panic hook and otherwise passed over. One that holds a handle to
    /// this breaker keeps it alive for ever.
    pub fn on_event(mut self, listener: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Makes the breaker, its circuit closed.
    ///
    /// # Errors
    ///
    /// Where a setting breaks a rule; see [`Settings::check`].
    pub fn build(self) -> Result<Breaker, SettingsError> {
        Ok(Breaker::new(self.name, Circuit::new(self.settings)?, self.listeners))
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
