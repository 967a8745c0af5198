//! How much the relay takes at once, and how long it waits between two batches: pure, told a random number.
//!
//! Each hand-over that failed waits for itself, and where the circuit opens, its `reset` is the pause. What is left to the
//! relay: a long queue before a service that is down would be tried from one end to the other where no circuit is there
//! to stop it.

use crate::limits;
use breaker::Backoff;
use std::time::Duration;

/// How often the store is asked whether there is anything to do.
pub(super) const TICK: Duration = Duration::from_millis(500);

const FIRST: Duration = Duration::from_millis(100);
const BACKOFF: Backoff = Backoff { factor: 2.0, ceiling: Duration::from_secs(5), jitter: 0.5 };

/// How much may be taken at once where so many calls have a place, and so many are under way: what finds none would count
/// against the next service. Half of the places are left to the orders of clients, where there are several.
pub(super) fn room(places: Option<(u32, u32)>) -> u32 {
    let Some((places, under_way)) = places else { return limits::RELAY };
    (places / 2).max(1).min(places.saturating_sub(under_way)).min(limits::RELAY)
}

/// What came of what was claimed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Batch {
    /// Those that were taken, or set aside.
    pub(super) done: u32,
    /// Those that were not.
    pub(super) missed: u32,
}

/// Remembers how often in a row it went badly.
#[derive(Debug, Default)]
pub(super) struct Pace {
    missed: u32,
}

impl Pace {
    /// How long to wait after a batch, while the circuit lets calls through; no longer than its own pause is. Half of them
    /// are enough to go on: those that were missed do not come again at once.
    pub(super) fn after(&mut self, batch: Batch, reset: Duration, random: f64) -> Duration {
        match batch {
            Batch { done: 0, missed: 0 } => TICK,
            Batch { done, missed } if done >= missed => {
                self.missed = 0;
                Duration::ZERO
            }
            _ => {
                let backoff = Backoff { ceiling: BACKOFF.ceiling.min(reset), ..BACKOFF };
                let wait = backoff.wait(FIRST, self.missed, random);
                self.missed = self.missed.saturating_add(1);
                wait
            }
        }
    }

    /// The circuit has opened: what went badly is its matter now, and so is the pause.
    pub(super) fn left_to_the_circuit(&mut self) {
        self.missed = 0;
    }
}

#[cfg(test)]
mod tests;
