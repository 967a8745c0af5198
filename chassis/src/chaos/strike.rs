//! Whether a rule strikes. Pure: how old the rule is, what it has seen, and what luck has drawn are passed in.

use super::rule::{Abort, Rule};
use std::time::Duration;

/// What a rule has seen and done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Requests that match it.
    pub(crate) evaluated: u64,
    /// Those that it struck.
    pub(crate) injected: u64,
}

/// Two numbers, each from 0 to below 1. Every request that matches a rule draws them, so that with a seed the fate of
/// the tenth one is the same whatever became of the nine before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Luck {
    pub(crate) percentage: f64,
    pub(crate) jitter: f64,
}

/// What may still be done to the request at hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct May {
    pub(crate) delay: bool,
    pub(crate) abort: bool,
}

/// What is to be done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) delay: Option<Duration>,
    pub(crate) abort: Option<Abort>,
}

impl Rule {
    /// Judges one more request that matches.
    pub(crate) fn meet(&self, age: Duration, tally: &mut Tally, luck: Luck, may: May) -> Option<Strike> {
        let is_on = self.is_on(age, *tally);
        tally.evaluated += 1;
        // One that is drawn from a list strikes where luck falls into its part of the whole.
        let from = self.share.map_or(0.0, |share| share.from);
        let drawn = luck.percentage * 100.0;
        if !is_on || drawn < from || drawn >= from + self.percentage_at(age) {
            return None;
        }
        let delay = self.delay.filter(|_| may.delay).map(|delay| {
            let jitter = delay.jitter.map_or(0.0, |jitter| jitter.get().as_secs_f64());
            let seconds = delay.fixed_delay.get().as_secs_f64() + jitter * (2.0 * luck.jitter - 1.0);
            Duration::from_secs_f64(seconds.max(0.0))
        });
        let abort = self.abort.filter(|_| may.abort);
        if delay.is_none() && abort.is_none() {
            return None;
        }
        tally.injected += 1;
        Some(Strike { delay, abort })
    }

    /// Whether the next request might be struck.
    pub(crate) fn is_active(&self, age: Duration, tally: Tally) -> bool {
        self.enabled && self.is_on(age, tally) && self.percentage_at(age) > 0.0
    }

    /// The percentage of now, as the ramp has it.
    pub(crate) fn percentage_at(&self, age: Duration) -> f64 {
        let Some(ramp) = self.ramp else { return self.percentage };
        if age >= ramp.over.get() {
            return ramp.to;
        }
        let part = age.as_secs_f64() / ramp.over.get().as_secs_f64();
        self.percentage + (ramp.to - self.percentage) * part
    }

    /// How long it still lasts; none where it does not end by itself.
    pub(crate) fn remaining(&self, age: Duration) -> Option<Duration> {
        self.duration.map(|duration| duration.get().saturating_sub(age))
    }

    fn is_on(&self, age: Duration, tally: Tally) -> bool {
        let expired = self.remaining(age).is_some_and(|remaining| remaining.is_zero());
        let in_window = self.window.is_none_or(|window| {
            let (on, off) = (window.on.get().as_micros(), window.off.get().as_micros());
            age.as_micros() % (on + off) < on
        });
        let call = tally.evaluated + 1;
        let in_turn =
            self.calls.is_none_or(|calls| calls.from <= call && calls.to.is_none_or(|last| call <= last));
        let used_up = self.max_faults.is_some_and(|most| tally.injected >= most);
        !expired && in_window && in_turn && !used_up
    }
}
