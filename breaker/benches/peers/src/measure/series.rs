//! The values of one figure over the rounds, and what is made of them.

use crate::report::Value;

/// Values of one figure, each with the calibration of its turn.
#[derive(Default)]
pub(super) struct Series(Vec<(f64, f64)>);

impl Series {
    pub(super) fn push(&mut self, value: f64, calibration: f64) {
        if value.is_finite() {
            self.0.push((value, calibration));
        }
    }

    /// Median and quartiles of the undisturbed turns; of all, where more than two thirds were disturbed.
    pub(super) fn value(&self, usual: f64) -> Value {
        let calm = self.0.iter().filter(|(_, calibration)| *calibration <= usual);
        let mut values: Vec<f64> = calm.map(|(value, _)| *value).collect();
        if values.len() * 3 < self.0.len() {
            values = self.0.iter().map(|(value, _)| *value).collect();
        }
        values.sort_by(f64::total_cmp);
        Value {
            median: quantile(&values, 0.5),
            low: quantile(&values, 0.25),
            high: quantile(&values, 0.75),
            rounds: values.len(),
        }
    }
}

/// The middle of some values; not a number where there are none.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}

/// The value below which this share of the sorted values lies.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}
