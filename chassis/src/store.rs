//! Where documents are kept.
//!
//! A store acknowledges nothing that is not on disk. It may be away: then its answers are errors, and it is asked again
//! with the next request. Who asks sets the time limit; a store goes on with what it has begun when nobody waits for it
//! any more.
//!
//! A store also keeps what is to be handed on, and by which keys requests are known: [`Outbox`].

mod entry;
mod mongo;
mod outbox;
mod sqlite;

use crate::wall::At;
use jiff::Timestamp;
use serde::ser::{self, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use uuid::Uuid;

pub use entry::{Entry, HandOver, Inserted, Known, RequestKey, Standing, StoredTrace};
pub use mongo::MongoStore;
pub use outbox::{Backlog, Claimed, End, Outbox, Place, Queued};
pub use sqlite::{OpenError, SqliteStore};

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Ours, not the client's: several documents may bear the same `id`. Sorts in the order of time.
    pub key: Uuid,
    /// When it was taken, to the millisecond.
    pub created_at: Timestamp,
    /// What the client sent.
    pub document: Map<String, Value>,
}

impl Saved {
    /// A record that is about to be kept, with a new key.
    ///
    /// # Errors
    ///
    /// Where it does not serialize as a JSON object.
    pub fn new<R: Serialize>(record: &R) -> Result<Self, serde_json::Error> {
        let Value::Object(document) = serde_json::to_value(record)? else {
            return Err(ser::Error::custom("it is no object"));
        };
        let (key, created_at) = crate::wall::new_key();
        Ok(Self { key, created_at, document })
    }

    /// The members that clients are shown: those of the document, its key and its time.
    ///
    /// # Errors
    ///
    /// Where they cannot be written.
    pub(crate) fn write<M: SerializeMap>(&self, members: &mut M) -> Result<(), M::Error> {
        for (name, value) in self.document.iter().filter(|(name, _)| !OURS.contains(&&***name)) {
            members.serialize_entry(name, value)?;
        }
        members.serialize_entry(OURS[0], self.key.hyphenated().encode_lower(&mut Uuid::encode_buffer()))?;
        members.serialize_entry(OURS[1], &At(self.created_at))
    }
}

/// As clients are shown it.
impl Serialize for Saved {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        self.write(&mut members)?;
        members.end()
    }
}

/// What a document is shown with.
const OURS: [&str; 2] = ["key", "created_at"];

/// A part of what is kept, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The documents.
    pub documents: Vec<Saved>,
    /// Whether there may be more before the last of them.
    pub more: bool,
}

/// What a store is doing.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps the documents of one service.
pub trait Store: Outbox + fmt::Debug + Send + Sync + 'static {
    /// Keeps a document, unless its request is known. Done when it is on disk.
    fn insert(&self, entry: Arc<Entry>) -> Pending<'_, Inserted>;

    /// The document with this key.
    fn get(&self, key: Uuid) -> Pending<'_, Option<Saved>>;

    /// The newest documents, or the newest of those before a key; at most `limit`, and fewer where they are large.
    fn list(&self, limit: u32, before: Option<Uuid>) -> Pending<'_, Page>;

    /// Whether a document could be kept now.
    fn ping(&self) -> Pending<'_, ()>;

    /// Finishes what was begun and lets go of everything.
    fn close(&self) -> Pending<'_, ()>;
}

/// Why a store did not do what it was asked to. For the log.
#[derive(Debug, Clone)]
pub struct StoreError(Arc<dyn Error + Send + Sync>);

impl StoreError {
    pub(crate) fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into().into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
