//! What a circuit looks like at one moment: plain numbers that nobody can change it through.

use crate::reason::Transition;
use crate::settings::{Settings, share};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The three states of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum State {
    /// Calls are let through and judged.
    Closed,
    /// Calls are refused.
    Open,
    /// Some calls are let through as probes; the others are refused.
    HalfOpen,
}

/// What a circuit may do with its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Mode {
    /// It goes by its state.
    #[default]
    Auto,
    /// It is bypassed: calls are made without time limit or judgement, and only counted as asked for.
    Disabled,
    /// It refuses every call, whatever its state, which stays.
    ForcedOpen,
    /// It lets every call through, under the time-out and the capacity, counts how they end, and never opens.
    ForcedClosed,
    /// It opens, half-opens and closes as ever, but refuses nothing: what it would have refused is counted as refused,
    /// made all the same, and says nothing about the callee. For trying settings out.
    MetricsOnly,
}

/// What was counted over the window.
///
/// A call counts in `fires` in the bucket of its start, and for the rest in the bucket of its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Counts {
    /// Calls asked for: also the refused ones, those given up by their callers, and those of a disabled breaker.
    pub fires: u64,
    /// Calls that succeeded, or failed with an error that is none of the callee's.
    pub successes: u64,
    /// Calls that failed, timed out, or were refused for want of a place (unless those are set to count for nothing).
    pub failures: u64,
    /// Calls that timed out; each is among the failures too.
    pub timeouts: u64,
    /// Calls refused because the circuit was not closed. No failures.
    pub rejects: u64,
    /// Calls for which the fallback was asked.
    pub fallbacks: u64,
    /// Calls refused for want of a place.
    pub semaphore_rejections: u64,
    /// Calls that were slow by the rules, whether they failed or not. Zero where there is no such rule.
    pub slow: u64,
}

/// What a circuit does just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The state, as the clock has it: an open circuit whose time is over is half-open, whether or not anyone called.
    pub state: State,
    /// Whether it goes by its state.
    pub mode: Mode,
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

/// A circuit at one moment, in full. Taking one changes nothing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// When it was taken, since the circuit was made.
    pub at: Duration,
    /// The state, as the clock has it: an open circuit whose time is over is half-open, whether or not anyone called.
    pub state: State,
    /// Whether it goes by its state.
    pub mode: Mode,
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
    /// The buckets of the window, oldest first, without the empty ones. Where the window is one of calls, those of the
    /// last 10 s.
    pub buckets: Vec<Bucket>,
    /// Failures in percent, of what [`Settings::rate_of`] says. Judged where it is above the threshold and the volume
    /// reached.
    pub error_rate: f64,
    /// How many calls the rate is taken of, to be compared with [`Settings::volume`].
    pub volume: u64,
    /// Failures in a row, where a rule asks for them.
    pub consecutive: u32,
    /// Probes under way.
    pub probes: u32,
    /// While calls come back, the share that is let through, in percent.
    pub ramp: Option<f64>,
    /// How long the calls took that ended in the window.
    pub latency: Latency,
    /// What was counted since the circuit was made.
    pub totals: Counts,
    /// The last change of state, and why.
    pub last: Option<Arc<Transition>>,
    /// What it goes by.
    pub settings: Arc<Settings>,
}

/// One part of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Bucket {
    /// When it began, since the circuit was made.
    pub begins: Duration,
    /// What was counted in it.
    pub counts: Counts,
}

/// How long calls took, whether they failed or not.
///
/// Times are kept in bins of a quarter of an octave, so a percentile is right to within an eighth, from 8 µs to a minute;
/// the shortest, the longest and the mean are exact.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Latency {
    /// The calls measured.
    pub calls: u64,
    /// Their mean. Zero where there are none.
    pub mean: Duration,
    pub(crate) percentiles: [Duration; PERCENTILES.len()],
}

/// The percentiles of a `hystrix.stream`, and of opossum.
pub(crate) const PERCENTILES: [f64; 9] = [0.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 100.0];

impl Latency {
    /// Percentiles and the times below which so many of the calls stayed: 0, 25, 50, 75, 90, 95, 99, 99.5 and 100.
    pub fn percentiles(&self) -> impl Iterator<Item = (f64, Duration)> {
        PERCENTILES.into_iter().zip(self.percentiles)
    }

    /// The time below which half of the calls stayed.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.percentiles[2]
    }

    /// The time below which 99 % of the calls stayed.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.percentiles[6]
    }
}

impl Counts {
    /// Failures in percent of all calls asked for, as opossum computes it: 0 where nothing was counted. Above 100, up
    /// to infinity, where calls that began before the window failed within it.
    #[must_use]
    pub fn error_rate(&self) -> f64 {
        share(self.failures, self.fires)
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
        self.slow += other.slow;
    }
}

impl Mode {
    /// A word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Disabled => "disabled",
            Self::ForcedOpen => "forced-open",
            Self::ForcedClosed => "forced-closed",
            Self::MetricsOnly => "metrics-only",
        }
    }
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

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
