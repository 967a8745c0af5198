//! All that the layer asks of the core, in one place: a look, a place for one call, and the end of that call.
//!
//! A place is taken in `call` and not at the first poll of the response, because many a service begins its work in
//! `call`: a `Buffer` has sent the request on by the time the response is polled.

use super::waiters::{Waiter, Waiters};
use crate::breaker::Breaker;
use crate::error::CallError;
use crate::snapshot::State;
use crate::verdict::Verdict;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// A breaker and those who wait for what is behind it.
#[derive(Debug)]
pub(super) struct Gate {
    breaker: Breaker,
    waiters: Arc<Waiters>,
}

/// Why a call was not let through.
pub(super) type Refusal = CallError<Infallible>;

impl Gate {
    pub(super) fn new(breaker: Breaker) -> Self {
        Self { breaker, waiters: Arc::default() }
    }

    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Whether a call made now would be refused for the circuit's state. Changes nothing.
    pub(super) fn refuses(&self) -> bool {
        let snapshot = self.breaker.snapshot();
        snapshot.enabled && snapshot.state == State::Open
    }

    /// Has this task woken when the circuit opens; to be asked [`refuses`](Self::refuses) after it.
    pub(super) fn wait(&self, waiter: &mut Option<Waiter>, waker: &Waker) {
        match waiter {
            Some(waiter) => waiter.renew(waker),
            None => *waiter = Some(self.waiters.enter(waker)),
        }
    }

    /// Takes a place for one call.
    pub(super) fn admit(self: &Arc<Self>) -> Result<Place, Refusal> {
        let verdict = Arc::new(AtomicU8::new(UNDER_WAY));
        let mut call = hold(self.breaker.clone(), Arc::clone(&verdict));
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            // Ours is not before its own, so that its own has passed when ours has.
            Poll::Pending => {
                Ok(Place { gate: Arc::clone(self), call, verdict, deadline: self.deadline(), busy: false })
            }
            Poll::Ready(refused) => {
                // Finding it full counts as a failure, and may have opened the circuit.
                self.tell_waiters();
                Err(refused.expect_err("nothing has been said that could end it well"))
            }
        }
    }

    /// A call that is refused whatever the circuit has come to by now: counted where it still refuses.
    pub(super) fn refuse(self: &Arc<Self>) -> Refusal {
        // Should it half-open in between, the place is given back in the same breath.
        if self.refuses()
            && let Err(refusal) = self.admit()
        {
            return refusal;
        }
        CallError::Open { retry_after: Duration::ZERO }
    }

    /// Counts a result that came without a call.
    pub(super) fn count(self: &Arc<Self>, verdict: Verdict) {
        if let Ok(place) = self.admit() {
            place.leave(verdict);
        }
    }

    fn deadline(&self) -> Option<(Instant, Duration)> {
        let after = self.breaker.settings().timeout?;
        if !self.breaker.snapshot().enabled {
            return None;
        }
        // A time-out beyond the end of time is none.
        Some((Instant::now().checked_add(after)?, after))
    }

    fn tell_waiters(&self) {
        if self.refuses() {
            self.waiters.wake_all();
        }
    }
}

const UNDER_WAY: u8 = 0;
const SUCCESS: u8 = 1;
const FAILURE: u8 = 2;

type Held = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + Sync>>;

/// A call of the breaker that stands for ours: it is under way until the verdict says otherwise.
fn hold(breaker: Breaker, verdict: Arc<AtomicU8>) -> Held {
    Box::pin(async move {
        let ended = poll_fn(|_| match verdict.load(Ordering::Relaxed) {
            UNDER_WAY => Poll::Pending,
            SUCCESS => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err(())),
        });
        match breaker.call(ended).await {
            Ok(()) | Err(CallError::Failed(())) => Ok(()),
            Err(CallError::Open { retry_after }) => Err(CallError::Open { retry_after }),
            Err(CallError::Full { capacity }) => Err(CallError::Full { capacity }),
            Err(CallError::TimedOut { after }) => Err(CallError::TimedOut { after }),
        }
    })
}

/// The place of one call that was let through. Dropped, it is given back, and the call counts for nothing; if somebody
/// else's code was running and panicked, as a failure.
pub(super) struct Place {
    gate: Arc<Gate>,
    call: Held,
    verdict: Arc<AtomicU8>,
    deadline: Option<(Instant, Duration)>,
    /// True while the service's code runs: still true in a drop, it panicked.
    pub(super) busy: bool,
}

impl Place {
    /// When the call is to be given up, and after how long that is.
    pub(super) fn deadline(&self) -> Option<(Instant, Duration)> {
        self.deadline
    }

    /// The call has ended. What it held is to be gone by now.
    pub(super) fn leave(mut self, verdict: Verdict) {
        self.busy = false;
        self.end(verdict);
    }

    /// The call has been given up at its deadline. What it held is to be gone by now.
    pub(super) fn time_out(mut self) {
        self.busy = false;
        if self.poll().is_pending() {
            self.end(Verdict::Failure);
        }
        self.gate.tell_waiters();
    }

    fn end(&mut self, verdict: Verdict) {
        let verdict = match verdict {
            Verdict::Success => SUCCESS,
            Verdict::Failure => FAILURE,
            // Dropped under way, the breaker's call counts for nothing.
            Verdict::Ignore => return,
        };
        self.verdict.store(verdict, Ordering::Relaxed);
        let _ended = self.poll();
        self.gate.tell_waiters();
    }

    fn poll(&mut self) -> Poll<Result<(), Refusal>> {
        self.call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.busy {
            self.end(Verdict::Failure);
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}
