//! A length of time as rules and settings write it: `500ms`, `2s`, `1m 30s`.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Longest time that can be written: no rule lasts longer than a day.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A length of time, from nothing to a day, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(Duration);

impl Time {
    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    pub(crate) fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no time: expected one like 500ms, 2s or 1m 30s");
        let time: SignedDuration = text.parse().map_err(|_| wrong())?;
        let time = Duration::try_from(time).map_err(|_| format!("{text:?} is less than nothing"))?;
        if time > LONGEST {
            return Err(format!("{text:?} is more than a day"));
        }
        if time.subsec_nanos() % 1_000 != 0 {
            return Err(format!("{text:?} is finer than a microsecond"));
        }
        Ok(Self(time))
    }
}

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.to_string()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.subsec_micros();
        match (self.0.as_secs(), micros) {
            // As people write them; what is longer or finer, in jiff's words.
            (seconds @ 0..60, 0) => write!(f, "{seconds}s"),
            (seconds @ 0..60, micros) if micros % 1_000 == 0 => {
                write!(f, "{}ms", seconds * 1_000 + u64::from(micros / 1_000))
            }
            _ => write!(f, "{:#}", SignedDuration::try_from(self.0).unwrap_or(SignedDuration::MAX)),
        }
    }
}
