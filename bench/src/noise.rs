//! Whether the machine held still: a loop of known work, timed beside each turn, and what other programs took meanwhile.

use crate::series::quantile;
use crate::turn::Turn;
use serde::Serialize;
use std::hint::black_box;
use std::time::Instant;

/// Turns in which the loop was slower than usual by more than this are left out.
const TOLERATED: f64 = 1.10;
/// And those in which other programs had more than this share of the machine.
const CROWDED: f64 = 0.10;
/// From this share of disturbed turns on, the run is not to be trusted.
const NOISY: f64 = 0.5;
/// Loops of which the quickest counts: one that was interrupted says nothing about the turn.
const LOOPS: u32 = 5;

/// What the loops say of a run.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Noise {
    /// By how much the loop varied, from the tenth to the ninetieth percentile.
    pub(crate) variation: f64,
    /// The share of turns that were disturbed.
    pub(crate) disturbed: f64,
    /// The share of the machine that others had, in the median turn.
    pub(crate) others: f64,
    /// Whether the run is too noisy to trust.
    pub(crate) noisy: bool,
    /// The slowest loop that counts as undisturbed.
    #[serde(skip)]
    usual: f64,
}

/// Nanoseconds for a chain of multiplications, each of which waits for the one before. It touches no memory.
pub(crate) fn calibrate() -> f64 {
    let once = |_| {
        let begin = Instant::now();
        let mut chain = black_box(1_u64);
        for _ in 0..black_box(1_000_000) {
            chain = chain.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        black_box(chain);
        begin.elapsed().as_secs_f64() * 1e9
    };
    (0..LOOPS).map(once).fold(f64::INFINITY, f64::min)
}

impl Noise {
    /// Of all turns of a run.
    pub(crate) fn of<'a>(turns: impl Iterator<Item = &'a Turn> + Clone) -> Self {
        let sorted = |of: fn(&Turn) -> f64| {
            let mut values: Vec<f64> = turns.clone().map(of).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let loops = sorted(|turn| turn.calibration);
        let others = sorted(|turn| turn.others.unwrap_or(0.0));
        let variation = (quantile(&loops, 0.9) - quantile(&loops, 0.1)) / quantile(&loops, 0.5);
        let usual = quantile(&loops, 0.1) * TOLERATED;
        let mut noise =
            Self { variation, disturbed: 0.0, others: quantile(&others, 0.5), noisy: false, usual };
        let disturbed = turns.clone().filter(|turn| !noise.is_calm(turn)).count();
        noise.disturbed = disturbed as f64 / turns.count().max(1) as f64;
        noise.noisy = noise.disturbed > NOISY;
        noise
    }

    /// Whether a turn was undisturbed.
    pub(crate) fn is_calm(&self, turn: &Turn) -> bool {
        turn.calibration <= self.usual && turn.others.is_none_or(|others| others <= CROWDED)
    }
}
