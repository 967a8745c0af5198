//! The answer of one call, as a future: unboxed, with the service's own future in it.

use super::classify::Classify;
use super::gate::{Place, Refusal};
use crate::error::CallError;
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::{Sleep, sleep_until};

pin_project! {
    /// The response of a [`BreakerService`](super::BreakerService). Dropped half-way, it gives back what it held.
    #[must_use = "a response is waited for by awaiting it"]
    pub struct ResponseFuture<F, C> {
        // In this order: what is dropped half-way is gone before its place is free.
        #[pin]
        work: Option<F>,
        // Unconstrained: work that has used up its share of the runtime's time must not keep the limit from being seen.
        #[pin]
        limit: Option<Unconstrained<Sleep>>,
        place: Option<Place>,
        classify: Option<C>,
        refusal: Option<Refusal>,
    }
}

impl<F, C> ResponseFuture<F, C> {
    pub(super) fn under_way(work: F, place: Place, classify: C) -> Self {
        Self { work: Some(work), limit: None, place: Some(place), classify: Some(classify), refusal: None }
    }

    pub(super) fn refused(refusal: Refusal) -> Self {
        Self { work: None, limit: None, place: None, classify: None, refusal: Some(refusal) }
    }
}

impl<F, C, Response, Error> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<Response, Error>>,
    C: Classify<Response, Error>,
{
    type Output = Result<Response, CallError<Error>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(refusal) = this.refusal.take() {
            return Poll::Ready(Err(why(refusal)));
        }
        let (Some(work), Some(place), Some(classify)) =
            (this.work.as_mut().as_pin_mut(), this.place.as_mut(), this.classify.as_ref())
        else {
            panic!("a response is not polled after its end");
        };

        place.busy = true;
        let polled = work.poll(context).map(|result| (classify.verdict(&result), result));
        place.busy = false;
        if let Poll::Ready((verdict, result)) = polled {
            this.work.set(None);
            this.place.take().into_iter().for_each(|place| place.leave(verdict));
            return Poll::Ready(result.map_err(CallError::Failed));
        }

        let Some((deadline, after)) = place.deadline() else { return Poll::Pending };
        if this.limit.is_none() {
            this.limit.set(Some(unconstrained(sleep_until(deadline))));
        }
        ready!(this.limit.as_mut().as_pin_mut().expect("just set").poll(context));
        this.work.set(None);
        this.place.take().into_iter().for_each(Place::time_out);
        Poll::Ready(Err(CallError::TimedOut { after }))
    }
}

fn why<E>(refusal: Refusal) -> CallError<E> {
    match refusal {
        CallError::Open { retry_after } => CallError::Open { retry_after },
        CallError::Full { capacity } => CallError::Full { capacity },
        CallError::TimedOut { after } => CallError::TimedOut { after },
    }
}

impl<F, C> fmt::Debug for ResponseFuture<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("refusal", &self.refusal)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
