//! A circuit written down, to be taken up again by another process.

use super::Circuit;
use super::machine::Phase;
use crate::reason::Reason;
use crate::settings::{Settings, SettingsError, nanos};
use crate::snapshot::{Bucket, Counts, Mode, State};
use crate::sync::{Ordering, lock};
use crate::window::{Kind, Sums};
use std::time::Duration;

/// What is kept of a circuit: its state, its window and its totals. Not its settings, which the next process brings;
/// nor calls under way, percentiles, or the calls of a window of calls.
///
/// A circuit that is taken up goes on with its time: what was to be open for 7 s more, is, less the time in between. One
/// that was half-open begins anew with its probes.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Saved {
    /// When it was saved, since the circuit was made.
    pub at: Duration,
    /// The state.
    pub state: State,
    /// Whether it goes by its state.
    pub mode: Mode,
    /// When the state was reached.
    pub since: Duration,
    /// The number of the state.
    pub turns: u64,
    /// Open circuits: how long until a probe may go through.
    pub probe_in: Option<Duration>,
    /// How often it opened since it was last closed.
    pub openings: u32,
    /// The window.
    pub buckets: Vec<Bucket>,
    /// What was counted since the circuit was made.
    pub totals: Counts,
}

/// More than a circuit ever counts, and few enough that sums of them do not overflow: a file may hold anything.
const MOST: u64 = 1 << 48;

impl Circuit {
    /// Writes the circuit down, as it is at `now`.
    #[must_use]
    pub fn save(&self, now: Duration) -> Saved {
        let snapshot = self.snapshot(now);
        Saved {
            at: now,
            state: snapshot.state,
            mode: snapshot.mode,
            since: snapshot.since,
            turns: snapshot.turns,
            probe_in: snapshot.probe_in,
            openings: self.seen(nanos(now), |machine| machine.openings),
            buckets: snapshot.buckets,
            totals: snapshot.totals,
        }
    }

    /// Takes up a circuit that was written down. Its time goes on from [`Saved::at`]: whatever is asked next is asked at
    /// that time or later.
    ///
    /// # Errors
    ///
    /// Where a setting breaks a rule; see [`Settings::check`].
    pub fn restore(settings: Settings, seed: u64, saved: &Saved) -> Result<Self, SettingsError> {
        let circuit = Self::seeded(settings, seed)?;
        let at = nanos(saved.at);
        let buckets: Vec<_> = saved
            .buckets
            .iter()
            .map(|bucket| (nanos(bucket.begins), Sums::from(bucket.counts)))
            .filter(|(begins, _)| *begins <= at)
            .collect();
        circuit.window.restore(&buckets, &Sums::ended(saved.totals));
        let mut machine = lock(&circuit.machine);
        machine.mode = saved.mode;
        machine.openings = saved.openings;
        let now = nanos(saved.since).min(at);
        match saved.state {
            State::Closed => {}
            State::Open | State::HalfOpen => {
                machine.open(now, Reason::Restored);
                machine.openings = saved.openings;
                // No longer than these settings ever have it.
                let longest = machine.settings.open_for(saved.openings, 0.0);
                let left =
                    saved.probe_in.filter(|_| saved.state == State::Open).map_or(0, nanos).min(longest);
                machine.phase = Phase::Open { until: at.saturating_add(left) };
            }
        }
        machine.since = now;
        machine.turns = saved.turns;
        circuit.publish(&machine);
        drop(machine);
        circuit.busy.consecutive.store(0, Ordering::Relaxed);
        Ok(circuit)
    }
}

impl From<Counts> for Sums {
    fn from(counts: Counts) -> Self {
        let mut sums = Self::default();
        let kinds = [
            (Kind::Fires, counts.fires),
            (Kind::Successes, counts.successes),
            (Kind::Failures, counts.failures),
            (Kind::Timeouts, counts.timeouts),
            (Kind::Rejects, counts.rejects),
            (Kind::Fallbacks, counts.fallbacks),
            (Kind::Full, counts.semaphore_rejections),
            (Kind::Slow, counts.slow),
        ];
        for (kind, count) in kinds {
            sums.set(kind, count.min(MOST));
        }
        sums
    }
}

impl Sums {
    /// The same, with nothing under way: what had not ended then is not heard of again.
    fn ended(counts: Counts) -> Self {
        let mut sums = Self::from(counts);
        let ended = sums.get(Kind::Rejects) + sums.get(Kind::Successes) + sums.get(Kind::Failures);
        sums.set(Kind::Dropped, sums.get(Kind::Fires).wrapping_sub(ended));
        sums
    }
}
