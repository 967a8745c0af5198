//! How long calls took, in bins of half an octave: few enough to keep some for every bucket of a window.

use crate::snapshot::{Latency, PERCENTILES};
use std::time::Duration;

/// Bins, the first for all below 4 µs, the last for all above 70 s.
pub(crate) const BINS: usize = if cfg!(breaker_loom) { 1 } else { 50 };
/// The first bin ends at 2^12 ns.
const FIRST: u32 = 12;

/// The bin of a time.
#[inline]
pub(crate) fn bin(nanos: u64) -> usize {
    let octave = (nanos | 1).ilog2();
    if octave < FIRST {
        return 0;
    }
    // The bit below the highest says which half of the octave.
    let half = (nanos >> (octave - 1)) & 1;
    (((octave - FIRST) * 2) as usize + half as usize + 1).min(BINS - 1)
}

/// Where a bin begins, in nanoseconds.
fn begins(bin: usize) -> f64 {
    let Some(step) = bin.checked_sub(1) else { return 0.0 };
    let octave = 2_f64.powi(FIRST as i32 + (step / 2) as i32);
    octave * if step % 2 == 1 { 1.5 } else { 1.0 }
}

/// The calls of each bin.
#[derive(Debug, Clone)]
pub(crate) struct Bins(pub(crate) [u64; BINS]);

impl Default for Bins {
    fn default() -> Self {
        Self([0; BINS])
    }
}

impl Bins {
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// `nanos` is the sum of all times.
    pub(crate) fn latency(&self, nanos: u64) -> Latency {
        let calls = self.0.iter().sum::<u64>();
        let mean = nanos.checked_div(calls).unwrap_or(0);
        Latency {
            calls,
            mean: Duration::from_nanos(mean),
            percentiles: PERCENTILES.map(|percent| self.percentile(percent, calls)),
        }
    }

    /// The nearest rank, spread evenly within its bin.
    fn percentile(&self, percent: f64, calls: u64) -> Duration {
        let rank = ((percent / 100.0 * calls as f64).ceil() as u64).clamp(1, calls.max(1));
        let mut before = 0;
        for (bin, &count) in self.0.iter().enumerate() {
            if before + count >= rank && count > 0 {
                let (low, high) = (begins(bin), begins(bin + 1));
                let within = ((rank - before) as f64 - 0.5) / count as f64;
                return Duration::from_nanos((low + (high - low) * within) as u64);
            }
            before += count;
        }
        Duration::ZERO
    }
}
