//! `PUT /chaos`: all that is set in one call, done as a whole or not at all.
//!
//! Its body is what `GET /chaos` answers, so that what was there before can be put back. Of that, what only tells how
//! things are is left unread. A rule that stays as it was goes on: its time, its counts, those whom it holds up.

use super::presets::Preset;
use super::rule::{Rule, Wrong};
use super::set::{RuleSet, Slot};
use super::{Chaos, Refused, View, preset_on};
use crate::limits;
use crate::object;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::HashSet;
use std::sync::Arc;

/// What is asked for: rules, those of a preset, or rules that are known to be those of a preset.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with rules, preset or both")]
pub(crate) struct Whole {
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    preset: Option<Preset>,
    #[serde(default, deserialize_with = "object::list_or_none")]
    rules: Option<Vec<Rule>>,
    #[serde(default, rename = "service")]
    _service: IgnoredAny,
    #[serde(default, rename = "presets")]
    _presets: IgnoredAny,
}

fn yes() -> bool {
    true
}

impl Chaos {
    /// Puts a whole set in place of the one that is there.
    pub(super) fn replace(&self, whole: Whole) -> Result<View, Refused> {
        let Whole { enabled, preset, rules, .. } = whole;
        let rules = rules.map(checked).transpose()?;
        self.change(|old| {
            let (new, mut text) = match (rules, preset) {
                (Some(rules), preset) => of_rules(old, rules, preset)?,
                (None, Some(preset)) => (preset_on(old.slots(), preset), preset.told()),
                (None, None) => {
                    return Err(wrong("rules", "is missing, and so is preset: expected one of them"));
                }
            };
            new.slots().iter().for_each(|slot| self.counters.announce(&slot.rule));
            let new = if enabled { new } else { new.switched(false) };
            if !enabled {
                text.push_str("; none is in force");
            }
            let view = View::of(self.service, &new).with_presets();
            Ok((new, view, text))
        })
    }
}

/// Rules that are right each by itself, and together.
fn checked(rules: Vec<Rule>) -> Result<Vec<Rule>, Refused> {
    if rules.len() > limits::RULES {
        let sentence = format!("are {}: a service has at most {}", rules.len(), limits::RULES);
        return Err(wrong("rules", sentence));
    }
    let mut names = HashSet::new();
    let each = rules.into_iter().enumerate().map(|(index, rule)| {
        let of_list = |wrong| Refused::Wrong { index: Some(index), wrong };
        let rule = rule.check().map_err(of_list)?;
        if !names.insert(rule.name.clone()) {
            let sentence = format!("is {}, as is that of another: expected names that differ", rule.name);
            return Err(of_list(Wrong { field: "name", sentence }));
        }
        Ok(rule)
    });
    each.collect()
}

/// A set of these rules, and what is told of it.
fn of_rules(old: &RuleSet, rules: Vec<Rule>, preset: Option<Preset>) -> Result<(RuleSet, String), Refused> {
    let slots: Vec<_> = rules.into_iter().map(|rule| slot(old, rule)).collect();
    let new = RuleSet::new(slots, preset);
    if let Some(preset) = preset {
        if !is_of(preset, &new) {
            let sentence = format!("is {}, but the rules are not: leave one of them out", preset.name());
            return Err(wrong("preset", sentence));
        }
        return Ok((new, preset.told()));
    }
    let names: Vec<_> = new.slots().iter().map(|slot| &*slot.rule.name).collect();
    let text = match &*names {
        [] => "there are no rules".to_owned(),
        names => format!("the rules are {}", names.join(", ")),
    };
    Ok((new, text))
}

/// The rule in force; the one that is there, where nothing but whether it is enabled has changed.
fn slot(old: &RuleSet, rule: Rule) -> Arc<Slot> {
    let Some(old) = old.find(&rule.name) else { return Slot::new(rule, false) };
    let rule = rule.in_place_of(&old.rule);
    if rule == old.rule {
        return Arc::clone(old);
    }
    let enabled = rule.enabled;
    if (Rule { enabled: old.rule.enabled, ..rule.clone() }) == old.rule {
        return old.switched(enabled);
    }
    Slot::new(rule, old.by_environment)
}

/// Whether the rules are those that the preset makes, whatever their seed.
fn is_of(preset: Preset, set: &RuleSet) -> bool {
    let (of_environment, own): (Vec<_>, Vec<_>) = set.slots().iter().partition(|slot| slot.by_environment);
    let own: Vec<_> = own.into_iter().map(|slot| Rule { seed: None, ..slot.rule.clone() }).collect();
    let mut expected = preset.rules();
    expected.sort_by(|one, other| one.name.cmp(&other.name));
    own == expected && (preset != Preset::Calm || of_environment.iter().all(|slot| !slot.rule.enabled))
}

fn wrong(field: &'static str, sentence: impl Into<String>) -> Refused {
    Refused::Wrong { index: None, wrong: Wrong { field, sentence: sentence.into() } }
}
