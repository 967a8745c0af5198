//! What is known of a hand-over that is over, as it is kept for those who ask again.

use crate::hop::Answer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use tracing::error;

/// How a hand-over ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome<'a> {
    /// The next service answered.
    Answer(Cow<'a, Answer>),
    /// It took it, but its answer says nothing; or somebody here has ended it.
    Error(Cow<'a, Value>),
}

impl Outcome<'_> {
    /// Somebody has dropped it by hand.
    pub(crate) fn dropped(next: &str) -> Self {
        let message = format!("what was to go to {next} was dropped by hand");
        Self::Error(Cow::Owned(json!({ "code": "EDROPPED", "message": message })))
    }

    /// As it is kept.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads one that was kept.
    pub(crate) fn of(kept: Value) -> Self {
        serde_json::from_value(kept).unwrap_or_else(|cause| {
            error!("what was kept of a hand-over cannot be read: {cause}");
            let message = "it was handed on; the answer is not known any more";
            Self::Error(Cow::Owned(json!({ "code": "EUPSTREAM", "message": message })))
        })
    }
}
