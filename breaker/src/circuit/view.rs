//! Looking at a circuit without touching it.

use super::Circuit;
use super::machine::{Machine, Phase};
use crate::settings::{OnClose, nanos, share};
use crate::snapshot::{Bucket, Counts, Snapshot, State, Status};
use crate::sync::lock;
use crate::window::{Kind, Sums};
use std::sync::Arc;
use std::time::Duration;

impl Circuit {
    /// What the circuit does at `now`.
    #[must_use]
    pub fn status(&self, now: Duration) -> Status {
        let now = nanos(now);
        self.seen(now, |machine| self.status_of(machine, now))
    }

    /// Its state at `now`.
    #[must_use]
    pub fn state(&self, now: Duration) -> State {
        self.seen(nanos(now), |machine| machine.phase.state())
    }

    /// Looks at the circuit as the clock has it, changing nothing.
    pub(super) fn seen<T>(&self, now: u64, look: impl FnOnce(&Machine) -> T) -> T {
        let machine = lock(&self.machine);
        match machine.ahead(now) {
            Some(ahead) => look(&ahead),
            None => look(&machine),
        }
    }

    fn status_of(&self, machine: &Machine, now: u64) -> Status {
        let until = if let Phase::Open { until } = machine.phase { Some(until) } else { None };
        Status {
            state: machine.phase.state(),
            mode: machine.mode,
            since: Duration::from_nanos(machine.since),
            turns: machine.turns,
            probe_in: until.map(|until| Duration::from_nanos(until.saturating_sub(now))),
            counts: Counts::from(self.sums(machine, now)),
            in_flight: in_flight(&self.window.totals()),
        }
    }

    /// The circuit at `now`, in full.
    #[must_use]
    pub fn snapshot(&self, now: Duration) -> Snapshot {
        self.seen(nanos(now), |machine| self.snapshot_of(machine, now))
    }

    /// Whether the clock has closed it, and nobody who calls has noticed yet.
    fn will_close(&self, machine: &Machine) -> bool {
        matches!(machine.phase, Phase::Closed) && machine.turns != self.turns()
    }

    /// Whether that will empty the window.
    fn will_empty(&self, machine: &Machine) -> bool {
        machine.settings.on_close == OnClose::Clear && self.will_close(machine)
    }

    fn sums(&self, machine: &Machine, now: u64) -> Sums {
        if self.will_empty(machine) { Sums::default() } else { self.window.sums(now) }
    }

    fn snapshot_of(&self, machine: &Machine, at: Duration) -> Snapshot {
        let now = nanos(at);
        let status = self.status_of(machine, now);
        let sums = self.sums(machine, now);
        let (figures, buckets, bins) = if self.will_empty(machine) {
            Default::default()
        } else {
            (self.figures(machine, now), self.window.buckets(now), self.window.bins(now))
        };
        let (probes, ramp) = match &machine.phase {
            Phase::HalfOpen(half_open) => (half_open.probes(now), half_open.ramp(now)),
            Phase::Closed | Phase::Open { .. } => (0, None),
        };
        Snapshot {
            at,
            state: status.state,
            mode: status.mode,
            since: status.since,
            turns: status.turns,
            probe_in: status.probe_in,
            counts: status.counts,
            in_flight: status.in_flight,
            buckets: buckets.into_iter().map(bucket).collect(),
            error_rate: share(figures.failures, figures.calls),
            volume: figures.calls,
            consecutive: if self.will_close(machine) { 0 } else { self.consecutive() },
            probes,
            ramp,
            latency: bins.latency(sums.get(Kind::Nanos)),
            totals: Counts::from(self.window.totals()),
            last: machine.last.clone(),
            settings: Arc::clone(&machine.settings),
        }
    }
}

fn bucket((begins, sums): (u64, Sums)) -> Bucket {
    Bucket { begins: Duration::from_nanos(begins), counts: Counts::from(sums) }
}

/// Let through and not ended. Threads are looked at one after the other, so for a moment more may have ended than begun.
fn in_flight(totals: &Sums) -> u32 {
    let ended = [Kind::Rejects, Kind::Bypassed, Kind::Successes, Kind::Failures, Kind::Dropped];
    let ended = ended.into_iter().fold(0_u64, |sum, kind| sum.wrapping_add(totals.get(kind)));
    let under_way = totals.get(Kind::Fires).wrapping_sub(ended);
    u32::try_from(under_way).unwrap_or(0)
}

impl From<Sums> for Counts {
    fn from(sums: Sums) -> Self {
        Self {
            fires: sums.get(Kind::Fires),
            successes: sums.get(Kind::Successes),
            failures: sums.get(Kind::Failures),
            timeouts: sums.get(Kind::Timeouts),
            rejects: sums.get(Kind::Rejects),
            fallbacks: sums.get(Kind::Fallbacks),
            semaphore_rejections: sums.get(Kind::Full),
            slow: sums.get(Kind::Slow),
        }
    }
}
