//! Why a call was not answered as it should.
//!
//! One type for all of it, so that a caller can `match` on the reason; what the call itself failed with is kept as it
//! was. Codes and messages are opossum's, for those who look for them in logs and answers.

use std::fmt;
use std::time::Duration;

/// Why [`Breaker::call`](crate::Breaker::call) has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError<E> {
    /// Refused: the circuit is open, or half-open with its probe under way. The call was not made.
    Open {
        /// How long until a call may be let through, at the latest.
        retry_after: Duration,
    },
    /// Refused: as many calls as may be are under way. The call was not made.
    Full {
        /// How many may be.
        capacity: u32,
    },
    /// Given up after the time-out. What it did before is unknown.
    TimedOut {
        /// The time-out.
        after: Duration,
    },
    /// The call's own error.
    Failed(E),
}

impl<E> CallError<E> {
    /// opossum's code for the breaker's own errors; `None` where the call itself failed.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Open { .. } => Some("EOPENBREAKER"),
            Self::Full { .. } => Some("ESEMLOCKED"),
            Self::TimedOut { .. } => Some("ETIMEDOUT"),
            Self::Failed(_) => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { .. } => f.write_str("Breaker is open"),
            Self::Full { .. } => f.write_str("Semaphore locked"),
            Self::TimedOut { after } => write!(f, "Timed out after {}ms", after.as_millis()),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for CallError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Open { .. } | Self::Full { .. } | Self::TimedOut { .. } => None,
        }
    }
}

/// Why there is no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The circuit is open, or half-open with its places taken.
    #[error("Breaker is open")]
    Open {
        /// How long until a call may be let through, at the latest.
        retry_after: Duration,
    },
    /// As many calls as may be are under way.
    #[error("Semaphore locked")]
    Full {
        /// How many may be.
        capacity: u32,
    },
}

impl<E> From<Refused> for CallError<E> {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Open { retry_after } => Self::Open { retry_after },
            Refused::Full { capacity } => Self::Full { capacity },
        }
    }
}
