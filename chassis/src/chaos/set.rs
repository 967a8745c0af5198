//! The rules in force: a list that is never changed, only replaced, so that nobody who uses it waits for one who changes
//! it. What changes with each request stands beside it, under a lock of its own that is held for a few numbers.

use super::matching::Asked;
use super::presets::Preset;
use super::rule::{Phase, Rule};
use super::strike::{Luck, May, Strike, Tally};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// All rules, in the order of their names.
#[derive(Debug, Clone)]
pub(crate) struct RuleSet {
    pub(crate) enabled: bool,
    /// The preset that they are those of.
    pub(crate) preset: Option<Preset>,
    slots: Vec<Arc<Slot>>,
}

/// A rule in force.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) rule: Rule,
    /// Whether the environment has set it.
    pub(crate) by_environment: bool,
    since: Instant,
    state: Arc<Mutex<State>>,
    /// Cancelled when the rule is in force no more: whoever is held up by it goes on.
    pub(crate) over: CancellationToken,
}

#[derive(Debug)]
struct State {
    tally: Tally,
    random: StdRng,
}

impl Slot {
    pub(crate) fn new(rule: Rule, by_environment: bool) -> Arc<Self> {
        let random = rule.seed.map_or_else(rand::make_rng, StdRng::seed_from_u64);
        Arc::new(Self {
            rule,
            by_environment,
            since: Instant::now(),
            state: Arc::new(Mutex::new(State { tally: Tally::default(), random })),
            over: CancellationToken::new(),
        })
    }

    /// The same, for those who come from now on.
    fn renewed(&self) -> Arc<Self> {
        self.switched(self.rule.enabled)
    }

    /// The same rule, in force or not, for those who come from now on. Its time and its counts go on.
    pub(crate) fn switched(&self, enabled: bool) -> Arc<Self> {
        Arc::new(Self {
            rule: Rule { enabled, ..self.rule.clone() },
            by_environment: self.by_environment,
            since: self.since,
            state: Arc::clone(&self.state),
            over: CancellationToken::new(),
        })
    }

    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).tally
    }

    /// `drawn` is what was drawn for a list that the rule belongs to.
    fn meet(&self, drawn: &mut [Option<f64>; 2], may: May) -> Option<Strike> {
        let age = self.age();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { tally, random } = &mut *state;
        let mut luck = Luck { percentage: random.random(), jitter: random.random() };
        if let Some(share) = self.rule.share {
            luck.percentage = *drawn[share.list as usize].get_or_insert(luck.percentage);
        }
        self.rule.meet(age, tally, luck, may)
    }
}

impl RuleSet {
    pub(crate) fn new(mut slots: Vec<Arc<Slot>>, preset: Option<Preset>) -> Self {
        slots.sort_by(|one, other| one.rule.name.cmp(&other.rule.name));
        Self { enabled: true, preset, slots }
    }

    pub(crate) fn slots(&self) -> &[Arc<Slot>] {
        &self.slots
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Slot>> {
        self.slots.iter().find(|slot| slot.rule.name == name)
    }

    /// The same with other rules.
    pub(crate) fn with(&self, slots: Vec<Arc<Slot>>, preset: Option<Preset>) -> Self {
        Self { enabled: self.enabled, ..Self::new(slots, preset) }
    }

    /// The same rules, in force or not; their counts go on.
    pub(crate) fn switched(&self, enabled: bool) -> Self {
        let slots = self.slots.iter().map(|slot| slot.renewed()).collect();
        Self { enabled, preset: self.preset, slots }
    }

    /// Lets those go on who are held up by rules that are not among `new`.
    pub(crate) fn release_but(&self, new: &Self) {
        for slot in &self.slots {
            if !new.slots.iter().any(|kept| Arc::ptr_eq(kept, slot)) {
                slot.over.cancel();
            }
        }
    }

    /// Whether a rule is about this request.
    pub(crate) fn concerns(&self, phase: Phase, asked: &Asked<'_>) -> bool {
        self.concerned(phase, asked).next().is_some()
    }

    fn concerned<'a>(&'a self, phase: Phase, asked: &'a Asked<'a>) -> impl Iterator<Item = &'a Arc<Slot>> {
        let slots = if self.enabled { &*self.slots } else { &[] };
        slots.iter().filter(move |slot| {
            let rule = &slot.rule;
            rule.enabled && rule.phase == phase && rule.matches.includes(asked)
        })
    }

    /// Asks every rule that is about this request, in the order of their names. Each may add a delay; only the first one
    /// that strikes with an abort does so. With `may_strike` false they only count.
    pub(crate) fn meet(&self, phase: Phase, asked: &Asked<'_>, may_strike: bool) -> Vec<(Arc<Slot>, Strike)> {
        let mut drawn = [None; 2];
        let mut may = May { delay: may_strike, abort: may_strike };
        let mut strikes = Vec::new();
        for slot in self.concerned(phase, asked) {
            if let Some(strike) = slot.meet(&mut drawn, may) {
                may.abort &= strike.abort.is_none();
                strikes.push((Arc::clone(slot), strike));
            }
        }
        strikes
    }
}
