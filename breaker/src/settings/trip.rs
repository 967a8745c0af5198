//! What opens a circuit.
//!
//! A rule is a small tree, so that rules can be combined; it is judged on figures that it is handed, and answers with
//! the reason in figures or not at all.

use crate::reason::Reason;
use std::fmt;
use std::time::Duration;

/// What opens a closed circuit.
///
/// ```
/// use breaker::{Settings, Threshold, Trip};
/// use std::time::Duration;
///
/// // Five failures in a row, or half of at least 20 calls slower than 200 ms while some fail.
/// let trip = Trip::Any(vec![
///     Trip::Consecutive(5),
///     Trip::All(vec![
///         Trip::Slow { than: Duration::from_millis(200), share: Threshold::AtLeast(50.0) },
///         Trip::Errors(Threshold::Above(10.0)),
///     ]),
/// ]);
/// let settings = Settings { trip, volume: 20, ..Settings::default() };
/// # assert!(settings.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Trip {
    /// The share of the window's calls that failed. Needs [`Settings::volume`](crate::Settings::volume).
    Errors(Threshold),
    /// The share of the window's calls that ended, well or not, that took longer. Needs the volume.
    Slow {
        /// A call that took at least this long is slow.
        than: Duration,
        /// How many of the calls may be.
        share: Threshold,
    },
    /// So many failures in a row, whatever the window and the volume.
    Consecutive(u32),
    /// So many failures in the window, whatever their share and the volume.
    Failures(u64),
    /// So many calls under way at once: they pile up before their time-outs land. The call that would make one more is
    /// refused.
    PileUp(u32),
    /// Any of them.
    Any(Vec<Trip>),
    /// All of them at once.
    All(Vec<Trip>),
}

/// Up to where a share is borne, in percent, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// The circuit opens above it; exactly at it, it stays closed. opossum's way.
    Above(f64),
    /// The circuit opens at it. The way of Hystrix, resilience4j and most others.
    AtLeast(f64),
}

/// What a rule is judged on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// What the rates are a part of, and what the volume is compared with.
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    pub(crate) ended: u64,
    pub(crate) slow: u64,
    pub(crate) consecutive: u32,
    pub(crate) under_way: u32,
    pub(crate) volume: u64,
}

impl Threshold {
    /// The figure itself, in percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        match self {
            Self::Above(percent) | Self::AtLeast(percent) => percent,
        }
    }

    /// Whether a share is too much.
    #[must_use]
    pub fn is_passed_by(self, percent: f64) -> bool {
        match self {
            Self::Above(most) => percent > most,
            Self::AtLeast(least) => percent >= least,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Above(percent) => write!(f, "above {percent} %"),
            Self::AtLeast(percent) => write!(f, "at {percent} %"),
        }
    }
}

/// A part in percent: 0 of nothing, infinity of something that is a part of nothing, as opossum computes it.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if part == 0 {
        return 0.0;
    }
    // The order of the operations is opossum's: another rounds differently, just where the threshold lies.
    part as f64 / whole as f64 * 100.0
}

impl Trip {
    /// Why the circuit opens on these figures, if it does.
    pub(crate) fn judge(&self, on: &Figures) -> Option<Reason> {
        match self {
            Self::Errors(threshold) => {
                let rate = share(on.failures, on.calls);
                let trips = on.failures > 0 && on.calls >= on.volume && threshold.is_passed_by(rate);
                trips.then_some(Reason::ErrorRate {
                    percent: rate,
                    failures: on.failures,
                    calls: on.calls,
                    threshold: *threshold,
                })
            }
            Self::Slow { than, share: threshold } => {
                let rate = share(on.slow, on.ended);
                let trips = on.slow > 0 && on.ended >= on.volume && threshold.is_passed_by(rate);
                trips.then_some(Reason::SlowRate {
                    percent: rate,
                    slow: on.slow,
                    calls: on.ended,
                    than: *than,
                    threshold: *threshold,
                })
            }
            Self::Consecutive(most) => {
                (on.consecutive >= *most).then_some(Reason::Consecutive { failures: on.consecutive })
            }
            Self::Failures(most) => {
                (on.failures >= *most).then_some(Reason::Failures { failures: on.failures })
            }
            Self::PileUp(most) => (on.under_way >= *most).then_some(Reason::PileUp { calls: on.under_way }),
            Self::Any(rules) => rules.iter().find_map(|rule| rule.judge(on)),
            Self::All(rules) => {
                let reasons: Option<Vec<_>> = rules.iter().map(|rule| rule.judge(on)).collect();
                reasons.filter(|reasons| !reasons.is_empty()).map(Reason::All)
            }
        }
    }

    /// Whether it may fire on so many calls, none of them under way any more.
    pub(crate) fn may_fire_on(&self, calls: u32) -> bool {
        match self {
            Self::Errors(_) | Self::Slow { .. } => true,
            Self::Consecutive(most) => *most <= calls,
            Self::Failures(most) => *most <= u64::from(calls),
            Self::PileUp(_) => false,
            Self::Any(rules) => rules.iter().any(|rule| rule.may_fire_on(calls)),
            Self::All(rules) => rules.iter().all(|rule| rule.may_fire_on(calls)),
        }
    }

    /// The rule itself and all that it is made of.
    pub(crate) fn walk(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        match self {
            Self::Any(rules) | Self::All(rules) => {
                Box::new(std::iter::once(self).chain(rules.iter().flat_map(Self::walk)))
            }
            _ => Box::new(std::iter::once(self)),
        }
    }

    /// From when on a call is slow for one of the rules.
    pub(crate) fn slow_from(&self) -> Option<Duration> {
        self.walk()
            .filter_map(|rule| if let Self::Slow { than, .. } = rule { Some(*than) } else { None })
            .min()
    }

    /// From how many calls under way on one of the rules may fire.
    pub(crate) fn pile_up(&self) -> Option<u32> {
        self.walk().filter_map(|rule| if let Self::PileUp(most) = rule { Some(*most) } else { None }).min()
    }
}
