//! Lists from which one thing is drawn at most, in fortio's form: `502:40,503:5`.

use super::rule::is_failure;
use super::time::Time;
use crate::limits;
use std::fmt::{self, Display};

/// Things with their percentages, which come to at most 100.
#[derive(Debug, Clone, PartialEq)]
pub struct Draws<T>(Vec<(T, f64)>);

impl<T> Draws<T> {
    /// Each thing, the percentage points that belong to those before it, and its own.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (&T, f64, f64)> {
        self.0.iter().scan(0.0, |before, (thing, percentage)| {
            let from = *before;
            *before += percentage;
            Some((thing, from, *percentage))
        })
    }
}

impl<T: Display + PartialEq> Draws<T> {
    fn read(text: &str, thing: impl Fn(&str) -> Result<T, String>) -> Result<Self, String> {
        let mut draws = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (name, percentage) = match part.rsplit_once(':') {
                Some((name, percentage)) => (name, read_percentage(percentage)?),
                None => (part, 100.0),
            };
            let thing = thing(name.trim())?;
            if draws.iter().any(|(other, _)| *other == thing) {
                return Err(format!("{thing} is given more than once"));
            }
            draws.push((thing, percentage));
        }
        if draws.len() > limits::DRAWS {
            return Err(format!("expected a list of at most {}", limits::DRAWS));
        }
        let sum: f64 = draws.iter().map(|(_, percentage)| percentage).sum();
        if sum > 100.0 {
            return Err(format!("expected percentages that come to at most 100, not {sum}"));
        }
        Ok(Self(draws))
    }
}

fn read_percentage(text: &str) -> Result<f64, String> {
    let percentage = text.trim().parse().ok().filter(|percentage| (0.0..=100.0).contains(percentage));
    percentage.ok_or_else(|| format!("{text:?} is no percentage: expected a number from 0 to 100"))
}

impl Draws<u16> {
    /// Reads statuses.
    pub(crate) fn statuses(text: &str) -> Result<Self, String> {
        let expected = || "expected statuses from 400 to 599 with percentages, like 502:40,503:5".to_owned();
        Self::read(text, |status| {
            status.parse().ok().filter(|status| is_failure(*status)).ok_or_else(expected)
        })
    }
}

impl Draws<Time> {
    /// Reads delays.
    pub(crate) fn delays(text: &str) -> Result<Self, String> {
        let longest = limits::FAULT_TIME;
        Self::read(text, |time| match time.parse::<Time>() {
            Ok(time) if !time.get().is_zero() && time.get() <= longest => Ok(time),
            _ => Err(format!(
                "expected times of at most {} s with percentages, like 500ms:20,2s:5",
                longest.as_secs()
            )),
        })
    }
}

impl<T: Display> Display for Draws<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (thing, percentage)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{thing}:{percentage}")?;
        }
        Ok(())
    }
}
