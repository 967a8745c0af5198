//! How a wait grows when it is asked for again and again: between the attempts of a retry, and between the openings of
//! a circuit that will not heal.
//!
//! Pure: the random number is passed in.

use std::time::Duration;

/// Waits that grow by a factor up to a ceiling, each shortened by a random part, so that many who failed together do not
/// come back together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// By how much each wait is longer than the one before, from 1 (no growth) upwards. Default 2.
    pub factor: f64,
    /// No wait is longer. Default one minute.
    pub ceiling: Duration,
    /// The part of each wait that is left to chance, from 0 (none) to 1 (anything between nothing and the whole).
    /// Default 0.2: a wait of 10 s becomes 8 to 10 s.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { factor: 2.0, ceiling: Duration::from_secs(60), jitter: 0.2 }
    }
}

/// A backoff that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BackoffError {
    /// A wait that shrinks is none.
    #[error("backoff factor is {0}: each wait is at least as long as the one before, so it is 1 or more")]
    Factor(f64),
    /// A part is between nothing and the whole.
    #[error("backoff jitter is {0}: it is the part of a wait left to chance, from 0 to 1")]
    Jitter(f64),
    /// Without any wait there is nothing that could grow.
    #[error("backoff ceiling is zero: no wait could be longer than nothing")]
    Ceiling,
}

impl Backoff {
    /// Says which rule is broken, if one is.
    ///
    /// # Errors
    ///
    /// The first rule broken, in the order of the fields.
    pub fn check(&self) -> Result<(), BackoffError> {
        if !(self.factor >= 1.0 && self.factor.is_finite()) {
            return Err(BackoffError::Factor(self.factor));
        }
        if self.ceiling.is_zero() {
            return Err(BackoffError::Ceiling);
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(BackoffError::Jitter(self.jitter));
        }
        Ok(())
    }

    /// The wait after `before` others, the first of which was `first` long; `random` is from 0 to 1.
    #[must_use]
    pub fn wait(&self, first: Duration, before: u32, random: f64) -> Duration {
        if first.is_zero() {
            return first; // it would grow to nothing times infinity
        }
        let grown = self.factor.powi(i32::try_from(before).unwrap_or(i32::MAX)) * first.as_secs_f64();
        let whole = grown.min(self.ceiling.as_secs_f64());
        let part = whole * (1.0 - self.jitter * random.clamp(0.0, 1.0));
        Duration::try_from_secs_f64(part).unwrap_or(self.ceiling)
    }
}
