//! How long the caller is going to wait, passed on from hop to hop.
//!
//! One header bears it, in milliseconds that are left, so that clocks need not agree. A service whose caller has given up
//! does no work; and it gives up the next service a little before its own caller gives up, so that it is the hop
//! beside the fault that tells of it, and not every hop before it too.

use crate::problem::Problem;
use axum::http::{HeaderMap, StatusCode};
use std::time::Duration;
use tokio::time::Instant;

/// Milliseconds that are left.
pub(crate) const DEADLINE: &str = "x-deadline-ms";

/// Digits that are read: beyond them lie more than a hundred days.
const MOST_DIGITS: usize = 10;
/// What is kept back of the time that is left, for our own answer to travel: a tenth, within these bounds.
const LEAST_KEPT: Duration = Duration::from_millis(5);
const MOST_KEPT: Duration = Duration::from_millis(100);

/// When the caller gives up, if it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// Reads it from a request that came `now`.
    pub(crate) fn of(headers: &HeaderMap, now: Instant) -> Result<Self, Problem> {
        let mut values = headers.get_all(DEADLINE).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return if headers.contains_key(DEADLINE) { Err(unreadable()) } else { Ok(Self(None)) };
        };
        let left = value.to_str().ok().and_then(parse).ok_or_else(unreadable)?;
        Ok(Self(now.checked_add(left)))
    }

    /// Whether the caller has given up.
    pub(crate) fn is_spent(self, now: Instant) -> bool {
        self.0.is_some_and(|end| end <= now)
    }

    /// The 504 for a caller that has.
    pub(crate) fn spent() -> Problem {
        let detail =
            format!("the time that {DEADLINE} gave is over: nothing was saved, and nothing was sent on");
        Problem::new(StatusCode::GATEWAY_TIMEOUT, detail)
    }

    /// How long the next service may take. Nothing where no answer of it could be handed back in time.
    pub(crate) fn for_next(self, now: Instant) -> Option<Duration> {
        let left = self.0?.saturating_duration_since(now);
        Some(left.saturating_sub((left / 10).clamp(LEAST_KEPT, MOST_KEPT)))
    }
}

fn parse(text: &str) -> Option<Duration> {
    let is_number = (1..=MOST_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok().map(Duration::from_millis) } else { None }
}

fn unreadable() -> Problem {
    let detail =
        format!("{DEADLINE} cannot be read: expected the milliseconds that are left, like 250, once");
    Problem::unreadable(detail)
}

#[cfg(test)]
mod tests;
