//! What the environment sets: the rules that a service starts with and goes back to.

use super::list::Draws;
use super::presets::Preset;
use super::rule::{Abort, Connection, Delay, List, Phase, Rule, Share};
use super::set::{RuleSet, Slot};
use super::time::Time;

/// The rules of the environment, and the preset that comes on top of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    pub(super) rules: Vec<Rule>,
    preset: Option<Preset>,
    phase: Phase,
    seed: Option<u64>,
}

/// Why what the environment sets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// Some delays would be less than nothing, or too long.
    #[error(
        "CHAOS_JITTER={jitter} does not go with CHAOS_DELAY={delays}: {why}; expected no more than the shortest delay"
    )]
    Jitter {
        /// The setting.
        jitter: Time,
        /// The delays.
        delays: Draws<Time>,
        /// What is wrong.
        why: String,
    },
    /// There is nothing to be given or taken.
    #[error("CHAOS_JITTER={0} is set, but CHAOS_DELAY is not: expected both, as in CHAOS_DELAY=500ms:20")]
    NoDelay(Time),
}

impl Environment {
    pub(crate) fn new(phase: Phase, preset: Option<Preset>, seed: Option<u64>) -> Self {
        Self { rules: Vec::new(), preset, phase, seed }
    }

    /// Some requests are answered 502 after the save: the original's fault.
    pub(crate) fn inject_err(&mut self, percentage: f64) {
        let abort = Some(Abort::status(502));
        let rule = Rule { phase: Phase::After, percentage, abort, ..Rule::named("inject-err") };
        self.add(rule);
    }

    pub(crate) fn aborts(&mut self, statuses: &Draws<u16>) {
        for (status, from, percentage) in statuses.shares() {
            let rule = Rule {
                abort: Some(Abort::status(*status)),
                share: Some(Share { list: List::Abort, from }),
                ..self.rule(&format!("env-abort-{status}"), percentage)
            };
            self.add(rule);
        }
    }

    pub(crate) fn delays(&mut self, delays: &Draws<Time>, jitter: Option<Time>) -> Result<(), FaultError> {
        for (time, from, percentage) in delays.shares() {
            let name = format!("env-delay-{time}").replace(' ', "");
            let rule = Rule {
                delay: Some(Delay { fixed_delay: *time, jitter }),
                share: Some(Share { list: List::Delay, from }),
                ..self.rule(&name, percentage)
            };
            let rule = rule.check().map_err(|wrong| FaultError::Jitter {
                jitter: jitter.unwrap_or(Time::from_millis(0)),
                delays: delays.clone(),
                why: format!("{} {}", wrong.field, wrong.sentence),
            })?;
            self.add(rule);
        }
        Ok(())
    }

    pub(crate) fn connection(&mut self, connection: Connection, percentage: f64) {
        let name = match connection {
            Connection::Reset => "env-reset",
            Connection::Close => "env-close",
            Connection::Hang => "env-hang",
        };
        let rule = Rule { abort: Some(Abort::connection(connection)), ..self.rule(name, percentage) };
        self.add(rule);
    }

    fn rule(&self, name: &str, percentage: f64) -> Rule {
        Rule { phase: self.phase, percentage, ..Rule::named(name) }
    }

    fn add(&mut self, rule: Rule) {
        self.rules.push(Rule { seed: self.seed, ..rule });
    }

    /// The rules that a service starts with.
    pub(super) fn set(&self) -> RuleSet {
        let seeded = |rule: Rule| Rule { seed: self.seed, ..rule };
        let preset = self.preset.map(Preset::rules).unwrap_or_default().into_iter().map(seeded);
        let calm = self.preset == Some(Preset::Calm);
        let own = self.rules.iter().map(|rule| Rule { enabled: rule.enabled && !calm, ..rule.clone() });
        let slots = own.map(|rule| Slot::new(rule, true)).chain(preset.map(|rule| Slot::new(rule, false)));
        RuleSet::new(slots.collect(), self.preset)
    }
}
