//! How often each rule has struck since the start, by kind. Kept when a rule goes, since a counter never falls.

use super::rule::{Connection, Rule};
use crate::limits;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What can be done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Delay,
    Abort,
    Reset,
    Close,
    Hang,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Abort => "abort",
            Self::Reset => "reset",
            Self::Close => "close",
            Self::Hang => "hang",
        }
    }

    /// The kinds of a rule.
    fn of(rule: &Rule) -> impl Iterator<Item = Self> {
        let abort = rule.abort.map(|abort| match abort.connection {
            None => Self::Abort,
            Some(Connection::Reset) => Self::Reset,
            Some(Connection::Close) => Self::Close,
            Some(Connection::Hang) => Self::Hang,
        });
        rule.delay.map(|_| Self::Delay).into_iter().chain(abort)
    }
}

/// Stands for rules whose names are too many.
const OTHERS: &str = "others";

#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<BTreeMap<(String, Kind), u64>>);

impl Counters {
    /// Shows what a rule may do, with 0 so far.
    pub(crate) fn announce(&self, rule: &Rule) {
        for kind in Kind::of(rule) {
            self.add(&rule.name, kind, 0);
        }
    }

    pub(crate) fn count(&self, rule: &str, kind: Kind) {
        self.add(rule, kind, 1);
    }

    /// All of them, by rule and kind.
    pub(crate) fn all(&self) -> Vec<(String, Kind, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|((rule, kind), count)| (rule.clone(), *kind, *count)).collect()
    }

    fn add(&self, rule: &str, kind: Kind, count: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = counts.len() >= limits::RULE_COUNTERS;
        let key = (rule.to_owned(), kind);
        let key = if full && !counts.contains_key(&key) { (OTHERS.to_owned(), kind) } else { key };
        *counts.entry(key).or_default() += count;
    }
}
