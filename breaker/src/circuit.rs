//! The rules of a circuit breaker: when it opens, refuses, probes and closes.
//!
//! Pure: every method is told what time it is, as the time since the circuit was made, and answers with what changed.
//! It reads no clock, runs no call and tells nobody, so that every rule can be tested by arithmetic and the shell above
//! can be exchanged.
//!
//! Many threads may use it at once. While the circuit is closed, or open, a call reads one word and counts in its own
//! thread's part of the window; only a change of state takes a lock, and a half-open circuit.
//!
//! The rules are opossum 10's, but for what the README lists, and above all for this: **a late answer never moves the
//! circuit.** A [`Ticket`] carries the number of the state it was given in; what ends after the state has changed gives
//! its place back and counts for nothing.

mod control;
#[cfg(feature = "redis")]
mod fleet;
mod half_open;
mod hot;
mod locked;
mod machine;
mod saved;
mod view;

pub use saved::Saved;

use crate::reason::{FailureKind, Transition};
use crate::settings::{Settings, SettingsError, Window as WindowOf, nanos};
use crate::snapshot::State;
use crate::sync::{AtomicU32, Mutex, Ordering, lock};
use crate::window::{Kind, Ring, Window};
use half_open::End;
use hot::{Hot, Rules, Word};
use machine::Machine;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

/// One circuit: its state, its window and the calls under way.
#[derive(Debug)]
pub struct Circuit {
    hot: Hot,
    window: Window,
    busy: Busy,
    ring: Mutex<Ring>,
    machine: Mutex<Machine>,
}

/// What calls write to together, where the settings ask for it; on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Busy {
    under_way: AtomicU32,
    consecutive: AtomicU32,
}

/// The right to make one call, to be given back with [`Circuit::leave`]: one ticket, one answer.
///
/// One that is forgotten keeps its place under [`Settings::capacity`]. As a probe it is given up after its lease.
#[derive(Debug)]
#[must_use = "a ticket that is not given back keeps its place for ever"]
pub struct Ticket {
    /// The state that it was given in.
    word: Word,
    began: u64,
    probe: Option<NonZeroU64>,
    /// Given by a circuit that was closed and had no more to do than to count: what comes back to the same state needs
    /// no more either.
    plain: bool,
    /// Whether it is counted among the calls under way.
    placed: bool,
    /// Made only for the figures; see [`Mode::MetricsOnly`](crate::Mode::MetricsOnly).
    observer: bool,
}

/// What the circuit says to a call.
#[derive(Debug)]
#[must_use]
pub enum Entry {
    /// Make the call and report how it ended.
    Admitted(Ticket),
    /// The circuit is disabled: make the call; nothing is asked about its end.
    Bypassed,
    /// The circuit is open, or half-open with its places taken.
    Refused {
        /// How long until a call may be let through, at the latest: the rest of the open time; while a probe is under
        /// way, of the time after which it is given up, or `reset` where that is never.
        retry_after: Duration,
        /// What this call has opened, by making too many under way.
        opened: Option<Arc<Transition>>,
    },
    /// As many calls as may be are under way. Counted as a failure, unless set otherwise, which may have opened the
    /// circuit.
    Full {
        /// How many may be.
        capacity: u32,
        /// What this failure has opened.
        opened: Option<Arc<Transition>>,
    },
}

/// What the circuit says to a call where it is simple, in a form that costs nothing to hand on.
#[derive(Debug)]
pub(crate) enum Simply {
    Admitted(Ticket),
    /// For so many nanoseconds.
    Refused(u64),
    /// It is not: [`Circuit::enter`] is to be asked.
    Not,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Outcome {
    /// It was answered as it should, or with an error that is not the callee's.
    Success,
    /// It failed.
    Failure,
    /// It was given up for taking longer than it may. A failure.
    Timeout,
    /// It panicked. A failure.
    Panicked,
    /// Its caller went away after the time-out's length. A failure.
    Abandoned,
    /// Its caller went away before that. It gives its place back and says nothing about the callee; it stays among the
    /// calls asked for.
    Cancelled,
    /// It ended in a way that says nothing about the callee, neither good nor bad. As [`Cancelled`](Self::Cancelled).
    Ignored,
}

impl Circuit {
    /// A closed circuit at the beginning of its time.
    ///
    /// # Errors
    ///
    /// Where a setting breaks a rule; see [`Settings::check`].
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        Self::seeded(settings, 0)
    }

