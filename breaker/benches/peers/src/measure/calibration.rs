//! Whether the machine held still: a loop of known work, timed beside each turn.

use super::series::quantile;
use crate::report::Noise;
use std::hint::black_box;
use std::time::Instant;

/// Turns slower than the usual by more than this are left out.
const TOLERATED: f64 = 1.10;
/// From this variation on, or with half of the turns left out, the table says not to trust it.
const NOISY: f64 = 0.15;
/// And from this share of the machine on, if other programs had it.
const CROWDED: f64 = 0.10;

/// Nanoseconds for a chain of multiplications, each of which waits for the one before. It touches no memory.
pub(super) fn take() -> f64 {
    let begin = Instant::now();
    let mut chain = black_box(1_u64);
    for _ in 0..black_box(10_000) {
        chain = chain.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    }
    black_box(chain);
    begin.elapsed().as_secs_f64() * 1e9
}

/// What the loops say of the run, and the slowest that still counts as undisturbed.
pub(super) fn judge(taken: &[f64], rounds: usize, others: Option<f64>, pinned: bool) -> (Noise, f64) {
    let mut sorted = taken.to_vec();
    sorted.sort_by(f64::total_cmp);
    let usual = quantile(&sorted, 0.1) * TOLERATED;
    let variation = (quantile(&sorted, 0.9) - quantile(&sorted, 0.1)) / quantile(&sorted, 0.5);
    let disturbed = taken.iter().filter(|&&one| one > usual).count() as f64 / taken.len().max(1) as f64;
    let noisy = variation > NOISY || disturbed > 0.5 || others.is_some_and(|others| others > CROWDED);
    let noisy = noisy || !pinned;
    (Noise { rounds, variation, disturbed, others, pinned, noisy }, usual)
}
