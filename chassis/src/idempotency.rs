//! The `Idempotency-Key` of a request: the same request, sent again, is taken once.
//!
//! The key is kept with the document, in one write, so a crash between the two cannot be. What is answered to a
//! repetition is not kept as such: it is told from the record, the document and what is known of its hand-over, and so is
//! true at the time when it is asked for.
//!
//! After draft-ietf-httpapi-idempotency-key-header-07: a structured-field string; and, for those who do without the
//! quotes, the same bare.

use crate::problem::Problem;
use axum::http::{HeaderMap, StatusCode};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Names a request.
pub(crate) const KEY: &str = "idempotency-key";
/// Marks the answer to a repetition.
pub(crate) const REPLAYED: &str = "idempotency-replayed";

/// Longest key.
const LONGEST: usize = 255;

/// Reads the key of a request, if it bears one.
pub(crate) fn of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(KEY).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let key = value.to_str().ok().and_then(parse);
            key.map(Some).ok_or_else(|| wrong("cannot be read"))
        }
        (Some(_), Some(_)) => Err(wrong("is given more than once")),
    }
}

/// The key under which a document is handed on: the same at every try, and of no other document.
pub(crate) fn of_hand_over(document: Uuid) -> String {
    Uuid::new_v5(&document, b"hand-over").to_string()
}

/// A key as it stands in a header.
pub(crate) fn quoted(key: &str) -> String {
    let mut text = String::with_capacity(key.len() + 2);
    text.push('"');
    for character in key.chars() {
        if matches!(character, '"' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
    text
}

/// Another body, or another count, under a key that was used.
pub(crate) fn reused() -> Problem {
    let detail = "this Idempotency-Key was used for a request with another body or count: take a new one";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

/// The first request with this key has no answer yet.
pub(crate) fn under_way() -> Problem {
    let detail = "a request with this Idempotency-Key is under way: ask again when it has been answered";
    Problem::new(StatusCode::CONFLICT, detail).retry_after(Duration::from_secs(1))
}

fn parse(text: &str) -> Option<String> {
    let text = text.trim_matches([' ', '\t']);
    let key = match text.strip_prefix('"') {
        Some(rest) => unquote(rest.strip_suffix('"')?)?,
        None if text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)) => {
            text.to_owned()
        }
        None => return None,
    };
    (1..=LONGEST).contains(&key.len()).then_some(key)
}

/// What stands between the quotes of a structured-field string.
fn unquote(text: &str) -> Option<String> {
    let mut key = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        key.push(match character {
            '\\' => characters.next().filter(|escaped| ['"', '\\'].contains(escaped))?,
            ' '..='~' if character != '"' => character,
            _ => return None,
        });
    }
    Some(key)
}

fn wrong(what: &str) -> Problem {
    let expected =
        format!("expected 1 to {LONGEST} printable ASCII characters in quotes, like \"8e03978e-40d5\"");
    Problem::unreadable(format!("Idempotency-Key {what}: {expected}"))
}

/// The keys of the requests that this process is about to answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderWay(Arc<Mutex<HashSet<String>>>);

/// Holds a key until its request is answered.
#[derive(Debug)]
pub(crate) struct Held {
    keys: UnderWay,
    key: String,
}

impl UnderWay {
    /// Takes a key, unless another request has it.
    pub(crate) fn hold(&self, key: &str) -> Result<Held, Problem> {
        let is_new = self.with(|keys| keys.insert(key.to_owned()));
        if is_new { Ok(Held { keys: self.clone(), key: key.to_owned() }) } else { Err(under_way()) }
    }

    fn with<T>(&self, change: impl FnOnce(&mut HashSet<String>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Held {
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keys.with(|keys| keys.remove(&self.key));
    }
}

#[cfg(test)]
mod tests;
