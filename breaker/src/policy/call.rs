//! One call under a policy, as a future: attempts and waits in turn, then what is put around them.
//!
//! Written out as far as the retries go, so that a call that succeeds at once costs no box and no timer.

use super::hedge::{Attempt, counts, keep};
use super::retry::Wait;
use super::{Coalesce, Fallback, Policy};
use crate::breaker::Breaker;
use crate::error::CallError;
use crate::verdict::Verdict;
use pin_project_lite::pin_project;
use std::fmt;
use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};

pin_project! {
    /// A call under a policy; made by [`Policy::call`].
    #[must_use = "a call is made when it is awaited"]
    pub struct PolicyCall<'a, M, W, E, J, R> {
        policy: &'a Policy,
        make: M,
        judge: J,
        retry_if: Option<R>,
        begun: Option<Instant>,
        made: u32,
        why: Option<CallError<E>>,
        over: bool,
        #[pin]
        attempt: Option<Attempt<'a, W, J, E>>,
        #[pin]
        wait: Option<Wait>,
        // Unconstrained: work that has used up its share of the runtime's time must not keep it from being seen.
        #[pin]
        limit: Option<Unconstrained<Sleep>>,
    }
}

impl<'a, M, W, E> PolicyCall<'a, M, W, E, fn(&E) -> bool, fn(&CallError<E>) -> bool> {
    pub(crate) fn new(policy: &'a Policy, make: M) -> Self {
        Self::with(policy, make, |_| true, None)
    }
}

impl<'a, M, W, E, J, R> PolicyCall<'a, M, W, E, J, R> {
    fn with(policy: &'a Policy, make: M, judge: J, retry_if: Option<R>) -> Self {
        Self {
            policy,
            make,
            judge,
            retry_if,
            begun: None,
            made: 0,
            why: None,
            over: false,
            attempt: None,
            wait: None,
            limit: None,
        }
    }
}

