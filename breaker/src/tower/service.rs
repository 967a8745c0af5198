//! The service: ready when the inner one is, or when it is going to refuse.
//!
//! It returns `Pending` only where the inner service did so in this very poll and has the task's waker, and after the
//! waker has been entered for the circuit's opening too. That is all there is to not losing a wake-up.

use super::gate::Gate;
use super::response::ResponseFuture;
use crate::call::{EveryError, Judge};
use crate::error::CallError;
use crate::place::Unmade;
use crate::waiters::Waiter;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// A service behind a breaker; made by [`BreakerLayer`](super::BreakerLayer). See [`breaker::tower`](super) for when it is
/// ready.
///
/// Its errors are [`CallError`]s: the inner service's own as [`CallError::Failed`]. The response is given up after the
/// breaker's time-out, counted from `call`.
pub struct BreakerService<S, C = EveryError> {
    inner: S,
    gate: Arc<Gate>,
    classify: C,
    readiness: Readiness,
    waiter: Option<Waiter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readiness {
    Unknown,
    /// The inner service is ready and has not been called since.
    Inner,
    /// The circuit refused when asked: the next call is refused, for nothing is known of the inner service.
    Refusing,
}

impl<S, C> BreakerService<S, C> {
    pub(super) fn new(inner: S, gate: Arc<Gate>, classify: C) -> Self {
        Self { inner, gate, classify, readiness: Readiness::Unknown, waiter: None }
    }

    /// The service within.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Takes the service out.
    pub fn into_inner(self) -> S {
        self.inner
    }

    fn ready<E>(&mut self, readiness: Readiness) -> Poll<Result<(), E>> {
        self.readiness = readiness;
        self.waiter = None;
        Poll::Ready(Ok(()))
    }
}

impl<S, C, Request> Service<Request> for BreakerService<S, C>
where
    S: Service<Request>,
    C: Judge<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = CallError<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    /// Ready while the circuit is open; otherwise as the inner service is.
    ///
    /// # Errors
    ///
    /// [`CallError::Failed`] with the inner service's error, which has been judged and counted. As with any service, this
    /// one is then to be dropped.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let before = self.readiness;
        if self.gate.refuses() {
            return self.ready(if before == Readiness::Inner { before } else { Readiness::Refusing });
        }
        match self.inner.poll_ready(context) {
            Poll::Ready(Ok(())) => self.ready(Readiness::Inner),
            Poll::Ready(Err(error)) => {
                self.readiness = Readiness::Unknown;
                self.waiter = None;
                let result = Err(error);
                self.gate.count(self.classify.clone().judge(&result));
                Poll::Ready(result.map(|_: S::Response| ()).map_err(CallError::Failed))
            }
            // Once ready, a service stays so until it is called.
            Poll::Pending if before == Readiness::Refusing => self.ready(Readiness::Refusing),
            Poll::Pending => {
                self.readiness = Readiness::Unknown;
                self.gate.wait(&mut self.waiter, context.waker());
                // It may have opened just before the waker was there to be woken.
                if self.gate.refuses() { self.ready(Readiness::Refusing) } else { Poll::Pending }
            }
        }
    }

    /// Makes the call if the circuit lets it through, and otherwise answers with the refusal.
    ///
    /// # Panics
    ///
    /// Where the service was not made ready by [`poll_ready`](Self::poll_ready); or where the circuit has a time-out and
    /// there is no tokio runtime with its time enabled.
    fn call(&mut self, request: Request) -> Self::Future {
        let readiness = std::mem::replace(&mut self.readiness, Readiness::Unknown);
        #[cfg(feature = "testing")]
        if readiness != Readiness::Unknown
            && let Some(unmade) = self.gate.forced()
        {
            return ResponseFuture::unmade(unmade);
        }
        let admitted = match readiness {
            Readiness::Inner => self.gate.admit(),
            Readiness::Refusing => Err(self.gate.refuse()),
            Readiness::Unknown => {
                panic!("a service is called after its poll_ready has said that it is ready")
            }
        };
        match admitted {
            Ok(mut place) => {
                place.polling = true;
                let work = self.inner.call(request);
                place.polling = false;
                ResponseFuture::under_way(work, place, self.classify.clone())
            }
            Err(refusal) => ResponseFuture::unmade(Unmade::Refused(refusal)),
        }
    }
}

/// A clone is not ready, and waits for nothing: both are each service's own.
impl<S: Clone, C: Clone> Clone for BreakerService<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.gate), self.classify.clone())
    }
}

impl<S: fmt::Debug, C> fmt::Debug for BreakerService<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerService")
            .field("inner", &self.inner)
            .field("breaker", self.gate.breaker())
            .field("readiness", &self.readiness)
            .finish_non_exhaustive()
    }
}
