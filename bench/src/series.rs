//! The values of one figure over the rounds, and what is made of them.

use serde::Serialize;

/// A figure over all rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Value {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) rounds: usize,
}

impl Value {
    /// Median and quartiles of the undisturbed turns; of all, where more than two thirds were disturbed.
    pub(crate) fn of(values: impl Iterator<Item = (f64, bool)>) -> Option<Self> {
        let all: Vec<(f64, bool)> = values.collect();
        let mut values: Vec<f64> = all.iter().filter(|(_, calm)| *calm).map(|(value, _)| *value).collect();
        if values.len() * 3 < all.len() {
            values = all.iter().map(|(value, _)| *value).collect();
        }
        values.sort_by(f64::total_cmp);
        let median = match values.len() {
            0 => return None,
            even if even % 2 == 0 => f64::midpoint(values[even / 2 - 1], values[even / 2]),
            odd => values[odd / 2],
        };
        Some(Self {
            median,
            low: quantile(&values, 0.25),
            high: quantile(&values, 0.75),
            rounds: values.len(),
        })
    }
}

/// The value below which this share of the sorted values lies; not a number where there are none.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}
