//! A call with something to do in its place.

use super::{Call, Judge, Miss};
use crate::breaker::Breaker;
use crate::error::CallError;
use pin_project_lite::pin_project;
use std::borrow::Borrow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// A call with a fallback; made by [`Call::or_else`].
    #[must_use = "a call is made when it is awaited"]
    pub struct CallOr<H, W, J, F, B>
    where
        H: Borrow<Breaker>,
    {
        #[pin]
        call: Call<H, W, J>,
        fallback: Option<F>,
        #[pin]
        instead: Option<B>,
    }
}

impl<H: Borrow<Breaker>, W, J, F, B> CallOr<H, W, J, F, B> {
    pub(super) fn new(call: Call<H, W, J>, fallback: F) -> Self {
        Self { call, fallback: Some(fallback), instead: None }
    }
}

impl<H, W, J, F, B, T, E> Future for CallOr<H, W, J, F, B>
where
    H: Borrow<Breaker>,
    W: Future<Output = Result<T, E>>,
    J: Judge<T, E>,
    F: FnOnce(CallError<E>) -> B,
    B: Future<Output = Result<T, CallError<E>>>,
{
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.instead.is_none() {
            match (ready!(this.call.as_mut().poll_judged(context)), this.fallback.take()) {
                (Err(Miss { why, counts: true }), Some(fallback)) => {
                    this.instead.set(Some(fallback(why)));
                    this.call.place.breaker.borrow().fall_back();
                }
                (answer, _) => return Poll::Ready(answer.map_err(|miss| miss.why)),
            }
        }
        this.instead.as_pin_mut().expect("just set").poll(context)
    }
}

impl<H: Borrow<Breaker>, W, J, F, B> fmt::Debug for CallOr<H, W, J, F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOr").field("call", &self.call).finish_non_exhaustive()
    }
}
