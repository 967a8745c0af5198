//! How a circuit heals: what is let through while it is half-open, and what closes it.

use std::time::Duration;

/// What happens while a circuit is half-open.
///
/// ```
/// use breaker::{ProbeVerdict, Probing, Ramp, Settings};
/// use std::time::Duration;
///
/// // Three good probes, at most two of them at once; then from 5 % of the calls to all of them within half a minute.
/// let probing = Probing {
///     at_once: 2,
///     verdict: ProbeVerdict::Successes(3),
///     ramp: Some(Ramp { from: 5.0, over: Duration::from_secs(30) }),
///     ..Probing::default()
/// };
/// # assert!(Settings { probing, ..Settings::default() }.check().is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probing {
    /// Most probes under way at once. Default 1.
    pub at_once: u32,
    /// What the probes must show. Default [`ProbeVerdict::Successes`] of 1.
    pub verdict: ProbeVerdict,
    /// How long a probe that does not answer holds its place; then another call may take it, and its own answer is late.
    /// Default `None`: twice the time-out, or for ever where there is none.
    pub lease: Option<Duration>,
    /// Most time spent half-open, from the first probe on. Default `None`: no limit.
    pub longest: Option<Longest>,
    /// How the calls come back once the probes have passed. Default `None`: all at once.
    pub ramp: Option<Ramp>,
}

/// What the probes must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeVerdict {
    /// So many of them succeed, and the circuit closes; one fails, or is slow by the rules, and it opens.
    Successes(u32),
    /// So many of them are let through; when all have answered, the circuit's own rule judges them. resilience4j's way.
    /// Needs a rule that so few calls can fire.
    Rate(u32),
}

/// A limit on the time spent half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Longest {
    /// The time, from the first probe on.
    pub after: Duration,
    /// Whether the circuit closes then; else it opens.
    pub then_close: bool,
}

/// A gradual return: the circuit stays half-open, lets through a growing share of the calls, and opens again where its
/// rule fires on those alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    /// The share that is let through in the beginning, in percent, above 0 to 100.
    pub from: f64,
    /// How long it takes to let all through; then the circuit closes.
    pub over: Duration,
}

impl Default for Probing {
    fn default() -> Self {
        Self { at_once: 1, verdict: ProbeVerdict::Successes(1), lease: None, longest: None, ramp: None }
    }
}
