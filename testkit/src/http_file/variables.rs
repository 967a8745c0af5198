//! The `@name = value` lines of a `.http` file, and filling in `{{name}}`.
//!
//! A value is filled in when it is defined, from what stands above it, so there are no circles and the order on the
//! page is the order that counts.

use std::collections::{BTreeMap, BTreeSet};

use super::Line;

#[derive(Debug)]
pub(super) struct Variables {
    values: BTreeMap<String, String>,
    /// Values from outside: they win over the file's.
    given: BTreeMap<String, String>,
    /// Which of the given ones the file has not defined yet.
    unused: BTreeSet<String>,
}

impl Variables {
    pub(super) fn with(given: &[(&str, &str)]) -> Self {
        let given: BTreeMap<_, _> =
            given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { values: BTreeMap::new(), unused: given.keys().cloned().collect(), given }
    }

    /// Takes a definition, without its `@`.
    pub(super) fn define(&mut self, definition: &str, line: Line<'_>) {
        let Some((name, value)) = definition.split_once('=') else { line.fail("a definition without =") };
        let name = name.trim();
        if !is_name(name) {
            line.fail("a variable's name is of letters, digits, - and _");
        }
        let value = match self.given.get(name) {
            Some(given) => given.clone(),
            None => self.fill(value.trim(), line),
        };
        self.unused.remove(name);
        self.values.insert(name.to_owned(), value);
    }

    /// Whether the file defines it above.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The text with each `{{name}}` replaced.
    pub(super) fn fill(&self, text: &str, line: Line<'_>) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else { line.fail("{{ without }}") };
            let Some(value) = self.values.get(name.trim()) else {
                line.fail(&format!("{{{{{name}}}}} is not defined above"))
            };
            filled.push_str(before);
            filled.push_str(value);
            rest = after;
        }
        filled + rest
    }

    /// Panics where a value was given for a variable that the file does not define.
    pub(super) fn check(&self) {
        assert!(self.unused.is_empty(), "the .http file does not define {:?}", self.unused);
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
