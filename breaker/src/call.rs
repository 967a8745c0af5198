//! One call through a circuit, as a future.
//!
//! Written out rather than as an `async fn`, for three things: the time-out's timer is made only where the work is
//! pending at its first poll; a panic of the work can be told from a caller who goes away; and what the work failed
//! with is judged, and a fallback asked, without a box.

use crate::breaker::Shared;
use crate::circuit::{Entry, Outcome, Permit};
use crate::error::CallError;
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};

pin_project! {
    /// A call through a circuit; made by [`Breaker::call`](crate::Breaker::call).
    #[must_use = "a call is made when it is awaited"]
    pub struct Call<'a, W, J> {
        shared: &'a Arc<Shared>,
        #[pin]
        work: Option<W>,
        judge: Option<J>,
        stage: Stage<'a>,
        // Unconstrained: work that has used up its share of the runtime's time must not keep the limit from being seen.
        #[pin]
        limit: Option<Unconstrained<Sleep>>,
    }
}

enum Stage<'a> {
    Asked,
    Bypassed,
    UnderWay { place: Place<'a>, deadline: Option<(Instant, Duration)> },
    Over,
}

/// Why there is no result, and whether a fallback may stand in: not for an error that is the caller's own.
struct Miss<E> {
    why: CallError<E>,
    counts: bool,
}

impl<'a, W, T, E> Call<'a, W, fn(&E) -> bool>
where
    W: Future<Output = Result<T, E>>,
{
    pub(crate) fn new(shared: &'a Arc<Shared>, work: W) -> Self {
        Self { shared, work: Some(work), judge: Some(|_| true), stage: Stage::Asked, limit: None }
    }
}

impl<'a, W, J, T, E> Call<'a, W, J>
where
    W: Future<Output = Result<T, E>>,
    J: FnOnce(&E) -> bool,
{
    /// Says which errors of the work count against the circuit. Another one counts as a success, and is handed to the
    /// caller as it is. Without this, every error counts.
    pub fn failure_if<P>(self, judge: P) -> Call<'a, W, P>
    where
        P: FnOnce(&E) -> bool,
    {
        Call {
            shared: self.shared,
            work: self.work,
            judge: Some(judge),
            stage: self.stage,
            limit: self.limit,
        }
    }

    /// Says what to do in place of a call that was refused, timed out or failed: the fallback is told why, and answers
    /// in its stead. It is not asked about errors that do not count.
    pub fn or_else<F, B>(self, fallback: F) -> CallOr<'a, W, J, F, B>
    where
        F: FnOnce(CallError<E>) -> B,
        B: Future<Output = Result<T, CallError<E>>>,
    {
        CallOr { call: self, fallback: Some(fallback), instead: None }
    }

    fn poll_judged(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, Miss<E>>> {
        let mut this = self.project();
        if let Stage::Asked = this.stage {
            match begin(this.shared) {
                Ok(stage) => *this.stage = stage,
                Err(why) => {
                    *this.stage = Stage::Over;
                    this.work.set(None);
                    return Poll::Ready(Err(Miss { why, counts: true }));
                }
            }
        }
        let work = this.work.as_mut().as_pin_mut().expect("a call is not polled after its end");
        let (place, deadline) = match this.stage {
            Stage::UnderWay { place, deadline } => (place, deadline),
            Stage::Asked | Stage::Bypassed | Stage::Over => {
                let result = ready!(work.poll(context));
                this.work.set(None);
                return Poll::Ready(
                    result.map_err(|error| Miss { why: CallError::Failed(error), counts: false }),
                );
            }
        };

        place.polling = true;
        let (outcome, answer) = match work.poll(context) {
            Poll::Ready(Ok(value)) => (Outcome::Success, Ok(value)),
            Poll::Ready(Err(error)) => {
                let counts = this.judge.take().is_none_or(|judge| judge(&error));
                let outcome = if counts { Outcome::Failure } else { Outcome::Success };
                (outcome, Err(Miss { why: CallError::Failed(error), counts }))
            }
            Poll::Pending => {
                place.polling = false;
                let Some((deadline, after)) = *deadline else { return Poll::Pending };
                if this.limit.is_none() {
                    this.limit.set(Some(unconstrained(sleep_until(deadline))));
                }
                if let Some(limit) = this.limit.as_pin_mut() {
                    ready!(limit.poll(context));
                }
                (Outcome::Timeout, Err(Miss { why: CallError::TimedOut { after }, counts: true }))
            }
        };
        // What is given up is gone before its place is free.
        this.work.set(None);
        place.leave(outcome);
        *this.stage = Stage::Over;
        Poll::Ready(answer)
    }
}

fn begin<E>(shared: &Arc<Shared>) -> Result<Stage<'_>, CallError<E>> {
    match shared.enter() {
        Entry::Admitted(permit) => {
            let place = Place { shared, permit: Some(permit), polling: false };
            // A time-out beyond the end of time is none.
            let deadline =
                shared.timeout().and_then(|after| Some((Instant::now().checked_add(after)?, after)));
            Ok(Stage::UnderWay { place, deadline })
        }
        Entry::Bypassed => Ok(Stage::Bypassed),
        Entry::Refused { retry_after } => Err(CallError::Open { retry_after }),
        Entry::Full { capacity, .. } => Err(CallError::Full { capacity }),
    }
}

impl<W, J, T, E> Future for Call<'_, W, J>
where
    W: Future<Output = Result<T, E>>,
    J: FnOnce(&E) -> bool,
{
    type Output = Result<T, CallError<E>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_judged(context).map_err(|miss| miss.why)
    }
}

/// A permit that is given back whatever happens.
struct Place<'a> {
    shared: &'a Arc<Shared>,
    permit: Option<Permit>,
    /// True while the work is polled and judged: still true in a drop, one of them panicked.
    polling: bool,
}

impl Place<'_> {
    fn leave(&mut self, outcome: Outcome) {
        if let Some(permit) = self.permit.take() {
            self.shared.leave(permit, outcome);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave(if self.polling { Outcome::Failure } else { Outcome::Cancelled });
    }
}

pin_project! {
    /// A call with a fallback; made by [`Call::or_else`].
    #[must_use = "a call is made when it is awaited"]
    pub struct CallOr<'a, W, J, F, B> {
        #[pin]
        call: Call<'a, W, J>,
        fallback: Option<F>,
        #[pin]
        instead: Option<B>,
    }
}

impl<W, J, F, B, T, E> Future for CallOr<'_, W, J, F, B>
where
    W: Future<Output = Result<T, E>>,
    J: FnOnce(&E) -> bool,
    F: FnOnce(CallError<E>) -> B,
    B: Future<Output = Result<T, CallError<E>>>,
{
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.instead.is_none() {
            let shared = this.call.shared;
            match (ready!(this.call.poll_judged(context)), this.fallback.take()) {
                (Err(Miss { why, counts: true }), Some(fallback)) => {
                    this.instead.set(Some(fallback(why)));
                    shared.fall_back();
                }
                (answer, _) => return Poll::Ready(answer.map_err(|miss| miss.why)),
            }
        }
        this.instead.as_pin_mut().expect("just set").poll(context)
    }
}

impl<W, J> fmt::Debug for Call<'_, W, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl<W, J, F, B> fmt::Debug for CallOr<'_, W, J, F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOr").finish_non_exhaustive()
    }
}
