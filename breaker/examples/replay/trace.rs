//! The form of a trace: what is done to a breaker, and what it was seen to do. Names are opossum's.

use breaker::{Settings, State, Threshold, Trip, WarmUp, Window};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What to do; everything else on the line is left unread.
#[derive(Debug, Deserialize)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) options: Options,
    pub(crate) script: Vec<Step>,
}

/// opossum's options, with opossum's defaults.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Options {
    timeout: u64,
    error_threshold_percentage: f64,
    reset_timeout: u64,
    volume_threshold: u64,
    capacity: Option<u32>,
    allow_warm_up: bool,
    rolling_count_timeout: u64,
    rolling_count_buckets: u32,
    pub(crate) fallback: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: 10_000,
            error_threshold_percentage: 50.0,
            reset_timeout: 30_000,
            volume_threshold: 0,
            capacity: None,
            allow_warm_up: false,
            rolling_count_timeout: 10_000,
            rolling_count_buckets: 10,
            fallback: false,
        }
    }
}

impl Options {
    /// The same in our words. opossum cuts its buckets to whole milliseconds, and reads zero as no time-out.
    pub(crate) fn settings(&self) -> Settings {
        let buckets = self.rolling_count_buckets;
        let interval = self.rolling_count_timeout / u64::from(buckets.max(1));
        Settings {
            timeout: (self.timeout > 0).then_some(Duration::from_millis(self.timeout)),
            trip: Trip::Errors(Threshold::Above(self.error_threshold_percentage)),
            reset: Duration::from_millis(self.reset_timeout),
            window: Window::Time { length: Duration::from_millis(interval) * buckets, buckets },
            volume: self.volume_threshold,
            capacity: self.capacity,
            warm_up: if self.allow_warm_up {
                WarmUp::AsOpossum(Duration::from_millis(self.rolling_count_timeout))
            } else {
                WarmUp::Off
            },
            ..Settings::default()
        }
    }
}

/// One thing done, `at` milliseconds after the breaker was made.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Step {
    pub(crate) at: u64,
    #[serde(flatten)]
    pub(crate) op: Op,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
pub(crate) enum Op {
    Fire { call: u64, takes: u64, outcome: Ends },
    Open,
    Close,
    Enable,
    Disable,
    Check,
}

/// How the action of a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Ends {
    Ok,
    Error,
    /// An error that does not count.
    Filtered,
}

/// What was seen.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) events: Vec<Seen>,
    pub(crate) calls: Vec<Ended>,
    pub(crate) checks: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) at: u64,
    pub(crate) event: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) call: u64,
    pub(crate) at: u64,
    pub(crate) result: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Check {
    pub(crate) at: u64,
    pub(crate) state: String,
    pub(crate) enabled: bool,
    pub(crate) fires: u64,
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    pub(crate) timeouts: u64,
    pub(crate) rejects: u64,
    pub(crate) fallbacks: u64,
    pub(crate) semaphore_rejections: u64,
}

/// opossum's name of a state.
pub(crate) fn state_name(state: State) -> &'static str {
    match state {
        State::Closed => "closed",
        State::Open => "open",
        State::HalfOpen => "halfOpen",
    }
}
