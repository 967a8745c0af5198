//! A bounded number of places for calls under way, with a bounded line before them.
//!
//! [`Settings::capacity`](crate::Settings::capacity) refuses at once who finds no place; this lets him wait a little.
//! The line stands before the circuit, so nobody waits for one that is open, and what waits is no call yet: it takes none
//! of the time-out, and no probe's place.

use crate::breaker::Breaker;
use crate::call::{ByError, Call};
use crate::error::CallError;
use crate::verdict::Verdict;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// So many calls of a policy under way at once, and a line for those that find no place. Who stands in line longer than
/// he may, or finds it full, is refused with [`CallError::Full`], which the circuit counts as it does its own.
///
/// ```
/// use breaker::{Breaker, Bulkhead, Policy};
/// use std::time::Duration;
///
/// let breaker = Breaker::builder("payment").build()?;
/// let bulkhead = Bulkhead { places: 20, waiting: 40, longest: Duration::from_millis(50) };
/// let policy = Policy::builder(&breaker).bulkhead(bulkhead).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bulkhead {
    /// Calls that may be under way at once, 1 or more.
    pub places: u32,
    /// Calls that may wait for a place; more are refused at once.
    pub waiting: u32,
    /// How long each may wait, above zero.
    pub longest: Duration,
}

/// The places of one policy.
#[derive(Debug)]
pub(crate) struct Places {
    settings: Bulkhead,
    free: Arc<Semaphore>,
    waiting: Arc<AtomicU32>,
}

/// Somebody who stands in line; leaves it when dropped.
struct Waiter(Arc<AtomicU32>);

type Wait = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

impl Places {
    pub(crate) fn new(settings: Bulkhead) -> Self {
        let free = Arc::new(Semaphore::new(settings.places as usize));
        Self { settings, free, waiting: Arc::default() }
    }

    pub(crate) fn settings(&self) -> Bulkhead {
        self.settings
    }

    pub(crate) fn has_room(&self) -> bool {
        self.free.available_permits() > 0
    }

    /// A place, or a wait for one, or neither where the line is full.
    fn ask(&self) -> Result<OwnedSemaphorePermit, Option<Wait>> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(place);
        }
        let Some(waiter) = Waiter::join(&self.waiting, self.settings.waiting) else { return Err(None) };
        let (free, longest) = (Arc::clone(&self.free), self.settings.longest);
        Err(Some(Box::pin(async move {
            let place = timeout(longest, free.acquire_owned()).await;
            drop(waiter);
            place.ok()?.ok()
        })))
    }
}

impl Waiter {
    fn join(line: &Arc<AtomicU32>, most: u32) -> Option<Self> {
        let join = |waiting: u32| (waiting < most).then_some(waiting + 1);
        line.fetch_update(Ordering::AcqRel, Ordering::Relaxed, join).ok()?;
        Some(Self(Arc::clone(line)))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

pin_project! {
    /// A call that waits for its place, where the policy has a bulkhead.
    pub(crate) struct Queued<'a, W, J> {
        breaker: &'a Breaker,
        places: Option<&'a Places>,
        wait: Option<Wait>,
        #[pin]
        call: Call<&'a Breaker, W, ByError<J>>,
        // Below the call: what is given up is gone before its place is free.
        place: Option<OwnedSemaphorePermit>,
    }
}

impl<'a, W, J> Queued<'a, W, J> {
    pub(crate) fn new(
        breaker: &'a Breaker,
        places: Option<&'a Places>,
        call: Call<&'a Breaker, W, ByError<J>>,
    ) -> Self {
        Self { breaker, places, wait: None, call, place: None }
    }
}

impl<W, J, T, E, V> Future for Queued<'_, W, J>
where
    W: Future<Output = Result<T, E>>,
    J: FnOnce(&E) -> V,
    V: Into<Verdict>,
{
    type Output = Result<T, CallError<E>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // An open circuit refuses by itself, and a call that is under way has its place.
        if let Some(places) = this.places.take_if(|_| this.wait.is_none())
            && this.breaker.would_refuse().is_none()
        {
            match places.ask() {
                Ok(place) => *this.place = Some(place),
                Err(None) => return Poll::Ready(Err(this.breaker.refuse_full(places.settings.places))),
                Err(Some(wait)) => {
                    *this.wait = Some(wait);
                    *this.places = Some(places);
                }
            }
        }
        if let Some(wait) = this.wait {
            let place = ready!(wait.as_mut().poll(context));
            *this.wait = None;
            let places = this.places.take().expect("it waits for one of them").settings.places;
            match place {
                Some(place) => *this.place = Some(place),
                None => return Poll::Ready(Err(this.breaker.refuse_full(places))),
            }
        }
        let answer = ready!(this.call.poll(context));
        *this.place = None;
        Poll::Ready(answer)
    }
}
