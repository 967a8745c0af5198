//! What is told of the rules in force, as JSON.

use super::presets::Preset;
use super::rule::Rule;
use super::set::{RuleSet, Slot};
use serde::Serialize;

/// The effective state.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    service: &'static str,
    enabled: bool,
    preset: Option<Preset>,
    rules: Vec<RuleView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presets: Option<Vec<PresetView>>,
}

/// A rule as it was set, and how it is now.
#[derive(Debug, Serialize)]
pub(crate) struct RuleView {
    #[serde(flatten)]
    rule: Rule,
    now: Now,
}

#[derive(Debug, Serialize)]
struct Now {
    /// Whether the next request might be struck.
    active: bool,
    percentage: f64,
    /// Where it ends by itself.
    remaining_ms: Option<u64>,
    evaluated: u64,
    injected: u64,
}

#[derive(Debug, Serialize)]
struct PresetView {
    name: Preset,
    about: &'static str,
}

impl View {
    pub(crate) fn of(service: &'static str, set: &RuleSet) -> Self {
        Self {
            service,
            enabled: set.enabled,
            preset: set.preset,
            rules: set.slots().iter().map(|slot| RuleView::of(slot, set.enabled)).collect(),
            presets: None,
        }
    }

    /// With what there is to choose from.
    pub(crate) fn with_presets(self) -> Self {
        let presets = Preset::ALL.map(|name| PresetView { name, about: name.about() });
        Self { presets: Some(presets.into()), ..self }
    }
}

impl RuleView {
    /// `enabled`: whether any rule is in force.
    pub(crate) fn of(slot: &Slot, enabled: bool) -> Self {
        let (rule, age, tally) = (slot.rule.clone(), slot.age(), slot.tally());
        let now = Now {
            active: enabled && rule.is_active(age, tally),
            percentage: rule.percentage_at(age),
            remaining_ms: rule
                .remaining(age)
                .map(|remaining| u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX)),
            evaluated: tally.evaluated,
            injected: tally.injected,
        };
        Self { rule, now }
    }
}
