//! What is done to a circuit by the word of another instance; see [`shared`](crate::shared).

use super::Circuit;
use super::machine::Phase;
use crate::reason::{Reason, Transition};
use crate::settings::nanos;
use crate::snapshot::Counts;
use std::sync::Arc;
use std::time::Duration;

impl Circuit {
    /// What was counted since the circuit was made.
    pub(crate) fn totals(&self) -> Counts {
        Counts::from(self.window.totals())
    }

    /// Opens the circuit until a moment, or moves the end of an opening there.
    pub(crate) fn open_until(
        &self,
        until: Duration,
        reason: Reason,
        now: Duration,
    ) -> Option<Arc<Transition>> {
        let now = nanos(now);
        self.locked(now, |machine| {
            let opened = self.change(machine, |machine| machine.open(now, reason));
            if let Phase::Open { until: end } = &mut machine.phase {
                *end = nanos(until);
            }
            opened
        })
    }

    /// Lets probes through before the open time is over.
    pub(crate) fn half_open(&self, reason: Reason, now: Duration) -> Option<Arc<Transition>> {
        let now = nanos(now);
        self.locked(now, |machine| self.change(machine, |machine| machine.half_open(now, reason)))
    }
}