impl<'a, M, W, T, E, J, R, V> PolicyCall<'a, M, W, E, J, R>
where
    M: FnMut() -> W,
    W: Future<Output = Result<T, E>>,
    J: Fn(&E) -> V + Clone,
    V: Into<Verdict>,
    R: FnMut(&CallError<E>) -> bool,
{
    /// Says which errors of the work count against the circuit; see [`Call::failure_if`](crate::Call::failure_if).
    /// Another one is an answer: it ends a hedge's race, is not retried unless [`retry_if`](Self::retry_if) says so, and
    /// no fallback is asked about it. May be asked more than once about one error.
    ///
    /// ```
    /// # use breaker::{Breaker, CallError, Policy, Retry};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let policy = Policy::builder(&Breaker::builder("test").build()?).retry(Retry::default()).build()?;
    /// let answer = policy.call(async || Err::<(), _>(404)).failure_if(|status| *status >= 500).await;
    /// assert_eq!(answer, Err(CallError::Failed(404))); // asked once
    /// # Ok(()) }
    /// ```
    pub fn failure_if<P>(self, judge: P) -> PolicyCall<'a, M, W, E, P, R>
    where
        P: Fn(&E) -> bool + Clone,
    {
        PolicyCall::with(self.policy, self.make, judge, self.retry_if)
    }

    /// Says what each error of the work means, where there is more to say than whether it counts: one may be a time-out, or
    /// say nothing about the callee. What is no failure is an answer, as with [`failure_if`](Self::failure_if), in whose
    /// place this stands.
    ///
    /// ```
    /// # use breaker::{Breaker, Policy, Verdict};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let breaker = Breaker::builder("test").build()?;
    /// # let policy = Policy::builder(&breaker).build()?;
    /// let answer = policy.call(async || Err::<(), _>("deadline exceeded")).judge_error(|error| match *error {
    ///     "deadline exceeded" => Verdict::Timeout,
    ///     "cancelled" => Verdict::Ignore,
    ///     _ => Verdict::Failure,
    /// });
    /// assert!(answer.await.is_err());
    /// assert_eq!(breaker.status().counts.timeouts, 1);
    /// # Ok(()) }
    /// ```
    pub fn judge_error<P>(self, judge: P) -> PolicyCall<'a, M, W, E, P, R>
    where
        P: Fn(&E) -> Verdict + Clone,
    {
        PolicyCall::with(self.policy, self.make, judge, self.retry_if)
    }

    /// Says which errors are worth a retry. Without this, all are that count: time-outs, calls that found no place, and the
    /// work's own errors but for those that [`failure_if`](Self::failure_if) lets pass. It is not asked about
    /// [`CallError::Open`]: an open circuit ends the retrying.
    ///
    /// ```
    /// # use breaker::{Breaker, CallError, Policy, Retry};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let breaker = Breaker::builder("test").volume(10).build()?;
    /// # let policy = Policy::builder(&breaker).retry(Retry::default()).build()?;
    /// let mut answers = [Err(503), Ok("yes")].into_iter();
    /// let mut ask = || std::future::ready(answers.next().unwrap_or(Err(0)));
    /// let answer = policy.call(&mut ask).retry_if(|why| matches!(why, CallError::Failed(503))).await;
    /// assert_eq!(answer, Ok("yes"));
    /// # Ok(()) }
    /// ```
    pub fn retry_if<P>(self, retry_if: P) -> PolicyCall<'a, M, W, E, J, P>
    where
        P: FnMut(&CallError<E>) -> bool,
    {
        PolicyCall::with(self.policy, self.make, self.judge, Some(retry_if))
    }

    /// Makes this call once for all callers that ask for `key` while it is under way, with its retries and hedges; see
    /// [`Coalesce`]. A caller that waits for another's call is under its own deadline.
    ///
    /// ```
    /// use breaker::{Breaker, Coalesce, Policy};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let policy = Policy::builder(&Breaker::builder("prices").build()?).build()?;
    /// let same = Coalesce::default();
    /// let ask = || policy.call(async || Ok::<u32, String>(240)).coalesce(&same, "tea");
    /// let (one, other) = tokio::join!(ask(), ask()); // asked once
    /// assert_eq!((one, other), (Ok(240), Ok(240)));
    /// # Ok(()) }
    /// ```
    pub fn coalesce<'c, K>(
        mut self,
        same: &'c Coalesce<K, T, E>,
        key: K,
    ) -> Coalesced<impl Future<Output = Result<T, CallError<E>>> + use<'a, 'c, K, M, W, T, E, J, R, V>, J>
    where
        K: Hash + Eq + Clone,
        T: Clone,
        E: Clone,
    {
        let (breaker, judge) = (self.policy.breaker.clone(), self.judge.clone());
        let future = async move {
            let deadline = self.policy.deadline;
            if deadline.is_some() {
                // Should it come to make the call itself, the time that it has waited is gone.
                self.begun = Some(Instant::now());
            }
            same.join(key, deadline, self).await
        };
        Coalesced { future, judge, breaker }
    }

    /// Says what to do in place of a call that was refused, timed out or failed: the fallback is told why, and answers
    /// in its stead. It is not asked about errors that do not count, and what it answers is not retried.
    ///
    /// # Errors
    ///
    /// What the fallback hands back; the call's own error where it is not asked.
    pub async fn or_else<F, B>(self, fallback: F) -> Result<T, CallError<E>>
    where
        F: FnOnce(CallError<E>) -> B,
        B: Future<Output = Result<T, CallError<E>>>,
    {
        self.alone().or_else(fallback).await
    }

    /// Answers the breaker's own errors by a [`Fallback`].
    ///
    /// # Errors
    ///
    /// As [`Fallback::apply`].
    ///
    /// ```
    /// # use breaker::{Breaker, Fallback, Policy};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let policy = Policy::builder(&Breaker::builder("test").build()?).build()?;
    /// policy.breaker().open();
    /// let answer = policy.call(async || Ok::<_, String>(7)).fallback(&Fallback::Null).await;
    /// assert_eq!(answer, Ok(0));
    /// # Ok(()) }
    /// ```
    pub async fn fallback(self, fallback: &Fallback<T, E>) -> Result<T, CallError<E>>
    where
        T: Default,
    {
        self.alone().fallback(fallback).await
    }

    /// As if it were shared with nobody.
    fn alone(self) -> Coalesced<Self, J> {
        Coalesced { breaker: self.policy.breaker.clone(), judge: self.judge.clone(), future: self }
    }
}

