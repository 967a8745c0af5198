//! Rules that are worth a name: what is usually asked for, ready-made.

use super::rule::{Abort, Calls, Connection, Delay, Phase, Ramp, Rule, Window};
use super::time::Time;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A named set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// No faults; every rule is switched off, those of the environment, too.
    Calm,
    /// Four in ten are answered 502 after the save.
    Flaky,
    /// Three in ten take 500 ms, give or take 100.
    Slow,
    /// All are answered 503.
    Outage,
    /// None is answered.
    Hang,
    /// Within 30 s it comes to eight in ten that are answered 503.
    Brownout,
    /// 5 s of 503, 12 s of peace, and so on.
    Flap,
    /// All are answered 503, then fewer and fewer, and after 30 s none.
    Recovering,
    /// Calls 8 to 14 take 1000 ms, the others 100 ms.
    SlowWindow,
}

impl Preset {
    pub(crate) const ALL: [Self; 9] = [
        Self::Calm,
        Self::Flaky,
        Self::Slow,
        Self::Outage,
        Self::Hang,
        Self::Brownout,
        Self::Flap,
        Self::Recovering,
        Self::SlowWindow,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Flaky => "flaky",
            Self::Slow => "slow",
            Self::Outage => "outage",
            Self::Hang => "hang",
            Self::Brownout => "brownout",
            Self::Flap => "flap",
            Self::Recovering => "recovering",
            Self::SlowWindow => "slow-window",
        }
    }

    /// What it does, in a few words.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Calm => "no faults: every rule is switched off, those of the environment too",
            Self::Flaky => "40 % are answered 502 after the save",
            Self::Slow => "30 % take 500 ms ± 100 ms",
            Self::Outage => "all are answered 503",
            Self::Hang => "none is answered",
            Self::Brownout => "from none to 80 % answered 503 within 30 s",
            Self::Flap => "5 s of 503, 12 s of peace, and again",
            Self::Recovering => "from all to none answered 503 within 30 s",
            Self::SlowWindow => "calls 8 to 14 take 1000 ms, the others 100 ms",
        }
    }

    /// What is told when it is applied.
    pub(crate) fn told(self) -> String {
        format!("preset {}: {}", self.name(), self.about())
    }

    /// Its rules.
    pub(crate) fn rules(self) -> Vec<Rule> {
        let rule = Rule::named(self.name());
        let unavailable = Rule { abort: Some(Abort::status(503)), ..rule.clone() };
        let delay = |millis| Delay { fixed_delay: Time::from_millis(millis), jitter: None };
        let half_a_minute = Time::from_millis(30_000);
        match self {
            Self::Calm => Vec::new(),
            Self::Flaky => {
                vec![Rule { phase: Phase::After, percentage: 40.0, abort: Some(Abort::status(502)), ..rule }]
            }
            Self::Slow => {
                let delay = Delay { jitter: Some(Time::from_millis(100)), ..delay(500) };
                vec![Rule { percentage: 30.0, delay: Some(delay), ..rule }]
            }
            Self::Outage => vec![unavailable],
            Self::Hang => vec![Rule { abort: Some(Abort::connection(Connection::Hang)), ..rule }],
            Self::Brownout => {
                let ramp = Ramp { to: 80.0, over: half_a_minute };
                vec![Rule { percentage: 0.0, ramp: Some(ramp), ..unavailable }]
            }
            Self::Flap => {
                let window = Window { on: Time::from_millis(5_000), off: Time::from_millis(12_000) };
                vec![Rule { window: Some(window), ..unavailable }]
            }
            Self::Recovering => {
                let ramp = Ramp { to: 0.0, over: half_a_minute };
                vec![Rule { ramp: Some(ramp), ..unavailable }]
            }
            // Delays add up.
            Self::SlowWindow => vec![
                Rule { delay: Some(delay(100)), ..rule },
                Rule {
                    delay: Some(delay(900)),
                    calls: Some(Calls { from: 8, to: Some(14) }),
                    ..Rule::named("slow-window-peak")
                },
            ],
        }
    }
}
