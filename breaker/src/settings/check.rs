//! The rules that settings must keep, one error text each.

use super::{ProbeVerdict, Settings, Trip, Window};
use crate::backoff::BackoffError;
use std::time::Duration;

/// Most buckets that a window may have: each costs memory, and a step of every judgement and every snapshot.
const MOST_BUCKETS: u32 = 1_000;
/// Most calls that a window may hold: each costs two bytes.
const MOST_CALLS: u32 = 100_000;
/// Most probes: each that is under way is kept in a list.
const MOST_PROBES: u32 = 1_000;
/// Most rules in a tree.
const MOST_RULES: usize = 100;

/// A setting that no circuit can work with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A call that may take no time at all always times out.
    #[error("timeout is zero: every call would time out; take None for no limit")]
    ZeroTimeout,
    /// A window is cut into at least one bucket, and not into more than can be walked through.
    #[error("buckets is {0}: a window has 1 to {MOST_BUCKETS} of them")]
    Buckets(u32),
    /// A bucket is at least a nanosecond long.
    #[error("window is {window:?}, too short to be cut into {buckets} buckets")]
    Window {
        /// The window asked for.
        window: Duration,
        /// The buckets asked for.
        buckets: u32,
    },
    /// A window of calls holds at least one.
    #[error("window is {0} calls: it holds 1 to {MOST_CALLS}")]
    Calls(u32),
    /// A rate is between none and all.
    #[error("threshold is {0}: it is a percentage, from 0 to 100")]
    Threshold(f64),
    /// A call is slow or it is not: rules that differ about it would be judged on the same figures.
    #[error("two rules differ about what is slow, {0:?} and {1:?}: they have to agree")]
    Slow(Duration, Duration),
    /// A call is given up before it is slow.
    #[error("a call is slow from {than:?} on, but given up after {timeout:?}: the rule would never fire")]
    NeverSlow {
        /// What is slow.
        than: Duration,
        /// The time-out.
        timeout: Duration,
    },
    /// A window of calls that can never hold so many failures never opens.
    #[error("trip.failures is {failures}, but the window holds {calls} calls: the rule would never fire")]
    NeverSoMany {
        /// The failures asked for.
        failures: u64,
        /// The calls that the window holds.
        calls: u32,
    },
    /// A ceiling below the first wait would shorten it.
    #[error(
        "backoff ceiling is {ceiling:?}, below reset, {reset:?}: the circuit would open for less than reset"
    )]
    Ceiling {
        /// The longest wait asked for.
        ceiling: Duration,
        /// The first.
        reset: Duration,
    },
    /// A count that every circuit has reached before its first call.
    #[error("{0} is zero: the circuit would open with its first call; take 1 or more")]
    ZeroTrip(&'static str),
    /// A combination of nothing.
    #[error("{0} holds no rule: it takes one or more")]
    NoRule(&'static str),
    /// More rules than anybody could follow.
    #[error("trip is made of {0} rules: {MOST_RULES} are enough")]
    Rules(usize),
    /// A window of calls that can never hold the minimum volume never opens.
    #[error("volume is {volume}, but the window holds {calls} calls: the rate would never be judged")]
    Volume {
        /// The minimum volume asked for.
        volume: u64,
        /// The calls that the window holds.
        calls: u32,
    },
    /// A circuit that opens for no time would never refuse a call.
    #[error("reset is zero: an open circuit would refuse nothing")]
    ZeroReset,
    /// See [`Backoff::check`](crate::Backoff::check).
    #[error(transparent)]
    Backoff(#[from] BackoffError),
    /// A circuit heals by its probes.
    #[error("probing.{field} is {value}: it is from 1 to {MOST_PROBES}")]
    Probes {
        /// Which setting.
        field: &'static str,
        /// What it is.
        value: u32,
    },
    /// Probes that no rule could find wanting.
    #[error(
        "probing.verdict has {0} probes judged by trip, which cannot fire on so few: the circuit would close \
         though all of them fail"
    )]
    NeverJudged(u32),
    /// A time of no length.
    #[error("probing.{0} is zero: take None for none")]
    ZeroProbing(&'static str),
    /// A ramp begins with some calls.
    #[error("probing.ramp.from is {0}: it is a percentage, above 0 and up to 100")]
    Ramp(f64),
}

impl Settings {
    /// Says which rule a setting breaks, if one does.
    ///
    /// # Errors
    ///
    /// The first rule broken, in the order of the fields.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(SettingsError::ZeroTimeout);
        }
        self.check_window()?;
        self.check_trip()?;
        if self.reset.is_zero() {
            return Err(SettingsError::ZeroReset);
        }
        if let Some(backoff) = &self.backoff {
            backoff.check()?;
            let (ceiling, reset) = (backoff.ceiling, self.reset);
            if ceiling < reset {
                return Err(SettingsError::Ceiling { ceiling, reset });
            }
        }
        self.check_probing()
    }

    fn check_window(&self) -> Result<(), SettingsError> {
        match self.window {
            Window::Time { buckets, .. } if !(1..=MOST_BUCKETS).contains(&buckets) => {
                Err(SettingsError::Buckets(buckets))
            }
            Window::Time { length: window, buckets } if window.as_nanos() < u128::from(buckets) => {
                Err(SettingsError::Window { window, buckets })
            }
            Window::Calls(calls) if !(1..=MOST_CALLS).contains(&calls) => Err(SettingsError::Calls(calls)),
            Window::Calls(calls) if self.volume > u64::from(calls) => {
                Err(SettingsError::Volume { volume: self.volume, calls })
            }
            Window::Time { .. } | Window::Calls(_) => Ok(()),
        }
    }

    fn check_trip(&self) -> Result<(), SettingsError> {
        let rules = self.trip.walk().count();
        if rules > MOST_RULES {
            return Err(SettingsError::Rules(rules));
        }
        let mut slow = None;
        for rule in self.trip.walk() {
            match rule {
                Trip::Slow { than, .. } if *slow.get_or_insert(*than) != *than => {
                    return Err(SettingsError::Slow(slow.unwrap_or(*than), *than));
                }
                Trip::Slow { than, .. } if than.is_zero() => {
                    return Err(SettingsError::ZeroTrip("trip.slow.than"));
                }
                Trip::Slow { than, .. } if self.timeout.is_some_and(|timeout| timeout < *than) => {
                    let timeout = self.timeout.unwrap_or_default();
                    return Err(SettingsError::NeverSlow { than: *than, timeout });
                }
                Trip::Failures(failures) if matches!(self.window, Window::Calls(calls) if *failures > u64::from(calls)) =>
                {
                    let calls = if let Window::Calls(calls) = self.window { calls } else { 0 };
                    return Err(SettingsError::NeverSoMany { failures: *failures, calls });
                }
                Trip::Errors(threshold) | Trip::Slow { share: threshold, .. } => {
                    let percent = threshold.percent();
                    if !(0.0..=100.0).contains(&percent) {
                        return Err(SettingsError::Threshold(percent));
                    }
                }
                Trip::Consecutive(0) => return Err(SettingsError::ZeroTrip("trip.consecutive")),
                Trip::Failures(0) => return Err(SettingsError::ZeroTrip("trip.failures")),
                Trip::PileUp(0) => return Err(SettingsError::ZeroTrip("trip.pile_up")),
                Trip::Any(rules) if rules.is_empty() => return Err(SettingsError::NoRule("trip.any")),
                Trip::All(rules) if rules.is_empty() => return Err(SettingsError::NoRule("trip.all")),
                _ => {}
            }
        }
        Ok(())
    }

    fn check_probing(&self) -> Result<(), SettingsError> {
        let probing = &self.probing;
        let (ProbeVerdict::Successes(needed) | ProbeVerdict::Rate(needed)) = probing.verdict;
        for (field, value) in [("at_once", probing.at_once), ("verdict", needed)] {
            if !(1..=MOST_PROBES).contains(&value) {
                return Err(SettingsError::Probes { field, value });
            }
        }
        if let ProbeVerdict::Rate(probes) = probing.verdict
            && !self.trip.may_fire_on(probes)
        {
            return Err(SettingsError::NeverJudged(probes));
        }
        if probing.lease.is_some_and(|lease| lease.is_zero()) {
            return Err(SettingsError::ZeroProbing("lease"));
        }
        if probing.longest.is_some_and(|longest| longest.after.is_zero()) {
            return Err(SettingsError::ZeroProbing("longest.after"));
        }
        match probing.ramp {
            Some(ramp) if !(ramp.from > 0.0 && ramp.from <= 100.0) => Err(SettingsError::Ramp(ramp.from)),
            Some(ramp) if ramp.over.is_zero() => Err(SettingsError::ZeroProbing("ramp.over")),
            _ => Ok(()),
        }
    }
}
