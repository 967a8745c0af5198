//! What is to be handed on: the second half of a store.
//!
//! A hand-over is recorded with its document and forgotten when the next service has taken it. In between it may be
//! tried by anyone who claims it, on any instance. A claim is a lease: when it has run out, another may try. Two may
//! come to try the same thing, one of them late; that does no harm, for the next service knows the hand-over by its key.

use super::{Pending, Saved, StoreError, StoredTrace};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fmt::Display;
use uuid::Uuid;

/// Keeps what is to be handed on. A store that has no methods of its own for it says so at each.
pub trait Outbox {
    /// How a try ended. Done when that was taken in: it is written with others, before anything that is asked for after
    /// it. It may be lost with the process or not be written (`unnoted`); then it is found out again by the next try.
    fn settle(&self, _key: Uuid, _end: End) -> Pending<'_, ()> {
        keeps_none()
    }

    /// How many ends that were taken in could not be written, since the store was opened.
    fn unnoted(&self) -> u64 {
        0
    }

    /// Takes the oldest of those that are due, at most `limit`; until the lease is over nobody else gets them.
    fn claim(&self, _now: Timestamp, _lease: Timestamp, _limit: u32) -> Pending<'_, Vec<Claimed>> {
        keeps_none()
    }

    /// Those that wait or were set aside, oldest first, from the one after a key on; at most `limit`.
    fn queued(&self, _which: Option<Place>, _limit: u32, _after: Option<Uuid>) -> Pending<'_, Vec<Queued>> {
        keeps_none()
    }

    /// How many there are.
    fn backlog(&self, _now: Timestamp) -> Pending<'_, Backlog> {
        keeps_none()
    }

    /// Has one tried again at once. False where there is none.
    fn retry(&self, _key: Uuid, _now: Timestamp) -> Pending<'_, bool> {
        keeps_none()
    }

    /// Forgets one. Where its request bore a key, repetitions are answered with `end`, which is JSON. False where there is none.
    fn discard(&self, _key: Uuid, _end: String) -> Pending<'_, bool> {
        keeps_none()
    }

    /// Forgets keys of requests that have expired, some at a time, and tells how many. Sees to it that the store is
    /// prepared for all of this.
    fn sweep(&self, _now: Timestamp) -> Pending<'_, u32> {
        keeps_none()
    }
}

fn keeps_none<T: Send + 'static>() -> Pending<'static, T> {
    Box::pin(async { Err(StoreError::new("this store keeps nothing that is to be handed on")) })
}

/// How a try to hand something on ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// It was taken. What is known of it, as JSON, is kept where its request bore a key, for those who ask again.
    Taken(Option<String>),
    /// It was not, and is to be tried again.
    Missed {
        /// How often it was tried so far.
        attempts: u32,
        /// When it may be tried next.
        due: Timestamp,
        /// Why not.
        error: Value,
    },
    /// It never will be.
    Refused {
        /// How often it was tried so far.
        attempts: u32,
        /// Why not.
        error: Value,
    },
}

/// Why a hand-over is set aside of whose document somebody has made something that is none of ours.
pub(super) fn unreadable(error: &impl Display) -> Value {
    json!({ "code": "EDOCUMENT", "message": format!("the document cannot be read: {error}") })
}

/// What was claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The document.
    pub saved: Saved,
    /// The number of the hop that brought it.
    pub hop: u32,
    /// How often it was tried before.
    pub attempts: u32,
    /// Whether its request bore a key.
    pub keyed: bool,
    /// Where in its trace it was taken. None where that was not noted.
    pub trace: Option<StoredTrace>,
}

/// Where in the queue something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is to be delivered.
    Waiting,
    /// It is left until somebody looks at it.
    SetAside,
}

impl Place {
    /// A word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::SetAside => "set_aside",
        }
    }
}

impl std::str::FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Waiting, Self::SetAside].into_iter().find(|place| place.name() == text).ok_or(())
    }
}

/// Something in the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Queued {
    /// The key of its document.
    pub key: Uuid,
    /// Where it is.
    pub place: Place,
    /// How often it was tried. 0: its own request is about to, or never came to it.
    pub attempts: u32,
    /// When it may be tried next.
    pub due: Timestamp,
    /// Why it was not taken.
    pub error: Option<Value>,
}

/// How much is in the queue. What its own request is about to hand on does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// What is to be delivered.
    pub waiting: u64,
    /// The oldest of it.
    pub oldest: Option<Uuid>,
    /// What was set aside.
    pub set_aside: u64,
}
