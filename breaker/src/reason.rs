//! Why a circuit changed its state: in figures for programs, in words for people.

use crate::settings::Threshold;
use crate::snapshot::State;
use std::fmt;
use std::time::Duration;

/// A change of state.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Transition {
    /// The state before.
    pub from: State,
    /// The state now.
    pub to: State,
    /// When, since the circuit was made.
    pub at: Duration,
    /// The number of the new state; see [`Status::turns`](crate::Status::turns).
    pub turns: u64,
    /// Why.
    pub reason: Reason,
    /// The last failures before an opening, oldest first, eight at most.
    pub failures: Vec<Failure>,
}

/// A failure, as the circuit remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// When, since the circuit was made, to the microsecond.
    pub at: Duration,
    /// How the call failed.
    pub kind: FailureKind,
}

/// How a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// With an error, or a result that counts as one.
    Error,
    /// It was given up for taking longer than it may.
    Timeout,
    /// It panicked.
    Panic,
    /// Its caller went away after the time-out's length.
    Abandoned,
    /// There was no place for it.
    Full,
}

/// Why a circuit changed its state.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// Too many calls failed: [`Trip::Errors`](crate::Trip::Errors).
    ErrorRate {
        /// The share of failures; infinite where calls from before the window failed in it.
        percent: f64,
        /// The failures in the window.
        failures: u64,
        /// What they are a part of.
        calls: u64,
        /// What was borne.
        threshold: Threshold,
    },
    /// Too many calls were slow: [`Trip::Slow`](crate::Trip::Slow).
    SlowRate {
        /// The share of slow calls.
        percent: f64,
        /// The slow calls in the window.
        slow: u64,
        /// The calls that ended in it.
        calls: u64,
        /// What is slow.
        than: Duration,
        /// What was borne.
        threshold: Threshold,
    },
    /// Too many failures in a row: [`Trip::Consecutive`](crate::Trip::Consecutive).
    Consecutive {
        /// How many.
        failures: u32,
    },
    /// Too many failures in the window: [`Trip::Failures`](crate::Trip::Failures).
    Failures {
        /// How many.
        failures: u64,
    },
    /// Too many calls under way: [`Trip::PileUp`](crate::Trip::PileUp).
    PileUp {
        /// How many.
        calls: u32,
    },
    /// Several of these at once: [`Trip::All`](crate::Trip::All).
    All(Vec<Reason>),
    /// The open time was over.
    ResetOver,
    /// The probes succeeded.
    ProbesPassed {
        /// How many.
        probes: u32,
    },
    /// A probe failed.
    ProbeFailed(FailureKind),
    /// A probe succeeded, but took too long.
    ProbeSlow {
        /// How long.
        took: Duration,
    },
    /// The probes were judged together, and failed.
    ProbesJudged(Box<Reason>),
    /// All calls came back without trouble.
    RampOver,
    /// While the calls came back, the circuit's rule fired.
    RampFailed(Box<Reason>),
    /// The circuit had been half-open for as long as it may.
    HalfOpenTooLong,
    /// Somebody asked for it.
    ByHand,
    /// A health check found the callee well, or not.
    HealthCheck,
    /// It was so when it was saved.
    Restored,
    /// Another instance that shares this circuit said so.
    Shared,
}

impl FailureKind {
    /// A word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Panic => "panic",
            Self::Abandoned => "abandoned",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ErrorRate { percent, failures, calls, threshold } => {
                write!(
                    f,
                    "{failures} of {calls} calls failed ({percent:.1} %), and the circuit opens {threshold}"
                )
            }
            Self::SlowRate { percent, slow, calls, than, threshold } => write!(
                f,
                "{slow} of {calls} calls took {than:?} or more ({percent:.1} %), and the circuit opens {threshold}"
            ),
            Self::Consecutive { failures } => write!(f, "{failures} calls in a row failed"),
            Self::Failures { failures } => write!(f, "{failures} calls failed within the window"),
            Self::PileUp { calls } => write!(f, "{calls} calls were under way at once"),
            Self::All(reasons) => {
                for (number, reason) in reasons.iter().enumerate() {
                    write!(f, "{}{reason}", if number == 0 { "" } else { "; and " })?;
                }
                Ok(())
            }
            Self::ResetOver => f.write_str("the open time was over"),
            Self::ProbesPassed { probes: 1 } => f.write_str("the probe succeeded"),
            Self::ProbesPassed { probes } => write!(f, "{probes} probes succeeded"),
            Self::ProbeFailed(kind) => write!(f, "the probe failed ({})", kind.name()),
            Self::ProbeSlow { took } => write!(f, "the probe succeeded, but took {took:?}"),
            Self::ProbesJudged(reason) => write!(f, "among the probes, {reason}"),
            Self::RampOver => f.write_str("all calls came back without trouble"),
            Self::RampFailed(reason) => write!(f, "while calls came back, {reason}"),
            Self::HalfOpenTooLong => f.write_str("it was half-open for as long as it may be"),
            Self::ByHand => f.write_str("by hand"),
            Self::HealthCheck => f.write_str("a health check said so"),
            Self::Restored => f.write_str("it was so when it was saved"),
            Self::Shared => f.write_str("another instance said so"),
        }
    }
}