impl<M, W, T, E, J, R, V> Future for PolicyCall<'_, M, W, E, J, R>
where
    M: FnMut() -> W,
    W: Future<Output = Result<T, E>>,
    J: Fn(&E) -> V + Clone,
    V: Into<Verdict>,
    R: FnMut(&CallError<E>) -> bool,
{
    type Output = Result<T, CallError<E>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let policy = *this.policy;
        assert!(!*this.over, "a call is not polled after its end");
        loop {
            if let Some(wait) = this.wait.as_mut().as_pin_mut() {
                let goes_on = ready!(wait.poll(&policy.breaker, context));
                this.wait.set(None);
                if !goes_on {
                    *this.over = true;
                    return Poll::Ready(Err(this.why.take().expect("it waits after an error")));
                }
            }
            if this.attempt.is_none() {
                if *this.made == 0 {
                    if policy.may_repeat() {
                        policy.budget.deposit();
                    }
                    if policy.deadline.is_some() && this.begun.is_none() {
                        *this.begun = Some(Instant::now());
                    }
                }
                if let Some((end, after)) = end(policy, *this.begun)
                    && end <= Instant::now()
                {
                    *this.over = true;
                    keep(this.why, CallError::TimedOut { after });
                    return Poll::Ready(Err(this.why.take().expect("just set")));
                }
                *this.made = this.made.saturating_add(1);
                this.attempt.set(Some(Attempt::new(policy, (this.make)(), this.judge)));
            }

            let attempt = this.attempt.as_mut().as_pin_mut().expect("just set");
            match attempt.poll(policy, this.make, this.judge, context) {
                Poll::Ready(answer) => {
                    this.attempt.set(None);
                    let why = match answer {
                        Ok(value) => {
                            *this.over = true;
                            return Poll::Ready(Ok(value));
                        }
                        Err(why) => why,
                    };
                    let is_worth_it = *this.made < policy.retry.attempts
                        && !matches!(why, CallError::Open { .. })
                        && match this.retry_if {
                            Some(retry_if) => retry_if(&why),
                            None => counts(&why, this.judge),
                        };
                    keep(this.why, why);
                    let wait = is_worth_it.then(|| wait(policy, *this.made, *this.begun)).flatten();
                    if wait.is_none() {
                        *this.over = true;
                        return Poll::Ready(Err(this.why.take().expect("just kept")));
                    }
                    this.wait.set(wait);
                }
                Poll::Pending => {
                    let Some((end, after)) = end(policy, *this.begun) else { return Poll::Pending };
                    if this.limit.is_none() {
                        this.limit.set(Some(unconstrained(sleep_until(end))));
                    }
                    ready!(this.limit.as_mut().as_pin_mut().expect("just set").poll(context));
                    this.attempt.set(None);
                    *this.over = true;
                    return Poll::Ready(Err(CallError::TimedOut { after }));
                }
            }
        }
    }
}

/// When the deadline is, and how long after the beginning; `None` also where it is beyond the end of time.
fn end(policy: &Policy, begun: Option<Instant>) -> Option<(Instant, Duration)> {
    let after = policy.deadline?;
    Some((begun?.checked_add(after)?, after))
}

/// The wait before the next attempt, paid for; `None` where there is to be none.
fn wait(policy: &Policy, made: u32, begun: Option<Instant>) -> Option<Wait> {
    let length = policy.retry.backoff.wait(policy.retry.first, made.saturating_sub(1), (policy.random)());
    let now = Instant::now();
    let until = now.checked_add(length)?;
    if end(policy, begun).is_some_and(|(end, _)| end <= until) {
        return None;
    }
    let wait = Wait::new(&policy.breaker, now, until)?;
    policy.budget.withdraw().then_some(wait)
}

pin_project! {
    /// A call that is made once for all who ask for it; made by [`PolicyCall::coalesce`].
    #[must_use = "a call is made when it is awaited"]
    pub struct Coalesced<F, J> {
        #[pin]
        future: F,
        judge: J,
        breaker: Breaker,
    }
}

impl<F, J, T, E, V> Coalesced<F, J>
where
    F: Future<Output = Result<T, CallError<E>>>,
    J: Fn(&E) -> V,
    V: Into<Verdict>,
{
    /// As [`PolicyCall::or_else`]: each caller has a fallback of its own.
    ///
    /// # Errors
    ///
    /// What the fallback hands back; the call's own error where it is not asked.
    pub async fn or_else<G, B>(self, fallback: G) -> Result<T, CallError<E>>
    where
        G: FnOnce(CallError<E>) -> B,
        B: Future<Output = Result<T, CallError<E>>>,
    {
        match self.future.await {
            Err(why) if counts(&why, &self.judge) => {
                self.breaker.fall_back();
                fallback(why).await
            }
            answer => answer,
        }
    }

    /// As [`PolicyCall::fallback`].
    ///
    /// # Errors
    ///
    /// As [`Fallback::apply`].
    pub async fn fallback(self, fallback: &Fallback<T, E>) -> Result<T, CallError<E>>
    where
        T: Default,
    {
        let answer = self.future.await;
        if fallback.is_asked(&answer) {
            self.breaker.fall_back();
        }
        fallback.apply(answer)
    }
}

impl<F: Future, J> Future for Coalesced<F, J> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(context)
    }
}

impl<M, W, E, J, R> fmt::Debug for PolicyCall<'_, M, W, E, J, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyCall").field("made", &self.made).finish_non_exhaustive()
    }
}

impl<F, J> fmt::Debug for Coalesced<F, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalesced").finish_non_exhaustive()
    }
}
