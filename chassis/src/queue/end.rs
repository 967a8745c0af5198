//! What becomes of a hand-over after a try: pure, told the time and a random number.

use super::Outcome;
use crate::hop::{Answer, Failure, Missed};
use crate::store::End;
use axum::http::StatusCode;
use breaker::{Backoff, CallError};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::borrow::Cow;
use std::time::Duration;

/// Before the second try; each further wait is up to twice as long.
const FIRST: Duration = Duration::from_millis(250);
const BACKOFF: Backoff = Backoff { factor: 2.0, ceiling: Duration::from_secs(30), jitter: 0.5 };
/// Longest answer that is kept with an error, for people to read.
const LONGEST: usize = 4 * 1024;

/// A try, and what there was before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Try {
    /// How often it was tried before.
    pub(crate) before: u32,
    /// Whether anyone can ask for the outcome.
    pub(crate) keyed: bool,
    /// The time.
    pub(crate) now: Timestamp,
    /// From 0 to 1.
    pub(crate) random: f64,
}

impl Try {
    /// The same, ended at another time.
    pub(crate) fn at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }

    /// How it ended, where this came of it.
    pub(crate) fn ended(self, result: &Result<Answer, Missed>) -> End {
        let missed = match result {
            Ok(answer) => return self.taken(|| Outcome::Answer(Cow::Borrowed(answer))),
            Err(missed) => missed,
        };
        let error = kept(missed.to_json());
        match Verdict::on(&missed.why) {
            Verdict::Taken => self.taken(|| Outcome::Error(Cow::Borrowed(&error))),
            Verdict::Never => End::Refused { attempts: self.before.saturating_add(1), error },
            // Nothing was sent, and the circuit says when it will be.
            Verdict::Refused => End::Missed { attempts: self.before.max(1), due: self.now, error },
            Verdict::Later => self.failed(error),
        }
    }

    /// How it ended, where the next service was not even asked.
    pub(crate) fn unasked(self, error: Value) -> End {
        End::Missed { attempts: self.before.max(1), due: self.now, error }
    }

    fn taken<'a>(self, outcome: impl FnOnce() -> Outcome<'a>) -> End {
        End::Taken(self.keyed.then(|| outcome().to_text()))
    }

    fn failed(self, error: Value) -> End {
        let wait = BACKOFF.wait(FIRST, self.before, self.random);
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO);
        let due = self.now.checked_add(wait).unwrap_or(self.now);
        End::Missed { attempts: self.before.saturating_add(1), due, error }
    }
}

/// What a failure means for the hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The next service has it, though its answer cannot be used.
    Taken,
    /// It does not want it, now or ever.
    Never,
    /// The circuit let nothing through.
    Refused,
    /// Nobody knows, or it may go better the next time.
    Later,
}

impl Verdict {
    fn on(why: &CallError<Failure>) -> Self {
        match why {
            CallError::Open { .. } | CallError::Full { .. } => Self::Refused,
            CallError::Failed(Failure::NoTime) => Self::Refused,
            CallError::Failed(Failure::Unreadable { .. }) => Self::Taken,
            CallError::Failed(failure @ Failure::Upstream { status, .. }) => match *status {
                // The same under the same key: it is being done.
                StatusCode::CONFLICT => Self::Later,
                _ if failure.is_callers_fault() => Self::Never,
                _ => Self::Later,
            },
            CallError::TimedOut { .. } | CallError::Failed(_) => Self::Later,
        }
    }
}

/// The error as it is kept: without what holds only for a moment, and not too long.
fn kept(mut error: Value) -> Value {
    if let Some(members) = error.as_object_mut() {
        members.remove("retry_after_ms");
        if members.get("response").is_some_and(|response| response.to_string().len() > LONGEST) {
            members.remove("response");
        }
    }
    error
}

#[cfg(test)]
mod tests;
