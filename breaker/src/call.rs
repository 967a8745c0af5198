//! One call through a circuit, as a future.
//!
//! Written out rather than as an `async fn`, for three things: the time-out's timer is made only where the work is
//! pending at its first poll; a panic of the work can be told from a caller who goes away; and what the work ended with
//! is judged, and a fallback asked, without a box.

mod judge;
mod or_else;

pub use judge::{ByError, ByResult, EveryError, Judge};
pub use or_else::CallOr;

use crate::breaker::Breaker;
use crate::circuit::Outcome;
use crate::error::CallError;
use crate::limit::Limit;
use crate::place::Place;
use crate::verdict::Verdict;
use pin_project_lite::pin_project;
use std::borrow::Borrow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// A call through a circuit; made by [`Breaker::call`] and [`Breaker::call_owned`].
    #[must_use = "a call is made when it is awaited"]
    pub struct Call<H, W, J = EveryError>
    where
        H: Borrow<Breaker>,
    {
        // Above the place: what is given up is gone before its place is free.
        #[pin]
        work: Option<W>,
        judge: Option<J>,
        stage: Stage,
        place: Place<H>,
        #[pin]
        limit: Option<Limit>,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asked,
    Bypassed,
    UnderWay,
    Over,
}

/// Why there is no result, and whether a fallback may stand in: not for an error that is the caller's own.
struct Miss<E> {
    why: CallError<E>,
    counts: bool,
}

impl<H, W, T, E> Call<H, W>
where
    H: Borrow<Breaker>,
    W: Future<Output = Result<T, E>>,
{
    #[inline]
    pub(crate) fn new(breaker: H, work: W) -> Self {
        Self {
            work: Some(work),
            judge: Some(EveryError),
            place: Place::new(breaker),
            stage: Stage::Asked,
            limit: None,
        }
    }

    /// Says which errors of the work count against the circuit. Another one counts as a success, and is handed to the
    /// caller as it is. Without this, every error counts.
    pub fn failure_if<P>(self, counts: P) -> Call<H, W, ByError<P>>
    where
        P: FnOnce(&E) -> bool,
    {
        self.judged(ByError(counts))
    }

    /// Says how the end of the work is to be counted, whether it is an error or a result. The caller is handed it as it
    /// is; a fallback is asked only about errors that are judged failures.
    ///
    /// ```
    /// use breaker::{Breaker, Verdict};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # async fn status() -> Result<u16, std::io::Error> { Ok(503) }
    /// let breaker = Breaker::builder("stock").build()?;
    /// let answer = breaker.call(status()).judge(|result| match result {
    ///     Ok(status) if *status < 400 => Verdict::Success,
    ///     Ok(status) if *status < 500 => Verdict::Ignore, // says nothing about the callee
    ///     _ => Verdict::Failure,
    /// });
    /// assert_eq!(answer.await?, 503);
    /// assert_eq!(breaker.status().counts.failures, 1);
    /// # Ok(()) }
    /// ```
    pub fn judge<P>(self, judge: P) -> Call<H, W, ByResult<P>>
    where
        P: FnOnce(&Result<T, E>) -> Verdict,
    {
        self.judged(ByResult(judge))
    }

    pub(crate) fn judged<J>(self, judge: J) -> Call<H, W, J> {
        let Self { work, place, stage, limit, .. } = self;
        Call { work, judge: Some(judge), place, stage, limit }
    }
}

impl<H: Borrow<Breaker>, W, J> Call<H, W, J> {
    /// Says whether this call may be a probe. One that may not, because it is dear or cannot be repeated, is refused while
    /// the circuit is half-open. Without this, every call may.
    pub fn probe_if(mut self, may_probe: bool) -> Self {
        self.place.may_probe = may_probe;
        self
    }
}

impl<H, W, J, T, E> Call<H, W, J>
where
    H: Borrow<Breaker>,
    W: Future<Output = Result<T, E>>,
    J: Judge<T, E>,
{
    /// Says what to do in place of a call that was refused, timed out or failed: the fallback is told why, and answers
    /// in its stead. It is not asked about errors that do not count.
    pub fn or_else<F, B>(self, fallback: F) -> CallOr<H, W, J, F, B>
    where
        F: FnOnce(CallError<E>) -> B,
        B: Future<Output = Result<T, CallError<E>>>,
    {
        CallOr::new(self, fallback)
    }

    #[inline]
    fn poll_judged(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, Miss<E>>> {
        let mut this = self.project();
        #[cfg(feature = "testing")]
        if *this.stage == Stage::Asked
            && let Some(forced) = this.place.breaker.borrow().forced()
        {
            this.work.set(None);
            *this.stage = Stage::Over;
            return Poll::Ready(Err(Miss { why: this.place.force(forced).into(), counts: true }));
        }
        if *this.stage == Stage::Asked {
            match this.place.enter() {
                Ok(()) if this.place.is_held() => *this.stage = Stage::UnderWay,
                Ok(()) => *this.stage = Stage::Bypassed,
                Err(refused) => {
                    *this.stage = Stage::Over;
                    this.work.set(None);
                    return Poll::Ready(Err(Miss { why: refused.into(), counts: true }));
                }
            }
        }
        let work = this.work.as_mut().as_pin_mut().expect("a call is not polled after its end");
        if *this.stage == Stage::Bypassed {
            let result = ready!(work.poll(context));
            this.work.set(None);
            return Poll::Ready(
                result.map_err(|error| Miss { why: CallError::Failed(error), counts: false }),
            );
        }

        this.place.polling = true;
        let (outcome, answer) = match work.poll(context) {
            Poll::Ready(result) => {
                let verdict = this.judge.take().map_or(Verdict::Ignore, |judge| judge.judge(&result));
                let counts = verdict.is_failure();
                let answer = result.map_err(|error| Miss { why: CallError::Failed(error), counts });
                (Outcome::from(verdict), answer)
            }
            Poll::Pending => {
                this.place.polling = false;
                let after = ready!(Limit::poll(this.limit, this.place, context));
                (Outcome::Timeout, Err(Miss { why: CallError::TimedOut { after }, counts: true }))
            }
        };
        this.work.set(None);
        this.place.leave(outcome);
        *this.stage = Stage::Over;
        Poll::Ready(answer)
    }
}

impl From<Verdict> for Outcome {
    #[inline]
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Success => Self::Success,
            Verdict::Failure => Self::Failure,
            Verdict::Timeout => Self::Timeout,
            Verdict::Ignore => Self::Ignored,
        }
    }
}

impl<H, W, J, T, E> Future for Call<H, W, J>
where
    H: Borrow<Breaker>,
    W: Future<Output = Result<T, E>>,
    J: Judge<T, E>,
{
    type Output = Result<T, CallError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_judged(context).map_err(|miss| miss.why)
    }
}

impl<H: Borrow<Breaker>, W, J> fmt::Debug for Call<H, W, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("stage", &self.stage).finish_non_exhaustive()
    }
}
