//! The state itself, as it is changed under the lock: one change at a time, each with its reason.

use super::half_open::{HalfOpen, Verdict};
use super::hot::Word;
use crate::random;
use crate::reason::{Reason, Transition};
use crate::settings::{Settings, WarmUp, nanos};
use crate::snapshot::{Mode, State};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) settings: Arc<Settings>,
    pub(super) mode: Mode,
    pub(super) phase: Phase,
    pub(super) since: u64,
    pub(super) turns: u64,
    /// How often it opened since it was last closed.
    pub(super) openings: u32,
    chance: u64,
    pub(super) last: Option<Arc<Transition>>,
}

#[derive(Debug, Clone)]
pub(super) enum Phase {
    Closed,
    Open { until: u64 },
    HalfOpen(HalfOpen),
}

impl Phase {
    pub(super) fn state(&self) -> State {
        match self {
            Self::Closed => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen(_) => State::HalfOpen,
        }
    }
}

impl Machine {
    pub(super) fn new(settings: Arc<Settings>, seed: u64) -> Self {
        Self {
            settings,
            mode: Mode::Auto,
            phase: Phase::Closed,
            since: 0,
            turns: 0,
            openings: 0,
            chance: seed,
            last: None,
        }
    }

    pub(super) fn word(&self) -> Word {
        Word::new(self.turns, self.mode, self.phase.state())
    }

    /// What the clock makes of the state, and when.
    pub(super) fn due(&self) -> Option<(u64, Verdict)> {
        let due = match &self.phase {
            Phase::Closed => None,
            Phase::Open { until } => Some((*until, Verdict::HalfOpen)),
            Phase::HalfOpen(half_open) => half_open.due(&self.settings),
        };
        // The end of time does not come.
        due.filter(|(at, _)| *at != u64::MAX)
    }

    /// One change that the clock has made by now.
    pub(super) fn tick(&mut self, now: u64) -> Option<Arc<Transition>> {
        let (at, verdict) = self.due().filter(|(at, _)| *at <= now)?;
        match verdict {
            Verdict::Close(reason) => self.close(at, reason),
            Verdict::Open(reason) => self.open(at, reason),
            Verdict::HalfOpen => self.half_open(at, Reason::ResetOver),
            Verdict::Wait => None,
        }
    }

    /// As the clock will have it by now, if that is otherwise.
    pub(super) fn ahead(&self, now: u64) -> Option<Self> {
        self.due().filter(|(at, _)| *at <= now)?;
        let mut ahead = self.clone();
        while ahead.tick(now).is_some() {}
        Some(ahead)
    }

    /// Opens for the usual time.
    pub(super) fn open(&mut self, at: u64, reason: Reason) -> Option<Arc<Transition>> {
        if let Phase::Open { .. } = self.phase {
            return None;
        }
        let random = self.random();
        let until = at.saturating_add(self.settings.open_for(self.openings, random));
        self.openings = self.openings.saturating_add(1);
        Some(self.turn(Phase::Open { until }, at, reason))
    }

    pub(super) fn half_open(&mut self, at: u64, reason: Reason) -> Option<Arc<Transition>> {
        match self.phase {
            Phase::Open { .. } => Some(self.turn(Phase::HalfOpen(HalfOpen::default()), at, reason)),
            Phase::Closed | Phase::HalfOpen(_) => None,
        }
    }

    pub(super) fn close(&mut self, at: u64, reason: Reason) -> Option<Arc<Transition>> {
        if let Phase::Closed = self.phase {
            return None;
        }
        self.openings = 0;
        Some(self.turn(Phase::Closed, at, reason))
    }

    fn turn(&mut self, to: Phase, at: u64, reason: Reason) -> Arc<Transition> {
        let from = std::mem::replace(&mut self.phase, to).state();
        self.since = at;
        self.turns += 1;
        let transition = Arc::new(Transition {
            from,
            to: self.phase.state(),
            at: Duration::from_nanos(at),
            turns: self.turns,
            reason,
            failures: Vec::new(),
        });
        self.last = Some(Arc::clone(&transition));
        transition
    }

    /// Whether the answer of such a call still counts: a probe may have been given up.
    pub(super) fn holds(&self, probe: Option<NonZeroU64>) -> bool {
        match (&self.phase, probe) {
            (Phase::HalfOpen(half_open), Some(number)) => half_open.is_held_by(number),
            _ => true,
        }
    }

    pub(super) fn is_warming_up(&self, now: u64) -> bool {
        match self.settings.warm_up {
            WarmUp::Off => false,
            WarmUp::For(length) | WarmUp::AsOpossum(length) => now < nanos(length),
        }
    }

    /// See [`WarmUp::AsOpossum`].
    pub(super) fn loses_probes(&self, now: u64) -> bool {
        matches!(self.settings.warm_up, WarmUp::AsOpossum(length) if now < nanos(length))
    }

    /// From 0 to below 1.
    fn random(&mut self) -> f64 {
        self.chance = self.chance.wrapping_add(random::STEP);
        random::of(self.chance)
    }
}
