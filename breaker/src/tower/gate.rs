//! All that the layer asks of the core, in one place: a look, a place for one call, and a way to wait for an opening.
//!
//! A place is taken in `call` and not at the first poll of the response, because many a service begins its work in
//! `call`: a `Buffer` has sent the request on by the time the response is polled.

use crate::breaker::Breaker;
use crate::circuit::Outcome;
use crate::error::Refused;
use crate::place::Place;
#[cfg(feature = "testing")]
use crate::place::Unmade;
use crate::verdict::Verdict;
use crate::waiters::Waiter;
use std::task::Waker;
use std::time::Duration;

/// A breaker, as the layer sees it.
#[derive(Debug)]
pub(super) struct Gate {
    breaker: Breaker,
}

impl Gate {
    pub(super) fn new(breaker: Breaker) -> Self {
        Self { breaker }
    }

    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Whether a call made now would be refused for the circuit's state. Changes nothing.
    pub(super) fn refuses(&self) -> bool {
        self.breaker.would_refuse().is_some()
    }

    /// Has this task woken when the circuit opens; to be asked [`refuses`](Self::refuses) after it.
    pub(super) fn wait(&self, waiter: &mut Option<Waiter>, waker: &Waker) {
        match waiter {
            Some(waiter) => waiter.renew(waker),
            None => *waiter = Some(self.breaker.waiters().enter(waker)),
        }
    }

    /// Takes a place for one call.
    pub(super) fn admit(&self) -> Result<Place<Breaker>, Refused> {
        let mut place = Place::new(&self.breaker);
        place.enter()?;
        Ok(place.owned())
    }

    /// How a test wants the next call to end.
    #[cfg(feature = "testing")]
    pub(super) fn forced(&self) -> Option<Unmade> {
        Some(Place::new(&self.breaker).force(self.breaker.forced()?))
    }

    /// A call that is refused whatever the circuit has come to by now: counted where it still refuses.
    pub(super) fn refuse(&self) -> Refused {
        if self.refuses() {
            let mut place = Place::new(&self.breaker);
            place.may_probe = false;
            // Should it have closed in between, the place is given back in the same breath.
            if let Err(refused) = place.enter() {
                return refused;
            }
        }
        Refused::Open { retry_after: Duration::ZERO }
    }

    /// Counts a result that came without a call.
    pub(super) fn count(&self, verdict: Verdict) {
        if let Ok(mut place) = self.admit() {
            place.leave(Outcome::from(verdict));
        }
    }
}
