//! What is done to a circuit from outside its calls: other settings, another mode.

use super::machine::Phase;
use super::{Circuit, Entry};
use crate::reason::Transition;
use crate::settings::{Settings, SettingsError, Window, nanos};
use crate::snapshot::{Mode, State};
use crate::sync::{Ordering, lock};
use crate::window::Kind;
use std::sync::Arc;
use std::time::Duration;

impl Circuit {
    /// What the circuit goes by.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&lock(&self.machine).settings)
    }

    /// Gives the circuit other settings, while calls are under way. State, window and totals stay; an opening that has
    /// begun keeps its length, and a window of calls begins empty where there was none.
    ///
    /// # Errors
    ///
    /// Where a setting breaks a rule; then nothing changes. See [`Settings::check`].
    pub fn update(&self, settings: Settings) -> Result<(), SettingsError> {
        settings.check()?;
        let mut machine = lock(&self.machine);
        self.window.cut(settings.window.geometry());
        let calls = if let Window::Calls(calls) = settings.window { calls as usize } else { 0 };
        lock(&self.ring).hold(calls);
        self.hot.set(&settings);
        if !self.hot.rules().any(super::hot::Rules::CONSECUTIVE) {
            // Should they be counted again, they begin anew.
            self.busy.consecutive.store(0, Ordering::Relaxed);
        }
        machine.settings = Arc::new(settings);
        Ok(())
    }

    /// Whether the circuit goes by its state.
    #[must_use]
    pub fn mode(&self) -> Mode {
        lock(&self.machine).mode
    }

    /// Changes that. The state stays, and goes on changing by the clock.
    pub fn set_mode(&self, mode: Mode) {
        let mut machine = lock(&self.machine);
        machine.mode = mode;
        self.publish(&machine);
    }

    /// When the clock changes the state next.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        lock(&self.machine).due().map(|(at, _)| Duration::from_nanos(at))
    }

    /// The number of the state; see [`Status::turns`](crate::Status::turns).
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.hot.word().turns()
    }

    /// What [`enter`](Self::enter) would refuse with, were it asked now: it is not counted, and takes no place.
    #[must_use]
    pub fn would_refuse(&self, now: Duration) -> Option<Duration> {
        if self.hot.word().is_auto(State::Closed) {
            return None;
        }
        let now = nanos(now);
        self.locked(now, |machine| match (machine.mode, &machine.phase) {
            (Mode::ForcedOpen, _) => Some(machine.settings.reset),
            (Mode::Auto, Phase::Open { until }) => Some(Duration::from_nanos(*until - now)),
            (Mode::Auto, Phase::HalfOpen(half_open)) => {
                half_open.full_for(&machine.settings, now).map(Duration::from_nanos)
            }
            _ => None,
        })
    }

    /// Counts a call that found no place outside the circuit, in a queue that stands before it.
    pub(crate) fn refuse_for_want_of_a_place(&self, capacity: u32, now: u64) -> Entry {
        let word = self.hot.word();
        self.window.count(Kind::Fires, now);
        if !word.is_closed() {
            // Nothing is judged now: counted as asked for, and as no more.
            self.window.count(Kind::Full, now);
            self.window.count(Kind::Dropped, now);
            return Entry::Full { capacity, opened: None };
        }
        let opened = self.full(word.turns(), now);
        Entry::Full { capacity, opened }
    }

    /// The last change of state.
    pub(crate) fn last(&self) -> Option<Arc<Transition>> {
        lock(&self.machine).last.clone()
    }

    pub(super) fn consecutive(&self) -> u32 {
        self.busy.consecutive.load(Ordering::Acquire)
    }
}
