//! Who says what the end of a call means.

use crate::verdict::Verdict;

/// Judges the end of a call; made by [`Call::failure_if`](crate::Call::failure_if) and
/// [`Call::judge`](crate::Call::judge).
pub trait Judge<T, E> {
    /// How the call is to be counted.
    fn judge(self, result: &Result<T, E>) -> Verdict;
}

/// Every error is a failure, every result a success.
#[derive(Debug, Clone, Copy, Default)]
pub struct EveryError;

/// The caller looks at errors: what is said of them is a [`Verdict`], or whether they are failures. The other errors, and
/// every result, are successes.
#[derive(Debug, Clone, Copy)]
pub struct ByError<P>(pub(crate) P);

/// The caller looks at errors and results.
#[derive(Debug, Clone, Copy)]
pub struct ByResult<P>(pub(crate) P);

impl<T, E> Judge<T, E> for EveryError {
    #[inline]
    fn judge(self, result: &Result<T, E>) -> Verdict {
        if result.is_ok() { Verdict::Success } else { Verdict::Failure }
    }
}

impl<T, E, P: FnOnce(&E) -> V, V: Into<Verdict>> Judge<T, E> for ByError<P> {
    #[inline]
    fn judge(self, result: &Result<T, E>) -> Verdict {
        match result {
            Err(error) => (self.0)(error).into(),
            Ok(_) => Verdict::Success,
        }
    }
}

impl<T, E, P: FnOnce(&Result<T, E>) -> Verdict> Judge<T, E> for ByResult<P> {
    #[inline]
    fn judge(self, result: &Result<T, E>) -> Verdict {
        (self.0)(result)
    }
}
