//! One attempt, and others beside it where it is slow.
//!
//! All of them are polled by the one task that waits for the answer, each time that it is woken, so that whichever can go
//! on does, and no waker of our own is needed. The first one lies in place; a box is made only where a hedge begins.

use super::Policy;
use super::bulkhead::Queued;
use crate::error::CallError;
use crate::snapshot::{Mode, State};
use crate::verdict::Verdict;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};

/// Most hedges of one attempt: each is load, and is polled whenever one of them is.
pub(crate) const MOST_EXTRA: u32 = 16;

/// A further attempt beside one that is slow to answer; the first good answer wins, and the others are dropped.
///
/// Only for calls that may be made twice. A hedge goes through the circuit and is paid for by the budget. None is made
/// where the circuit is not closed (a probe is not doubled), or has no place left: then this attempt is hedged no more.
///
/// ```
/// use breaker::{Breaker, Hedge, Policy};
/// use std::time::Duration;
///
/// let breaker = Breaker::builder("search").build()?;
/// // About the time in which 95 of 100 calls answer.
/// let policy = Policy::builder(&breaker).hedge(Hedge { after: Duration::from_millis(80), extra: 1 }).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hedge {
    /// How long an attempt may be without an answer before another is made beside it; and so on after each. Default
    /// 100 ms. The 95th percentile of the latency is a good choice.
    pub after: Duration,
    /// How many more there may be, 1 to 16. Default 1.
    pub extra: u32,
}

impl Default for Hedge {
    fn default() -> Self {
        Self { after: Duration::from_millis(100), extra: 1 }
    }
}

pin_project! {
    /// An attempt with its hedges. Once it has answered it is to be dropped, and those that lost with it.
    pub(crate) struct Attempt<'a, W, J, E> {
        #[pin]
        first: Option<Queued<'a, W, J>>,
        others: Vec<Pin<Box<Queued<'a, W, J>>>>,
        begun: Option<Instant>,
        // How many hedges were made or forgone.
        hedged: u32,
        // Unconstrained: work that has used up its share of the runtime's time must not keep it from being seen.
        #[pin]
        timer: Option<Unconstrained<Sleep>>,
        why: Option<CallError<E>>,
    }
}

impl<'a, W, J, T, E, V> Attempt<'a, W, J, E>
where
    W: Future<Output = Result<T, E>>,
    J: Fn(&E) -> V + Clone,
    V: Into<Verdict>,
{
    pub(crate) fn new(policy: &'a Policy, work: W, judge: &J) -> Self {
        Self {
            first: Some(policy.once(work, judge)),
            others: Vec::new(),
            begun: policy.hedge.map(|_| Instant::now()),
            hedged: 0,
            timer: None,
            why: None,
        }
    }

    pub(crate) fn poll(
        self: Pin<&mut Self>,
        policy: &'a Policy,
        make: &mut impl FnMut() -> W,
        judge: &J,
        context: &mut Context<'_>,
    ) -> Poll<Result<T, CallError<E>>> {
        let mut this = self.project();
        loop {
            if let Some(first) = this.first.as_mut().as_pin_mut()
                && let Poll::Ready(answer) = first.poll(context)
            {
                this.first.set(None);
                if let Some(answer) = settle(this.why, answer, judge) {
                    return Poll::Ready(answer);
                }
            }
            let mut at = 0;
            while at < this.others.len() {
                let Poll::Ready(answer) = this.others[at].as_mut().poll(context) else {
                    at += 1;
                    continue;
                };
                drop(this.others.swap_remove(at));
                if let Some(answer) = settle(this.why, answer, judge) {
                    return Poll::Ready(answer);
                }
            }
            if this.first.is_none() && this.others.is_empty() {
                return Poll::Ready(Err(this.why.take().expect("each of them said why")));
            }

            // The next hedge: it is polled in the next round, so that it can wake us.
            let Some(hedge) = policy.hedge.filter(|hedge| *this.hedged < hedge.extra) else {
                return Poll::Pending;
            };
            if this.timer.is_none() {
                let due = this.begun.and_then(|begun| begun.checked_add(hedge.after * (*this.hedged + 1)));
                this.timer.set(due.map(|due| unconstrained(sleep_until(due))));
            }
            let Some(timer) = this.timer.as_mut().as_pin_mut() else { return Poll::Pending };
            if timer.poll(context).is_pending() {
                return Poll::Pending;
            }
            this.timer.set(None);
            if !has_room(policy) || !policy.budget.withdraw() {
                *this.hedged = hedge.extra;
                return Poll::Pending;
            }
            *this.hedged += 1;
            this.others.push(Box::pin(policy.once(make(), judge)));
        }
    }
}

/// What one of them said: the answer, where it is one; else it is kept until the last has spoken.
fn settle<T, E, V: Into<Verdict>>(
    kept: &mut Option<CallError<E>>,
    answer: Result<T, CallError<E>>,
    judge: &impl Fn(&E) -> V,
) -> Option<Result<T, CallError<E>>> {
    match answer {
        Err(why) if counts(&why, judge) => {
            keep(kept, why);
            None
        }
        answered => Some(answered),
    }
}

/// Whether it is a failure, and not an error that the caller has to answer for.
pub(crate) fn counts<E, V: Into<Verdict>>(why: &CallError<E>, judge: &impl Fn(&E) -> V) -> bool {
    match why {
        CallError::Failed(error) => judge(error).into().is_failure(),
        CallError::Open { .. } | CallError::Full { .. } | CallError::TimedOut { .. } => true,
    }
}

/// The last word on several attempts: a refusal says that the call was not made, so it stands only where none was.
pub(crate) fn keep<E>(kept: &mut Option<CallError<E>>, why: CallError<E>) {
    let was_made = |why: &CallError<E>| matches!(why, CallError::TimedOut { .. } | CallError::Failed(_));
    if was_made(&why) || !kept.as_ref().is_some_and(was_made) {
        *kept = Some(why);
    }
}

/// A hedge for which there is no place would count as a failure, and one against a circuit that is not closed would take
/// the place of a probe.
fn has_room(policy: &Policy) -> bool {
    let status = policy.breaker.status();
    let capacity = policy.breaker.settings().capacity;
    let closed = match status.mode {
        Mode::Auto => status.state == State::Closed,
        Mode::ForcedOpen => false,
        Mode::Disabled | Mode::ForcedClosed | Mode::MetricsOnly => true,
    };
    let line = policy.places.as_ref().is_none_or(|places| places.has_room());
    closed && line && capacity.is_none_or(|capacity| status.in_flight < capacity)
}
