//! What every call reads: the state in one word, and the settings that a call needs, on a cache line that is only
//! written when the circuit changes its state or is given other settings.

use crate::settings::{Judged, RateOf, Settings, Threshold, Trip, Window, nanos, share};
use crate::snapshot::{Mode, State};
use crate::sync::{AtomicU64, Ordering};
use crate::window::Rates;

#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Hot {
    word: AtomicU64,
    /// Open: until when.
    until: AtomicU64,
    rules: AtomicU64,
    /// Nanoseconds; the largest number for none.
    timeout: AtomicU64,
    /// From how many nanoseconds on a call is slow; the largest number for never.
    slow: AtomicU64,
    /// The plain rule: its figure in percent, as bits.
    percent: AtomicU64,
    volume: AtomicU64,
    /// Calls that may be under way; the largest number for no limit.
    capacity: AtomicU64,
    /// From how many calls under way on the rules are asked; the largest number for never.
    pile: AtomicU64,
}

/// The state: its number, the mode and which of the three it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(u64);

impl Word {
    /// No state has this number.
    pub(super) const NONE: Self = Self(u64::MAX);

    pub(super) fn new(turns: u64, mode: Mode, state: State) -> Self {
        Self((turns << 8) | ((mode as u64) << 2) | state as u64)
    }

    pub(super) fn turns(self) -> u64 {
        self.0 >> 8
    }

    /// Going by itself, and in this state.
    #[inline]
    pub(super) fn is_auto(self, state: State) -> bool {
        self.0 & 0xff == Self::new(0, Mode::Auto, state).0
    }

    #[inline]
    pub(super) fn is_closed(self) -> bool {
        self.0 & 0b11 == State::Closed as u64
    }
}

/// What there is to do for a call beyond counting it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules(u64);

impl Rules {
    /// The calls under way are counted as they come and go.
    pub(super) const COUNTED: u64 = 1;
    /// Failures in a row are counted.
    pub(super) const CONSECUTIVE: u64 = 1 << 1;
    /// The window is one of calls.
    pub(super) const RING: u64 = 1 << 2;
    /// Judged whenever a call ends.
    pub(super) const EVERY_END: u64 = 1 << 3;
    /// The only rule is an error rate over time: it can be judged without the lock.
    const PLAIN: u64 = 1 << 4;
    /// The plain rule's threshold is [`Threshold::Above`].
    const ABOVE: u64 = 1 << 5;
    /// The plain rule's rate is [`RateOf::Asked`].
    const OF_ASKED: u64 = 1 << 6;

    fn of(settings: &Settings) -> Self {
        let has = |wanted: fn(&Trip) -> bool| settings.trip.walk().any(wanted);
        let piles_up = settings.trip.pile_up().is_some();
        let plain =
            matches!(settings.trip, Trip::Errors(_)) && matches!(settings.window, Window::Time { .. });
        let rules = [
            (settings.capacity.is_some() || piles_up, Self::COUNTED),
            (has(|rule| matches!(rule, Trip::Consecutive(_))), Self::CONSECUTIVE),
            (matches!(settings.window, Window::Calls(_)), Self::RING),
            (settings.judged == Judged::OnEveryEnd, Self::EVERY_END),
            (plain, Self::PLAIN),
            (matches!(settings.trip, Trip::Errors(Threshold::Above(_))), Self::ABOVE),
            (settings.rate_of == RateOf::Asked, Self::OF_ASKED),
        ];
        Self(rules.into_iter().filter(|(holds, _)| *holds).map(|(_, rule)| rule).sum())
    }

    #[inline]
    pub(super) fn any(self, rules: u64) -> bool {
        self.0 & rules != 0
    }
}

impl Hot {
    pub(super) fn new(settings: &Settings) -> Self {
        let hot = Self {
            word: AtomicU64::new(Word::new(0, Mode::Auto, State::Closed).0),
            until: AtomicU64::new(0),
            rules: AtomicU64::new(0),
            timeout: AtomicU64::new(0),
            slow: AtomicU64::new(0),
            percent: AtomicU64::new(0),
            volume: AtomicU64::new(0),
            capacity: AtomicU64::new(0),
            pile: AtomicU64::new(0),
        };
        hot.set(settings);
        hot
    }

    pub(super) fn set(&self, settings: &Settings) {
        let percent = if let Trip::Errors(threshold) = settings.trip { threshold.percent() } else { 0.0 };
        self.timeout.store(settings.timeout.map_or(u64::MAX, nanos), Ordering::Relaxed);
        self.slow.store(settings.trip.slow_from().map_or(u64::MAX, nanos), Ordering::Relaxed);
        self.percent.store(percent.to_bits(), Ordering::Relaxed);
        self.volume.store(settings.volume, Ordering::Relaxed);
        self.capacity.store(settings.capacity.map_or(u64::MAX, u64::from), Ordering::Relaxed);
        self.pile.store(settings.trip.pile_up().map_or(u64::MAX, u64::from), Ordering::Relaxed);
        self.rules.store(Rules::of(settings).0, Ordering::Release);
    }

    pub(super) fn publish(&self, word: Word, until: u64) {
        // A reader who finds the circuit open finds the time of that opening, or of a later one.
        self.until.store(until, Ordering::Relaxed);
        self.word.store(word.0, Ordering::Release);
    }

    #[inline]
    pub(super) fn word(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    #[inline]
    pub(super) fn until(&self) -> u64 {
        self.until.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn rules(&self) -> Rules {
        Rules(self.rules.load(Ordering::Relaxed))
    }

    #[inline]
    pub(super) fn timeout(&self) -> Option<u64> {
        Some(self.timeout.load(Ordering::Relaxed)).filter(|nanos| *nanos != u64::MAX)
    }

    #[inline]
    pub(super) fn is_slow(&self, took: u64) -> bool {
        let slow = self.slow.load(Ordering::Relaxed);
        took >= slow && slow != u64::MAX
    }

    pub(super) fn capacity(&self) -> Option<u32> {
        u32::try_from(self.capacity.load(Ordering::Relaxed)).ok()
    }

    /// Whether one more call beside so many may be too much.
    pub(super) fn may_pile_up(&self, before: u32) -> bool {
        u64::from(before) >= self.pile.load(Ordering::Relaxed)
    }

    /// Whether these rates may open the circuit: surely not, where the only rule is a rate that is not reached.
    #[inline]
    pub(super) fn may_trip(&self, rules: Rules, rates: impl FnOnce() -> Rates) -> bool {
        if !rules.any(Rules::PLAIN) {
            return true;
        }
        let rates = rates();
        let calls = if rules.any(Rules::OF_ASKED) { rates.asked } else { rates.successes + rates.failures };
        let percent = f64::from_bits(self.percent.load(Ordering::Relaxed));
        let threshold =
            if rules.any(Rules::ABOVE) { Threshold::Above(percent) } else { Threshold::AtLeast(percent) };
        calls >= self.volume.load(Ordering::Relaxed) && threshold.is_passed_by(share(rates.failures, calls))
    }
}
