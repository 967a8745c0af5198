//! Permission to make a call, for those who cannot hand over a future: blocking code, callbacks, protocols that begin
//! and end a call in different places.

use crate::breaker::Breaker;
use crate::circuit::Outcome;
use crate::error::{CallError, Refused};
use crate::place::Place;
use crate::verdict::Verdict;
use std::fmt;
use std::time::Duration;

/// Permission to make one call. Say how it ended; dropped without a word, it is given back as if its caller had gone
/// away, which is a failure where the time-out's length has passed, or in a panic.
///
/// ```
/// use breaker::Breaker;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # fn send() -> bool { true }
/// let breaker = Breaker::builder("payment").build()?;
/// let permit = breaker.permit()?;
/// if send() { permit.success() } else { permit.failure() }
/// # Ok(()) }
/// ```
#[must_use = "a permit that is dropped is given back"]
pub struct Permit {
    place: Place<Breaker>,
}

impl Breaker {
    /// Asks for permission to make a call, at once. The time-out is the caller's to keep.
    ///
    /// # Errors
    ///
    /// Where the circuit refuses it.
    pub fn permit(&self) -> Result<Permit, Refused> {
        // A handle of its own only where there is a permit: a refusal does without.
        let mut place = Place::new(self);
        #[cfg(feature = "testing")]
        if let Some(forced) = self.forced() {
            place.force_permit(forced)?;
            return Ok(Permit { place: place.owned() });
        }
        place.enter()?;
        Ok(Permit { place: place.owned() })
    }

    /// Makes a blocking call through the circuit, on this thread. Every error counts; see [`permit`](Self::permit) for
    /// another judgement.
    ///
    /// Nothing can stop a blocking call, so the time-out gives none up: a call that took longer counts as timed out, and
    /// its result is handed over all the same.
    ///
    /// ```
    /// use breaker::Breaker;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let breaker = Breaker::builder("numbers").build()?;
    /// let number = breaker.call_blocking(|| "12".parse::<u32>())?;
    /// assert_eq!(number, 12);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Where the circuit refuses the call, or with the call's own error.
    pub fn call_blocking<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, CallError<E>> {
        let mut place = Place::new(self);
        #[cfg(feature = "testing")]
        if let Some(forced) = self.forced() {
            return Err(place.force(forced).into());
        }
        place.enter()?;
        place.polling = true;
        let result = work();
        let overdue = place.time_left().is_some_and(|(left, _)| left.is_zero());
        place.leave(match (overdue, &result) {
            (true, _) => Outcome::Timeout,
            (false, Ok(_)) => Outcome::Success,
            (false, Err(_)) => Outcome::Failure,
        });
        result.map_err(CallError::Failed)
    }
}

impl Permit {
    /// The call did well.
    pub fn success(self) {
        self.leave(Outcome::Success);
    }

    /// The call failed.
    pub fn failure(self) {
        self.leave(Outcome::Failure);
    }

    /// The call was given up for taking too long. A failure.
    pub fn time_out(self) {
        self.leave(Outcome::Timeout);
    }

    /// The call says nothing about the callee.
    pub fn ignore(self) {
        self.leave(Outcome::Ignored);
    }

    /// The call ended so.
    pub fn end(self, verdict: Verdict) {
        self.leave(Outcome::from(verdict));
    }

    /// Whether the call has taken as long as it may.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.time_left().is_some_and(|left| left.is_zero())
    }

    /// How long the call may still take, if that is limited.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.place.time_left().map(|(left, _)| left)
    }

    fn leave(mut self, outcome: Outcome) {
        self.place.leave(outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.place.polling = std::thread::panicking();
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("circuit", &self.place.breaker.name()).finish_non_exhaustive()
    }
}
