//! How a service's results are judged.
//!
//! A trait rather than a closure in a box: the common case, in which every error counts, then costs nothing, and the
//! type says which of the three ways it is.

use crate::verdict::Verdict;

/// Judges what a service answers with. Any `Fn(&Result<Response, Error>) -> Verdict` does.
pub trait Classify<Response, Error> {
    /// What the circuit is to make of this result.
    fn verdict(&self, result: &Result<Response, Error>) -> Verdict;
}

impl<Response, Error, F> Classify<Response, Error> for F
where
    F: Fn(&Result<Response, Error>) -> Verdict,
{
    fn verdict(&self, result: &Result<Response, Error>) -> Verdict {
        self(result)
    }
}

/// Every error is a failure and every response a success; the rule where none is set.
#[derive(Debug, Clone, Copy, Default)]
pub struct EveryError;

impl<Response, Error> Classify<Response, Error> for EveryError {
    fn verdict(&self, result: &Result<Response, Error>) -> Verdict {
        if result.is_ok() { Verdict::Success } else { Verdict::Failure }
    }
}

/// The errors of which this is true are failures; all else is a success. Made by
/// [`BreakerLayer::failure_if`](super::BreakerLayer::failure_if).
#[derive(Debug, Clone, Copy)]
pub struct FailureIf<F>(pub(super) F);

impl<Response, Error, F> Classify<Response, Error> for FailureIf<F>
where
    F: Fn(&Error) -> bool,
{
    fn verdict(&self, result: &Result<Response, Error>) -> Verdict {
        match result {
            Err(error) if (self.0)(error) => Verdict::Failure,
            _ => Verdict::Success,
        }
    }
}
