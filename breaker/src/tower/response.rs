//! The answer of one call, as a future: unboxed, with the service's own future in it.

use crate::breaker::Breaker;
use crate::call::Judge;
use crate::circuit::Outcome;
use crate::error::CallError;
use crate::limit::Limit;
use crate::place::{Place, Unmade};
use crate::verdict::Verdict;
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The response of a [`BreakerService`](super::BreakerService). Dropped half-way, it gives back what it held.
    #[must_use = "a response is waited for by awaiting it"]
    pub struct ResponseFuture<F, C> {
        // In this order: what is dropped half-way is gone before its place is free.
        #[pin]
        work: Option<F>,
        #[pin]
        limit: Option<Limit>,
        place: Option<Place<Breaker>>,
        classify: Option<C>,
        unmade: Option<Unmade>,
    }
}

impl<F, C> ResponseFuture<F, C> {
    pub(super) fn under_way(work: F, place: Place<Breaker>, classify: C) -> Self {
        let (work, place, classify) = (Some(work), Some(place), Some(classify));
        Self { work, limit: None, place, classify, unmade: None }
    }

    pub(super) fn unmade(unmade: Unmade) -> Self {
        let (work, place, classify) = (None, None, None);
        Self { work, limit: None, place, classify, unmade: Some(unmade) }
    }
}

impl<F, C, Response, Error> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<Response, Error>>,
    C: Judge<Response, Error>,
{
    type Output = Result<Response, CallError<Error>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(unmade) = this.unmade.take() {
            return Poll::Ready(Err(unmade.into()));
        }
        let (Some(work), Some(place)) = (this.work.as_mut().as_pin_mut(), this.place.as_mut()) else {
            panic!("a response is not polled after its end");
        };

        place.polling = true;
        let (outcome, answer) = match work.poll(context) {
            Poll::Ready(result) => {
                let verdict = this.classify.take().map_or(Verdict::Ignore, |judge| judge.judge(&result));
                (Outcome::from(verdict), result.map_err(CallError::Failed))
            }
            Poll::Pending => {
                place.polling = false;
                let after = ready!(Limit::poll(this.limit, place, context));
                (Outcome::Timeout, Err(CallError::TimedOut { after }))
            }
        };
        this.work.set(None);
        if let Some(mut place) = this.place.take() {
            place.leave(outcome);
        }
        Poll::Ready(answer)
    }
}

impl<F, C> fmt::Debug for ResponseFuture<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("unmade", &self.unmade).finish_non_exhaustive()
    }
}
