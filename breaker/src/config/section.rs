//! A section of the tree that knows where it stands, so that every error says where.

use super::error::ConfigError;
use super::nearest::hint;
use super::time;
use super::tree::Node;
use std::collections::BTreeSet;
use std::time::Duration;

pub(super) struct Section<'a> {
    at: String,
    entries: &'a [(String, Node)],
}

/// What may stand in the place of a number or a time.
const NONE: &str = "none";

impl<'a> Section<'a> {
    pub(super) fn root(node: &'a Node) -> Result<Self, ConfigError> {
        Self::of(String::new(), node)
    }

    fn of(at: String, node: &'a Node) -> Result<Self, ConfigError> {
        let entries = match node {
            Node::Map(entries) => entries.as_slice(),
            Node::Nothing => &[],
            other => return Err(wrong(if at.is_empty() { "the file" } else { &at }, other, "a section")),
        };
        let mut seen = BTreeSet::new();
        match entries.iter().find(|(key, _)| !seen.insert(key.as_str())) {
            Some((key, _)) => Err(ConfigError::Twice { at: join(&at, key) }),
            None => Ok(Self { at, entries }),
        }
    }

    /// Where it stands, in the words of an error.
    pub(super) fn at(&self) -> &str {
        &self.at
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.node(key).is_some()
    }

    /// A section in this one; empty, if there is none.
    pub(super) fn section(&self, key: &str) -> Result<Section<'a>, ConfigError> {
        Self::of(join(&self.at, key), self.node(key).unwrap_or(&Node::Nothing))
    }

    /// Refuses keys that are not among these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ConfigError> {
        match self.entries.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            Some((key, _)) => Err(self.unknown(key, known)),
            None => Ok(()),
        }
    }

    /// The keys that are not among these, each of them a section; a value is a misspelt key.
    pub(super) fn sections_besides(&self, known: &[&str]) -> Result<Vec<&'a str>, ConfigError> {
        let others = self.entries.iter().filter(|(key, _)| !known.contains(&key.as_str()));
        others
            .map(|(key, node)| match node {
                Node::Map(_) => Ok(key.as_str()),
                // A service of which nothing is said, or a key whose value was forgotten.
                Node::Nothing if super::nearest::nearest(key, known).is_none() => Ok(key.as_str()),
                _ => Err(self.unknown(key, known)),
            })
            .collect()
    }

    /// All keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        self.value(key, "true or false", |node| match node {
            Node::Flag(flag) => Some(*flag),
            _ => None,
        })
    }

    pub(super) fn whole<N: TryFrom<u64>>(&self, key: &str) -> Result<Option<N>, ConfigError> {
        self.value(key, "a whole number that is not too large", whole)
    }

    /// A number, or `none`.
    pub(super) fn whole_or_none<N: TryFrom<u64>>(&self, key: &str) -> Result<Option<Option<N>>, ConfigError> {
        self.value(key, "a whole number that is not too large, or \"none\",", or_none(whole))
    }

    pub(super) fn millis(&self, key: &str) -> Result<Option<Duration>, ConfigError> {
        self.value(key, "a whole number of milliseconds above 0", |node| {
            whole(node).filter(|millis| *millis > 0).map(Duration::from_millis)
        })
    }

    pub(super) fn time(&self, key: &str) -> Result<Option<Duration>, ConfigError> {
        self.value(key, "a time above 0 with its unit, like \"300ms\", \"10s\" or \"1m30s\",", time)
    }

    /// A time, or `none`.
    pub(super) fn time_or_none(&self, key: &str) -> Result<Option<Option<Duration>>, ConfigError> {
        self.value(
            key,
            "a time above 0 with its unit, like \"300ms\", \"10s\" or \"1m30s\", or \"none\",",
            or_none(time),
        )
    }

    pub(super) fn percent(&self, key: &str) -> Result<Option<f64>, ConfigError> {
        self.value(key, "a percentage from 0 to 100", percent)
    }

    /// A percentage, or `none`.
    pub(super) fn percent_or_none(&self, key: &str) -> Result<Option<Option<f64>>, ConfigError> {
        self.value(key, "a percentage from 0 to 100, or \"none\",", or_none(percent))
    }

    /// A number, whole or not, or `none`.
    pub(super) fn number_or_none(&self, key: &str) -> Result<Option<Option<f64>>, ConfigError> {
        self.value(key, "a number, or \"none\",", or_none(number))
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        self.value(key, "a word", |node| match node {
            Node::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// One of some words, and what it stands for.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            wrong(&join(&self.at, key), &Node::Text(text.to_owned()), &format!("one of {}", words.join(", ")))
        })
    }

    /// The error for a value that is of the right kind and yet not right.
    pub(super) fn wrong(&self, key: &str, wanted: &str) -> ConfigError {
        wrong(&join(&self.at, key), self.node(key).unwrap_or(&Node::Nothing), wanted)
    }

    fn value<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&'a Node) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(node) = self.node(key) else { return Ok(None) };
        read(node).map(Some).ok_or_else(|| wrong(&join(&self.at, key), node, wanted))
    }

    fn node(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(found, _)| found == key).map(|(_, node)| node)
    }

    fn unknown(&self, key: &str, known: &[&str]) -> ConfigError {
        ConfigError::Unknown { at: join(&self.at, key), hint: hint(key, known) }
    }
}

fn whole<N: TryFrom<u64>>(node: &Node) -> Option<N> {
    if let Node::Whole(number) = node { N::try_from(*number).ok() } else { None }
}

fn time(node: &Node) -> Option<Duration> {
    if let Node::Text(text) = node { time::parse(text).filter(|time| !time.is_zero()) } else { None }
}

fn or_none<T>(read: impl Fn(&Node) -> Option<T>) -> impl Fn(&Node) -> Option<Option<T>> {
    move |node| match node {
        Node::Text(text) if text == NONE => Some(None),
        node => read(node).map(Some),
    }
}

fn wrong(at: &str, found: &Node, wanted: &str) -> ConfigError {
    ConfigError::Wrong { at: at.to_owned(), found: found.kind(), wanted: wanted.to_owned() }
}

/// A path, its parts as they would be written in TOML.
fn join(at: &str, key: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    let quoted = key.is_empty() || !key.chars().all(plain);
    let dot = if at.is_empty() { "" } else { "." };
    if quoted { format!("{at}{dot}{key:?}") } else { format!("{at}{dot}{key}") }
}

fn number(node: &Node) -> Option<f64> {
    match node {
        Node::Whole(number) => Some(*number as f64),
        Node::Number(number) => Some(*number),
        _ => None,
    }
}

fn percent(node: &Node) -> Option<f64> {
    let percent = match node {
        Node::Text(text) => text.strip_suffix('%')?.trim_end().parse().ok()?,
        node => number(node)?,
    };
    (0.0..=100.0).contains(&percent).then_some(percent)
}
