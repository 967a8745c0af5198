//! What `PUT /circuit` may ask for, and how it is done and told.

use super::Circuit;
use crate::millis::Millis;
use crate::object;
use crate::problem::Problem;
use breaker::{Mode, Threshold, Trip};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::sync::PoisonError;
use std::time::Duration;

/// The largest number that the settings of a service take.
const MOST: u32 = u32::MAX;

/// What is to be changed. What is not named stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with mode, settings, or both")]
pub(super) struct Change {
    mode: Option<Wanted>,
    #[serde(default, deserialize_with = "object::only")]
    settings: Settings,
}

/// The modes under short names, and under those that `GET /circuit` has.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Wanted {
    #[serde(alias = "forced-open")]
    Open,
    #[serde(alias = "forced-closed")]
    Closed,
    Auto,
    Disabled,
    MetricsOnly,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    #[serde(deserialize_with = "time_or_none")]
    timeout_ms: Option<Option<Duration>>,
    #[serde(deserialize_with = "percent")]
    error_threshold: Option<f64>,
    #[serde(deserialize_with = "time")]
    reset_ms: Option<Duration>,
    #[serde(deserialize_with = "volume")]
    volume: Option<u64>,
    #[serde(deserialize_with = "capacity")]
    capacity: Option<Option<u32>>,
}

impl Circuit {
    /// Changes what is asked for, all of it or nothing. Answers with a sentence that says what was changed, if anything.
    pub(super) fn change(&self, wanted: &Change) -> Result<Option<String>, Problem> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.breaker.settings();
        let after = wanted.settings.over(&before);
        let mut told = differences(&before, &after);
        if *before != after {
            self.breaker.update(after).map_err(|error| Problem::field("settings", error))?;
        }
        if let Some(mode) = wanted.mode.map(Wanted::mode) {
            let before = self.breaker.mode();
            if mode != before {
                told.push(format!("mode {before} → {mode}"));
                self.breaker.set_mode(mode);
            }
        }
        Ok((!told.is_empty()).then(|| format!("circuit {}: {}", self.breaker.name(), told.join(", "))))
    }
}

impl Wanted {
    fn mode(self) -> Mode {
        match self {
            Self::Open => Mode::ForcedOpen,
            Self::Closed => Mode::ForcedClosed,
            Self::Auto => Mode::Auto,
            Self::Disabled => Mode::Disabled,
            Self::MetricsOnly => Mode::MetricsOnly,
        }
    }
}

impl Settings {
    fn over(&self, before: &breaker::Settings) -> breaker::Settings {
        let mut after = before.clone();
        after.timeout = self.timeout_ms.unwrap_or(after.timeout);
        if let Some(percent) = self.error_threshold {
            after.trip = Trip::Errors(Threshold::Above(percent));
        }
        after.reset = self.reset_ms.unwrap_or(after.reset);
        after.volume = self.volume.unwrap_or(after.volume);
        after.capacity = self.capacity.unwrap_or(after.capacity);
        after
    }
}

/// What is told of a change, in the names of the settings.
fn differences(before: &breaker::Settings, after: &breaker::Settings) -> Vec<String> {
    let list = |settings: &breaker::Settings| {
        let millis = |time| Millis(time).to_string();
        let none = || "none".to_owned();
        [
            ("timeout_ms", settings.timeout.map_or_else(none, millis)),
            ("error_threshold", super::view::threshold(&settings.trip).to_string()),
            ("reset_ms", millis(settings.reset)),
            ("volume", settings.volume.to_string()),
            ("capacity", settings.capacity.map_or_else(none, |capacity| capacity.to_string())),
        ]
    };
    let pairs = list(before).into_iter().zip(list(after));
    pairs
        .filter(|((_, before), (_, after))| before != after)
        .map(|((name, before), (_, after))| format!("{name} {before} → {after}"))
        .collect()
}

fn time_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Duration>>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(Some(None)),
        value => match millis(&value) {
            Some(time) => Ok(Some(Some(time))),
            None => Err(wrong(&value, format_args!("milliseconds from 1 to {MOST}, or null for no limit"))),
        },
    }
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let value = Value::deserialize(from)?;
    let expected = format_args!("milliseconds from 1 to {MOST}");
    millis(&value).map(Some).ok_or_else(|| wrong(&value, expected))
}

fn percent<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let value = Value::deserialize(from)?;
    let percent = value.as_f64().filter(|percent| (0.0..=100.0).contains(percent));
    percent.map(Some).ok_or_else(|| wrong(&value, "a percentage from 0 to 100"))
}

fn volume<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(from)?;
    let volume = value.as_u64().filter(|volume| *volume <= u64::from(MOST));
    volume.map(Some).ok_or_else(|| wrong(&value, format_args!("a whole number from 0 to {MOST}")))
}

fn capacity<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<u32>>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(Some(None)),
        value => match value.as_u64().and_then(|capacity| u32::try_from(capacity).ok()) {
            Some(capacity) if capacity > 0 => Ok(Some(Some(capacity))),
            _ => Err(wrong(&value, format_args!("a whole number from 1 to {MOST}, or null for no limit"))),
        },
    }
}

fn millis(value: &Value) -> Option<Duration> {
    let millis = value.as_f64().filter(|millis| (1.0..=f64::from(MOST)).contains(millis))?;
    Duration::try_from_secs_f64(millis / 1_000.0).ok()
}

fn wrong<E: Error>(value: &Value, expected: impl std::fmt::Display) -> E {
    E::custom(format_args!("expected {expected}, not {value}"))
}
