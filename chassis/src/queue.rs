//! Orders that could not be handed on at once: remembered with their documents, and delivered when the next service is
//! there again.
//!
//! What is remembered lies in the store (its [`Outbox`](crate::store::Outbox)). Here is who decides what becomes of a try
//! ([`end`]), how fast is gone on ([`pace`]), who delivers ([`relay`]), what traces show of it ([`delivery`]) and
//! what people see of it ([`routes`]).

mod delivery;
pub(crate) mod end;
mod outcome;
mod pace;
mod relay;
pub(crate) mod routes;

pub(crate) use delivery::{Delivery, Witness};
pub(crate) use outcome::Outcome;
pub(crate) use relay::Relay;

use crate::store::Backlog;
use crate::wall;
use serde::{Serialize, Serializer};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What is known of the queue without asking the store: the relay keeps it, so that reading it costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    backlog: Mutex<Backlog>,
    delivered: AtomicU64,
    witness: Witness,
}

/// The queue in numbers, as `/queue`, `/circuit` and the events show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Figures {
    /// What is to be delivered.
    pub(crate) waiting: u64,
    /// For how long the oldest of it has waited.
    #[serde(rename = "oldest_ms", serialize_with = "whole_milliseconds")]
    pub(crate) oldest: Option<Duration>,
    /// What was set aside.
    pub(crate) set_aside: u64,
    /// What this process has delivered since it started, other than at the first try.
    pub(crate) delivered: u64,
}

impl Queue {
    /// `witness` is told of every late try.
    pub(crate) fn new(witness: Witness) -> Self {
        Self { witness, ..Self::default() }
    }

    /// How it was half a second ago.
    pub(crate) fn figures(&self) -> Figures {
        let backlog = *self.backlog.lock().unwrap_or_else(PoisonError::into_inner);
        self.figures_of(backlog)
    }

    /// The same of a backlog that was just read.
    pub(crate) fn figures_of(&self, backlog: Backlog) -> Figures {
        let Backlog { waiting, oldest, set_aside } = backlog;
        let oldest = oldest.and_then(wall::age);
        Figures { waiting, oldest, set_aside, delivered: self.delivered.load(Ordering::Relaxed) }
    }

    fn keep(&self, backlog: Backlog) {
        *self.backlog.lock().unwrap_or_else(PoisonError::into_inner) = backlog;
    }

    fn count_delivered(&self) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }
}

fn whole_milliseconds<S: Serializer>(age: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}
