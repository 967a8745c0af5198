//! What is done for web pages alone: a layer around those requests that name the page's `Origin`.
//!
//! Services send no such header to one another, and need not write and read the headers that browsers look for. An
//! answer that a cache may keep says that it depends on that.

use axum::http::{HeaderValue, Method, Request, Response, header};
use futures_util::TryFutureExt as _;
use futures_util::future::{Either, MapOk};
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

impl<B, R, P, O> Service<Request<B>> for Forked<P, O>
where
    P: Service<Request<B>, Response = Response<R>>,
    O: Service<Request<B>, Response = Response<R>, Error = P::Error>,
{
    type Response = Response<R>;
    type Error = P::Error;
    type Future = MapOk<Either<P::Future, O::Future>, fn(Response<R>) -> Response<R>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), P::Error>> {
        match self.pages.poll_ready(cx) {
            Poll::Ready(Ok(())) => self.others.poll_ready(cx),
            unready => unready,
        }
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let finish = if *request.method() == Method::POST { as_it_is } else { varies };
        let answer = match request.headers().contains_key(header::ORIGIN) {
            true => Either::Left(self.pages.call(request)),
            false => Either::Right(self.others.call(request)),
        };
        answer.map_ok(finish as fn(_) -> _)
    }
}

fn as_it_is<R>(answer: Response<R>) -> Response<R> {
    answer
}

fn varies<R>(mut answer: Response<R>) -> Response<R> {
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    answer
}