    /// The same, with a seed for what [`Settings::backoff`] leaves to chance.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn seeded(settings: Settings, seed: u64) -> Result<Self, SettingsError> {
        settings.check()?;
        let mut ring = Ring::default();
        if let WindowOf::Calls(calls) = settings.window {
            ring.hold(calls as usize);
        }
        Ok(Self {
            hot: Hot::new(&settings),
            window: Window::new(settings.window.geometry()),
            busy: Busy::default(),
            ring: Mutex::new(ring),
            machine: Mutex::new(Machine::new(Arc::new(settings), seed)),
        })
    }

    /// A call wants to be made.
    #[inline]
    pub fn enter(&self, now: Duration) -> Entry {
        self.enter_at(true, nanos(now))
    }

    /// A call wants to be made that is not to be a probe: a half-open circuit refuses it.
    pub fn enter_without_probing(&self, now: Duration) -> Entry {
        self.enter_at(false, nanos(now))
    }

    fn enter_at(&self, may_probe: bool, now: u64) -> Entry {
        match self.enter_simply(now) {
            Simply::Admitted(ticket) => Entry::Admitted(ticket),
            Simply::Refused(nanos) => {
                Entry::Refused { retry_after: Duration::from_nanos(nanos), opened: None }
            }
            Simply::Not => self.enter_in_full(may_probe, now),
        }
    }

    /// Lets a call through, or refuses it, where there is no more to it than to count it.
    #[inline(always)]
    pub(crate) fn enter_simply(&self, now: u64) -> Simply {
        let (word, until) = (self.hot.word(), self.hot.until());
        if word.is_auto(State::Closed) {
            return self.enter_closed(now);
        }
        if !word.is_auto(State::Open) || until <= now {
            return Simply::Not;
        }
        self.window.refused(now);
        Simply::Refused(until - now)
    }

    /// The same for a closed circuit alone.
    #[inline(always)]
    pub(crate) fn enter_closed(&self, now: u64) -> Simply {
        let word = self.hot.word();
        if !word.is_auto(State::Closed) || self.hot.rules().any(Rules::COUNTED) {
            return Simply::Not;
        }
        self.window.count(Kind::Fires, now);
        Simply::Admitted(Ticket { plain: true, ..Ticket::new(word, now) })
    }

    /// What is left of it.
    fn enter_in_full(&self, may_probe: bool, now: u64) -> Entry {
        // What the clock has done comes first: should it empty the window, this call is in the new one.
        while self.tick_at(now).is_some() {}
        self.window.count(Kind::Fires, now);
        let word = self.hot.word();
        if word.is_auto(State::Closed) && self.hot.rules().any(Rules::COUNTED) {
            self.enter_counted(word, now)
        } else {
            self.enter_locked(may_probe, now)
        }
    }

    /// A closed circuit that counts the calls under way.
    fn enter_counted(&self, word: Word, now: u64) -> Entry {
        let before = self.busy.under_way.fetch_add(1, Ordering::AcqRel);
        if let Some(capacity) = self.hot.capacity().filter(|&capacity| before >= capacity) {
            self.busy.under_way.fetch_sub(1, Ordering::AcqRel);
            return Entry::Full { capacity, opened: self.full(word.turns(), now) };
        }
        if self.hot.may_pile_up(before)
            && let Some(opened) = self.judge_pile(word.turns(), before, now)
        {
            self.busy.under_way.fetch_sub(1, Ordering::AcqRel);
            self.window.count(Kind::Rejects, now);
            let retry_after = Duration::from_nanos(self.hot.until().saturating_sub(now));
            return Entry::Refused { retry_after, opened: Some(opened) };
        }
        Entry::Admitted(Ticket { placed: true, ..Ticket::new(word, now) })
    }

    /// A closed circuit has no place.
    fn full(&self, turns: u64, now: u64) -> Option<Arc<Transition>> {
        self.window.count(Kind::Full, now);
        if !lock(&self.machine).settings.full_is_failure {
            self.window.count(Kind::Dropped, now);
            return None;
        }
        let bucket = self.window.failed(FailureKind::Full, None, false, now);
        self.failed(turns, false, bucket, now)
    }

    /// A call that was let through has ended.
    #[inline]
    pub fn leave(&self, ticket: Ticket, outcome: Outcome, now: Duration) -> Option<Arc<Transition>> {
        self.leave_at(&ticket, outcome, nanos(now))
    }

    #[inline(always)]
    pub(crate) fn leave_at(&self, ticket: &Ticket, outcome: Outcome, now: u64) -> Option<Arc<Transition>> {
        if ticket.plain && ticket.word == self.hot.word() {
            if outcome == Outcome::Success {
                return self.succeed(ticket, now);
            }
            if outcome == Outcome::Failure {
                return self.fail(ticket, FailureKind::Error, now);
            }
        }
        self.leave_otherwise(ticket, outcome.into(), now)
    }

    #[inline(never)]
    fn leave_otherwise(&self, ticket: &Ticket, end: End, now: u64) -> Option<Arc<Transition>> {
        if ticket.placed {
            self.busy.under_way.fetch_sub(1, Ordering::AcqRel);
        }
        if ticket.observer {
            return None;
        }
        let word = self.hot.word();
        if word.turns() != ticket.turns() {
            self.window.count(Kind::Dropped, now);
            return None;
        }
        if !word.is_closed() {
            return self.leave_locked(ticket, end, now);
        }
        match end {
            End::Good => self.succeed(ticket, now),
            End::Bad(kind) => self.fail(ticket, kind, now),
            End::Neither => {
                self.window.count(Kind::Dropped, now);
                None
            }
        }
    }

    #[inline(never)]
    fn fail(&self, ticket: &Ticket, kind: FailureKind, now: u64) -> Option<Arc<Transition>> {
        let took = now.saturating_sub(ticket.began);
        let slow = self.hot.is_slow(took);
        let bucket = self.window.failed(kind, Some(took), slow, now);
        self.failed(ticket.turns(), slow, bucket, now)
    }

    #[inline]
    fn succeed(&self, ticket: &Ticket, now: u64) -> Option<Arc<Transition>> {
        let took = now.saturating_sub(ticket.began);
        let slow = self.hot.is_slow(took);
        self.window.succeeded(took, slow, now);
        let rules = self.hot.rules();
        if slow || rules.any(Rules::CONSECUTIVE | Rules::RING | Rules::EVERY_END) {
            return self.succeeded(ticket.turns(), slow, now);
        }
        None
    }

    /// A closed circuit's call ended well, is counted, and may mean more.
    #[inline(never)]
    fn succeeded(&self, turns: u64, slow: bool, now: u64) -> Option<Arc<Transition>> {
        let rules = self.hot.rules();
        // Read-only while there is nothing to reset, so that threads do not disturb each other.
        if rules.any(Rules::CONSECUTIVE) && self.busy.consecutive.load(Ordering::Relaxed) != 0 {
            self.busy.consecutive.store(0, Ordering::Relaxed);
        }
        if rules.any(Rules::RING) {
            lock(&self.ring).push(false, slow);
        }
        if slow || rules.any(Rules::EVERY_END) { self.judge_locked(turns, now) } else { None }
    }

    /// A closed circuit's call failed, and is counted.
    #[inline]
    fn failed(&self, turns: u64, slow: bool, bucket: u64, now: u64) -> Option<Arc<Transition>> {
        self.note_failure(slow);
        let may_trip = self.hot.may_trip(self.hot.rules(), || self.window.rates_at(bucket));
        if may_trip { self.judge_locked(turns, now) } else { None }
    }

    /// Beyond the window's counts.
    #[inline]
    fn note_failure(&self, slow: bool) {
        let rules = self.hot.rules();
        if rules.any(Rules::CONSECUTIVE) {
            let count = |failures: u32| Some(failures.saturating_add(1));
            let _ = self.busy.consecutive.fetch_update(Ordering::AcqRel, Ordering::Relaxed, count);
        }
        if rules.any(Rules::RING) {
            lock(&self.ring).push(true, slow);
        }
    }

    /// Closed, and going by itself.
    pub(crate) fn is_plainly_closed(&self) -> bool {
        self.hot.word().is_auto(State::Closed)
    }

    /// A fallback was asked in place of a call.
    pub fn fall_back(&self, now: Duration) {
        self.window.count(Kind::Fallbacks, nanos(now));
    }

    /// How long a call may take.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.hot.timeout().map(Duration::from_nanos)
    }

    pub(crate) fn timeout_nanos(&self) -> Option<u64> {
        self.hot.timeout()
    }
}

impl Outcome {
    /// Whether it counts against the callee.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(End::from(self), End::Bad(_))
    }
}

impl Ticket {
    /// One for nothing: no state has this number.
    pub(crate) const NONE: Self = Self::new(Word::NONE, 0);

    #[inline]
    const fn new(word: Word, began: u64) -> Self {
        Self { word, began, probe: None, plain: false, placed: false, observer: false }
    }

    /// The number of the state that it was given in.
    fn turns(&self) -> u64 {
        self.word.turns()
    }

    /// When the call was let through, in nanoseconds since the circuit was made.
    pub(crate) fn began(&self) -> u64 {
        self.began
    }
}
