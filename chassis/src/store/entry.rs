//! What is kept with a document, in one write: the key of the request that brought it, and that it is to be handed on.
//!
//! One write, so that a crash can neither lose a hand-over nor forget a key.

use super::Saved;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// A document, and what is to be known of it afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The document.
    pub saved: Arc<Saved>,
    /// The number of the hop that brought it.
    pub hop: u32,
    /// The key of its request, where it bore one.
    pub request: Option<RequestKey>,
    /// Where it is to be handed on.
    pub hand_over: Option<HandOver>,
}

/// What is known of a hand-over before its first try.
#[derive(Debug, Clone, PartialEq)]
pub struct HandOver {
    /// When somebody else may do so than the request that brought the document.
    pub due: Timestamp,
    /// Why the first try will come to nothing, where that can be foreseen: it is written as made, so that nothing has to be
    /// written when it is.
    pub foreseen: Option<Value>,
    /// Where the document was taken, for the hand-over to be part of the same trace.
    pub trace: Option<StoredTrace>,
}

impl HandOver {
    /// How often it was tried, as it is written.
    pub(super) fn attempts(&self) -> u32 {
        u32::from(self.foreseen.is_some())
    }
}

/// A place in a trace, as the headers of W3C Trace Context have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTrace {
    /// The trace, and the span in the course of which something is handed on.
    pub traceparent: String,
    /// What others, and we, keep with the trace.
    pub tracestate: String,
}

/// The `Idempotency-Key` of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// The key. No two documents bear the same.
    pub key: String,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

impl From<Saved> for Entry {
    fn from(saved: Saved) -> Self {
        Self { saved: Arc::new(saved), hop: 0, request: None, hand_over: None }
    }
}

/// What became of an insert.
#[derive(Debug, Clone, PartialEq)]
pub enum Inserted {
    /// It is on disk.
    Kept,
    /// Nothing was written: a request with the same key has been here before.
    Known(Box<Known>),
}

/// A request that was taken before.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The document that it brought.
    pub saved: Saved,
    /// The number of its hop.
    pub hop: u32,
    /// How far it has come.
    pub standing: Standing,
}

/// How far the hand-over of a document has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// There is none, or none is recorded.
    None,
    /// It has not been taken yet.
    Waiting {
        /// How often it was tried. 0: by its own request, which has not told how that ended.
        attempts: u32,
        /// When it may be tried next.
        due: Timestamp,
        /// Why it was not taken.
        error: Option<Value>,
    },
    /// It can never be delivered as it is.
    SetAside(Value),
    /// It is over. What is known of its end is only kept for a request with a key.
    Over(Value),
}
