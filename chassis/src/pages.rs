//! What is done for web pages alone: a layer around those requests that name the page's `Origin`.
//!
//! Services send no such header to one another, and need not write and read the headers that browsers look for.

use axum::http::{Request, header};
use futures_util::future::Either;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// A layer for the requests of pages.
#[derive(Debug, Clone)]
pub(crate) struct ForPages<L>(pub(crate) L);

impl<S: Clone, L: Layer<S>> Layer<S> for ForPages<L> {
    type Service = Forked<L::Service, S>;

    fn layer(&self, others: S) -> Self::Service {
        Forked { pages: self.0.layer(others.clone()), others }
    }
}

/// A service for pages, and one for all others.
#[derive(Debug, Clone)]
pub(crate) struct Forked<P, O> {
    pages: P,
    others: O,
}

impl<B, P, O> Service<Request<B>> for Forked<P, O>
where
    P: Service<Request<B>>,
    O: Service<Request<B>, Response = P::Response, Error = P::Error>,
{
    type Response = P::Response;
    type Error = P::Error;
    type Future = Either<P::Future, O::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), P::Error>> {
        match self.pages.poll_ready(cx) {
            Poll::Ready(Ok(())) => self.others.poll_ready(cx),
            unready => unready,
        }
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match request.headers().contains_key(header::ORIGIN) {
            true => Either::Left(self.pages.call(request)),
            false => Either::Right(self.others.call(request)),
        }
    }
}
