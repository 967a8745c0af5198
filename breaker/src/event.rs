//! What listeners are told, under opossum's names and in opossum's order.
//!
//! The rules answer with what changed; the functions at the end are the one place that says in which order that is told.

use crate::circuit::{Entry, Outcome};
use crate::reason::Transition;
use crate::snapshot::{State, Status};
use std::sync::Arc;
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
    /// show it open. Where several threads use one circuit, [`Status::turns`] tells which of two steps came first.
    pub status: &'a Status,
    /// Changes of state: which, and why.
    pub transition: Option<&'a Transition>,
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
    /// It was refused for want of a place; [`Failure`](Self::Failure) follows where that counts as one.
    SemaphoreLocked,
    /// The circuit opened.
    Open,
    /// The circuit half-opened.
    HalfOpen,
    /// The circuit closed.
    Close,
}

impl EventKind {
    /// The changes of state.
    pub const TRANSITIONS: [Self; 3] = [Self::Open, Self::HalfOpen, Self::Close];

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

/// One thing to tell, with the change of state that it is.
pub(crate) type Told = (EventKind, Option<Arc<Transition>>);

/// The events of one step; `None`s are skipped.
pub(crate) type Events = [Option<Told>; 4];

pub(crate) fn turned(transition: Option<Arc<Transition>>) -> Option<Told> {
    transition.map(|transition| {
        let kind = match transition.to {
            State::Closed => EventKind::Close,
            State::Open => EventKind::Open,
            State::HalfOpen => EventKind::HalfOpen,
        };
        (kind, Some(transition))
    })
}

/// `full_is_failure` says whether a call without a place counts as a failure.
pub(crate) fn entered(entry: &Entry, full_is_failure: impl FnOnce() -> bool) -> Events {
    use EventKind::{Failure, Fire, Reject, SemaphoreLocked};
    match entry {
        Entry::Admitted(_) | Entry::Bypassed => [simply(Fire), None, None, None],
        Entry::Refused { opened, .. } => [simply(Fire), turned(opened.clone()), simply(Reject), None],
        Entry::Full { opened, .. } => {
            let failure = full_is_failure().then_some((Failure, None));
            [simply(Fire), simply(SemaphoreLocked), failure, turned(opened.clone())]
        }
    }
}

/// A circuit closes before the success that closed it is told, and opens after the failure that opened it.
pub(crate) fn left(outcome: Outcome, transition: Option<Arc<Transition>>) -> Events {
    use EventKind::{Failure, Success, Timeout};
    let turned = turned(transition);
    match outcome {
        // A probe that took too long opens it.
        Outcome::Success => match turned {
            Some((EventKind::Open, _)) => [simply(Success), turned, None, None],
            _ => [turned, simply(Success), None, None],
        },
        Outcome::Failure | Outcome::Panicked | Outcome::Abandoned => [simply(Failure), turned, None, None],
        Outcome::Timeout => [simply(Timeout), simply(Failure), turned, None],
        Outcome::Cancelled | Outcome::Ignored => [turned, None, None, None],
    }
}

pub(crate) fn simply(kind: EventKind) -> Option<Told> {
    Some((kind, None))
}
