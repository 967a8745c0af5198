//! How long calls took, in bins of a quarter of an octave: few enough to keep some for every bucket of a window.

use crate::snapshot::{Latency, PERCENTILES};
use std::time::Duration;

/// Bins, the first for all below 8 µs, the last for all above 68 s.
pub(crate) const BINS: usize = if cfg!(breaker_loom) { 1 } else { 94 };
/// The first bin ends at 2^13 ns.
const FIRST: u32 = 13;

/// The bin of a time.
#[inline]
pub(crate) fn bin(nanos: u64) -> usize {
    let octave = (nanos | 1).ilog2();
    if octave < FIRST {
        return 0;
    }
    // The two bits below the highest say which quarter of the octave.
    let quarter = (nanos >> (octave - 2)) & 3;
    (((octave - FIRST) * 4) as usize + quarter as usize + 1).min(BINS - 1)
}

/// Where a bin begins, in nanoseconds.
fn begins(bin: usize) -> f64 {
    let Some(step) = bin.checked_sub(1) else { return 0.0 };
    let octave = 2_f64.powi(FIRST as i32 + (step / 4) as i32);
    octave * (1.0 + (step % 4) as f64 / 4.0)
}

/// The calls of each bin, and the shortest and the longest of all.
#[derive(Debug, Clone)]
pub(crate) struct Bins {
    pub(crate) calls: [u64; BINS],
    pub(crate) shortest: u64,
    pub(crate) longest: u64,
}

impl Default for Bins {
    fn default() -> Self {
        Self { calls: [0; BINS], shortest: u64::MAX, longest: 0 }
    }
}

impl Bins {
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.calls.iter_mut().zip(other.calls) {
            *mine += theirs;
        }
        self.shortest = self.shortest.min(other.shortest);
        self.longest = self.longest.max(other.longest);
    }

    /// `nanos` is the sum of all times.
    pub(crate) fn latency(&self, nanos: u64) -> Latency {
        let calls = self.calls.iter().sum::<u64>();
        let mean = nanos.checked_div(calls).unwrap_or(0);
        Latency {
            calls,
            mean: Duration::from_nanos(mean),
            percentiles: PERCENTILES.map(|percent| self.percentile(percent, calls)),
        }
    }

    /// The nearest rank: the shortest and the longest as they were, between them the middle of the bin.
    fn percentile(&self, percent: f64, calls: u64) -> Duration {
        if calls == 0 {
            return Duration::ZERO;
        }
        let rank = ((percent / 100.0 * calls as f64).ceil() as u64).clamp(1, calls);
        let mut before = 0;
        for (bin, &count) in self.calls.iter().enumerate() {
            before += count;
            if before >= rank {
                let middle = f64::midpoint(begins(bin), begins(bin + 1)) as u64;
                let known = match rank {
                    1 => self.shortest,
                    rank if rank == calls => self.longest,
                    _ => middle,
                };
                return Duration::from_nanos(known.clamp(self.shortest.min(self.longest), self.longest));
            }
        }
        Duration::ZERO
    }
}
