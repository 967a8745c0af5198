//! What listeners are told, under opossum's names and in opossum's order.
//!
//! The rules answer with what changed; the three functions at the end are the one place that says in which order that
//! is told.

use crate::circuit::{Entry, Outcome, Transition};
use crate::snapshot::{Snapshot, State};
use std::time::Duration;

/// Something that happened to a circuit.
///
/// An answer that is late is told as the answer that it is, and counts for nothing: see [`Breaker`](crate::Breaker).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Event<'a> {
    /// What happened.
    pub kind: EventKind,
    /// The circuit's name.
    pub circuit: &'a str,
    /// When, since the circuit was made.
    pub at: Duration,
    /// The circuit after the step that this is a part of: a call that trips it is told as `failure` and `open`, and both
    /// show it open. Where several threads use one circuit, [`Snapshot::turns`] tells which of two steps came first.
    pub snapshot: &'a Snapshot,
}

/// What can happen to a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A call was asked for.
    Fire,
    /// It was refused, the circuit not being closed.
    Reject,
    /// It took too long; [`Failure`](Self::Failure) follows.
    Timeout,
    /// It succeeded, or failed with an error that is not the callee's.
    Success,
    /// It failed.
    Failure,
    /// The fallback was asked in its place.
    Fallback,
    /// It was refused for want of a place; [`Failure`](Self::Failure) follows.
    SemaphoreLocked,
    /// The circuit opened.
    Open,
    /// The circuit half-opened.
    HalfOpen,
    /// The circuit closed.
    Close,
}

impl EventKind {
    /// opossum's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fire => "fire",
            Self::Reject => "reject",
            Self::Timeout => "timeout",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Fallback => "fallback",
            Self::SemaphoreLocked => "semaphoreLocked",
            Self::Open => "open",
            Self::HalfOpen => "halfOpen",
            Self::Close => "close",
        }
    }
}

/// Most events that one step can bring.
const MOST: usize = 4;

/// The events of one step; `None`s are skipped.
pub(crate) type Events = [Option<EventKind>; MOST];

pub(crate) fn turned(transition: Option<Transition>) -> Option<EventKind> {
    transition.map(|transition| match transition.to {
        State::Closed => EventKind::Close,
        State::Open => EventKind::Open,
        State::HalfOpen => EventKind::HalfOpen,
    })
}

pub(crate) fn entered(entry: &Entry) -> Events {
    use EventKind::{Failure, Fire, Reject, SemaphoreLocked};
    match entry {
        Entry::Admitted(_) | Entry::Bypassed => [Some(Fire), None, None, None],
        Entry::Refused { .. } => [Some(Fire), Some(Reject), None, None],
        Entry::Full { opened, .. } => [Some(Fire), Some(SemaphoreLocked), Some(Failure), turned(*opened)],
    }
}

/// A circuit closes before the success that closed it is told, and opens after the failure that opened it.
pub(crate) fn left(outcome: Outcome, transition: Option<Transition>) -> Events {
    use EventKind::{Failure, Success, Timeout};
    let turned = turned(transition);
    match outcome {
        Outcome::Success => [turned, Some(Success), None, None],
        Outcome::Failure => [Some(Failure), turned, None, None],
        Outcome::Timeout => [Some(Timeout), Some(Failure), turned, None],
        Outcome::Cancelled => [None; MOST],
    }
}
