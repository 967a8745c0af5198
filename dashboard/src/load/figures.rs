//! What came of a load: counts since it began, and percentiles of the last 10 s.

use crate::limits;
use serde::Serialize;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Answers that are remembered: as many as can come within the window.
const REMEMBERED: usize = limits::RATE as usize * limits::WINDOW.as_secs() as usize + limits::IN_FLIGHT;

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Count {
    /// Which load it is: an answer to one before it does not count.
    load: u64,
    sent: u64,
    answered: u64,
    failed: u64,
    degraded: u64,
    pub(super) skipped: u64,
    /// When the last ones were answered, and how long they had taken.
    last: VecDeque<(Instant, Duration)>,
}

/// How a load goes, as pages are told.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Orders a second.
    pub(crate) rate: u16,
    pub(crate) sent: u64,
    /// With a 2xx, degraded or not.
    pub(crate) answered: u64,
    /// With another status, or not at all.
    pub(crate) failed: u64,
    /// Those of the answered ones for which some service did not answer.
    pub(crate) degraded: u64,
    /// Not sent: as many were under way as may be, or we were late.
    pub(crate) skipped: u64,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
}

impl Count {
    pub(super) fn begin_anew(&mut self) {
        *self = Self { load: self.load + 1, ..Self::default() };
    }

    /// Counts one that is sent; gives what to come back with when it has been answered.
    pub(super) fn send(&mut self) -> u64 {
        self.sent += 1;
        self.load
    }

    pub(super) fn fail(&mut self, load: u64) {
        self.failed += u64::from(load == self.load);
    }

    pub(super) fn answer(&mut self, load: u64, now: Instant, took: Duration, degraded: bool) {
        if load != self.load {
            return;
        }
        self.answered += 1;
        self.degraded += u64::from(degraded);
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back((now, took));
    }

    pub(super) fn figures(&mut self, rate: u16, now: Instant) -> Figures {
        while self.last.front().is_some_and(|(at, _)| now.duration_since(*at) >= limits::WINDOW) {
            self.last.pop_front();
        }
        let mut took: Vec<_> = self.last.iter().map(|(_, took)| *took).collect();
        took.sort_unstable();
        Figures {
            rate,
            sent: self.sent,
            answered: self.answered,
            failed: self.failed,
            degraded: self.degraded,
            skipped: self.skipped,
            p50_ms: percentile(&took, 50),
            p99_ms: percentile(&took, 99),
        }
    }
}

/// The least one that so many of a hundred do not exceed, in milliseconds to the microsecond.
fn percentile(sorted: &[Duration], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    let took = sorted.get(rank - 1)?;
    u32::try_from(took.as_micros()).ok().map(|micros| f64::from(micros) / 1000.0)
}
