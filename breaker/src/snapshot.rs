//! What a circuit looks like at one moment: plain numbers that nobody can change it through.

use std::fmt;
use std::time::Duration;

/// The three states of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls are let through and judged.
    Closed,
    /// Calls are refused.
    Open,
    /// One call is let through as a probe; the others are refused until it has answered.
    HalfOpen,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        })
    }
}

/// What was counted over the window.
///
/// A call counts in `fires` in the bucket of its start, and for the rest in the bucket of its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Calls asked for: also the refused ones, those given up by their callers, and those of a disabled breaker.
    pub fires: u64,
    /// Calls that succeeded, or failed with an error that is none of the callee's.
    pub successes: u64,
    /// Calls that failed, timed out, or were refused for want of a place.
    pub failures: u64,
    /// Calls that timed out; each is among the failures too.
    pub timeouts: u64,
    /// Calls refused because the circuit was not closed. No failures.
    pub rejects: u64,
    /// Calls for which the fallback was asked.
    pub fallbacks: u64,
    /// Calls refused for want of a place; each is among the failures too.
    pub semaphore_rejections: u64,
}

impl Counts {
    /// Failures in percent of all calls asked for, as opossum computes it: 0 where nothing was counted. Above 100, up
    /// to infinity, where calls that began before the window failed within it.
    #[must_use]
    pub fn error_rate(&self) -> f64 {
        if self.failures == 0 {
            return 0.0;
        }
        // The order of the operations is opossum's: another rounds differently, just where the threshold lies.
        self.failures as f64 / self.fires as f64 * 100.0
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.fires += other.fires;
        self.successes += other.successes;
        self.failures += other.failures;
        self.timeouts += other.timeouts;
        self.rejects += other.rejects;
        self.fallbacks += other.fallbacks;
        self.semaphore_rejections += other.semaphore_rejections;
    }
}

/// A circuit at one moment. Taking one changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The state, as the clock has it: an open circuit whose time is over is half-open, whether or not anyone called.
    pub state: State,
    /// False while the circuit is bypassed.
    pub enabled: bool,
    /// When the state was reached, since the circuit was made.
    pub since: Duration,
    /// The number of the state: it grows with every change, and so orders what several threads report.
    pub turns: u64,
    /// Open circuits: how long until a probe may go through.
    pub probe_in: Option<Duration>,
    /// What was counted over the window.
    pub counts: Counts,
    /// Calls under way that were let through; those made while it was bypassed are not among them.
    pub in_flight: u32,
}
