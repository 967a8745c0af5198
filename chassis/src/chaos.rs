//! Faults on purpose: requests that are held up, answered with an error, or not answered at all.
//!
//! Rules say which requests, how and when (`rule`, `matching`), and whether one strikes is judged without a clock or
//! chance of its own (`strike`). The rules in force are an immutable set (`set`) that is replaced at once by whoever
//! changes it. What strikes is done to the request here (`inject`), and is told: in the answer, in the log, in counters,
//! and to whoever listens.

pub(crate) mod api;
mod counters;
mod environment;
mod inject;
mod list;
mod matching;
mod presets;
mod rule;
mod set;
mod strike;
mod time;
mod view;
mod whole;

pub use environment::FaultError;
pub use list::Draws;
pub use presets::Preset;
pub use rule::Phase;
pub use time::Time;

pub(crate) use counters::Kind;
pub(crate) use environment::Environment;
pub(crate) use inject::{Ending, FAULT, Target};
pub(crate) use rule::Connection;
pub(crate) use view::View;

use crate::limits;
use crate::trace::TraceId;
use arc_swap::ArcSwap;
use counters::Counters;
use rule::{Rule, Wrong};
use set::{RuleSet, Slot};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use view::RuleView;

/// The faults of one service.
pub(crate) struct Chaos {
    service: &'static str,
    environment: Environment,
    set: ArcSwap<RuleSet>,
    /// Held by whoever changes the rules.
    changing: Mutex<()>,
    /// Those that are struck hold one.
    places: Semaphore,
    counters: Counters,
    stopping: CancellationToken,
    tell: Box<dyn Fn(Told<'_>) + Send + Sync>,
}

/// What is told to whoever listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told<'a> {
    /// A rule has struck.
    Fault {
        rule: &'a str,
        kind: Kind,
        status: Option<u16>,
        /// What was done, as the answer's header has it.
        mark: &'a str,
        trace: TraceId,
    },
    /// The rules have changed: a sentence that says how.
    Changed(&'a str),
}

/// Why rules are not changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Something is wrong with a field: of a rule, that with this index where it is one of a list.
    Wrong { index: Option<usize>, wrong: Wrong },
    /// There is no rule of this name.
    Absent,
    /// There are as many rules as may be.
    Full,
}

impl Chaos {
    /// `tell` is called in the midst of requests, so it has to be quick.
    pub(crate) fn new(
        service: &'static str,
        environment: Environment,
        tell: impl Fn(Told<'_>) + Send + Sync + 'static,
    ) -> Self {
        let counters = Counters::default();
        let of_presets = Preset::ALL.into_iter().flat_map(Preset::rules);
        environment.rules.iter().cloned().chain(of_presets).for_each(|rule| counters.announce(&rule));
        Self {
            service,
            set: ArcSwap::from_pointee(environment.set()),
            environment,
            changing: Mutex::default(),
            places: Semaphore::new(limits::FAULTS),
            counters,
            stopping: CancellationToken::new(),
            tell: Box::new(tell),
        }
    }

    /// The effective state.
    pub(crate) fn view(&self) -> View {
        View::of(self.service, &self.set.load())
    }

    /// Whether no rule could strike anything.
    pub(crate) fn is_idle(&self) -> bool {
        let set = self.set.load();
        !set.enabled || set.slots().iter().all(|slot| !slot.rule.enabled)
    }

    /// How often each rule has struck since the start, by kind; those that have not, too.
    pub(crate) fn injected(&self) -> Vec<(String, Kind, u64)> {
        self.counters.all()
    }

    /// Lets all go on who are held up, now and from now on: a service that stops does not wait for them.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    /// Puts a rule in force, in place of the one of the same name; true where there was none.
    fn put(&self, rule: Rule) -> Result<(bool, RuleView), Refused> {
        let rule = rule.check().map_err(|wrong| Refused::Wrong { index: None, wrong })?;
        let name = rule.name.clone();
        self.change(|set| {
            let old = set.find(&name);
            if old.is_none() && set.slots().len() >= limits::RULES {
                return Err(Refused::Full);
            }
            let rule = match old {
                Some(old) => rule.in_place_of(&old.rule),
                None => rule,
            };
            self.counters.announce(&rule);
            let slot = Slot::new(rule, old.is_some_and(|old| old.by_environment));
            let view = RuleView::of(&slot, set.enabled);
            let is_new = old.is_none();
            let others = set.slots().iter().filter(|other| other.rule.name != name).cloned();
            let slots = others.chain([slot]).collect();
            Ok((set.with(slots, None), (is_new, view), format!("rule {name} was set")))
        })
    }

    fn delete(&self, name: &str) -> Result<(), Refused> {
        self.change(|set| {
            if set.find(name).is_none() {
                return Err(Refused::Absent);
            }
            let slots = set.slots().iter().filter(|slot| slot.rule.name != name).cloned().collect();
            Ok((set.with(slots, None), (), format!("rule {name} was deleted")))
        })
    }

    /// Back to what the environment says.
    fn reset(&self) -> View {
        self.always(|_| (self.environment.set(), "the rules are those of the environment again".to_owned()))
    }

    /// Puts all rules in force, or none of them.
    fn switch(&self, enabled: bool) -> View {
        let text = if enabled { "rules are in force again" } else { "no rule is in force" };
        self.always(|set| (set.switched(enabled), text.to_owned()))
    }

    /// Puts the rules of a preset in place of all but those of the environment.
    fn apply(&self, preset: Preset) -> View {
        self.always(|set| (preset_on(set.slots(), preset), preset.told()))
    }

    fn always(&self, change: impl FnOnce(&RuleSet) -> (RuleSet, String)) -> View {
        let changed = self.change(|set| {
            let (new, text) = change(set);
            let view = View::of(self.service, &new).with_presets();
            Ok::<_, std::convert::Infallible>((new, view, text))
        });
        changed.unwrap_or_else(|never| match never {})
    }

    /// Replaces the rules at once, one change after the other.
    fn change<T, E>(&self, change: impl FnOnce(&RuleSet) -> Result<(RuleSet, T, String), E>) -> Result<T, E> {
        let changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.set.load_full();
        let (new, outcome, text) = change(&old)?;
        let new = Arc::new(new);
        self.set.store(Arc::clone(&new));
        drop(changing);
        old.release_but(&new);
        (self.tell)(Told::Changed(&text));
        Ok(outcome)
    }
}

/// The rules of the environment as they are, and those of a preset, all in force; with `calm`, none.
fn preset_on(slots: &[Arc<Slot>], preset: Preset) -> RuleSet {
    let kept = slots.iter().filter(|slot| slot.by_environment).map(|slot| match preset {
        Preset::Calm => slot.switched(false),
        _ => Arc::clone(slot),
    });
    let rules = preset.rules().into_iter().map(|rule| Slot::new(rule, false));
    RuleSet::new(kept.chain(rules).collect(), Some(preset))
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos").field("set", &self.set.load()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
