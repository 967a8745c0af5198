//! How the last calls ended, and what other settings would have made of them.

use crate::circuit::{Circuit, Entry, Outcome};
use crate::reason::Transition;
use crate::settings::{Settings, SettingsError};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A call that was let through, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LoggedCall {
    /// When it began, since the circuit was made.
    pub began: Duration,
    /// When it ended.
    pub ended: Duration,
    /// How.
    pub outcome: Outcome,
}

/// The last calls of a breaker that [remembers](crate::Builder::remember) them; see [`Breaker::log`](crate::Breaker::log).
///
/// ```
/// use breaker::{CallLog, LoggedCall, Outcome, Settings};
/// use std::time::Duration;
///
/// let second = Duration::from_secs;
/// let calls = (0..20).map(|n| LoggedCall {
///     began: second(n),
///     ended: second(n) + Duration::from_millis(40),
///     outcome: if n < 12 { Outcome::Success } else { Outcome::Failure },
/// });
/// let log: CallLog = calls.collect();
///
/// // Ten-second windows: half of the calls have to fail, more than half by default.
/// let replay = log.replay(Settings { volume: 5, ..Settings::default() })?;
/// let opened = &replay.transitions[0];
/// assert_eq!(opened.at, Duration::from_millis(17_040));
/// assert_eq!(opened.reason.to_string(), "6 of 10 calls failed (60.0 %), and the circuit opens above 50 %");
/// assert_eq!(replay.refused, 2);
/// # Ok::<(), breaker::SettingsError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct CallLog {
    calls: Vec<LoggedCall>,
}

/// What other settings would have made of the calls of a log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Replay {
    /// The changes of state, in order: "would have opened at …, because …".
    pub transitions: Vec<Arc<Transition>>,
    /// Calls that would have been refused.
    pub refused: u64,
    /// How many of these failed in truth: what would have been spared.
    pub spared: u64,
}

impl FromIterator<LoggedCall> for CallLog {
    fn from_iter<I: IntoIterator<Item = LoggedCall>>(calls: I) -> Self {
        Self { calls: calls.into_iter().collect() }
    }
}

impl CallLog {
    /// The calls, in the order in which they ended.
    #[must_use]
    pub fn calls(&self) -> &[LoggedCall] {
        &self.calls
    }

    /// Plays the calls through a circuit with other settings, each at its time.
    ///
    /// Calls that were refused in truth are not in the log: what they would have brought, nobody knows. A call's own end
    /// stays what it was, also where the other settings have another time-out.
    ///
    /// # Errors
    ///
    /// Where a setting breaks a rule; see [`Settings::check`].
    pub fn replay(&self, settings: Settings) -> Result<Replay, SettingsError> {
        let circuit = Circuit::new(settings)?;
        let mut replay = Replay { transitions: Vec::new(), refused: 0, spared: 0 };
        // What happens when. At the same moment, calls end before others begin, but not before they began.
        let mut steps = BTreeMap::new();
        for (number, call) in self.calls.iter().enumerate() {
            let ends = if call.ended > call.began { (call.ended, 0) } else { (call.began, 2) };
            steps.insert(((call.began, 1), number), call);
            steps.insert((ends, number), call);
        }
        let mut tickets = BTreeMap::new();
        for (((now, _), number), call) in steps {
            replay.transitions.extend(std::iter::from_fn(|| circuit.tick(now)));
            let opened = match tickets.remove(&number) {
                Some(Some(ticket)) => circuit.leave(ticket, call.outcome, now),
                // It was refused when it began.
                Some(None) => None,
                None => match circuit.enter(now) {
                    Entry::Admitted(ticket) => {
                        tickets.insert(number, Some(ticket));
                        None
                    }
                    Entry::Bypassed => None,
                    Entry::Refused { opened, .. } | Entry::Full { opened, .. } => {
                        tickets.insert(number, None);
                        replay.refused += 1;
                        replay.spared += u64::from(call.outcome.is_failure());
                        opened
                    }
                },
            };
            replay.transitions.extend(opened);
        }
        Ok(replay)
    }
}

/// A ring of the last calls.
#[derive(Debug)]
pub(crate) struct Log {
    most: usize,
    calls: Mutex<VecDeque<LoggedCall>>,
}

impl Log {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, calls: Mutex::default() }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.most > 0
    }

    pub(crate) fn push(&self, call: LoggedCall) {
        if self.most == 0 {
            return;
        }
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == self.most {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(crate) fn read(&self) -> CallLog {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().copied().collect()
    }
}
