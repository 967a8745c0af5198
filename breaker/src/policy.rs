//! What goes around a call through a breaker, in the one order in which it works.
//!
//! The order, and why it is so, stands with [`Policy`], where users look for it; here is what makes one.

mod budget;
mod bulkhead;
mod call;
mod coalesce;
mod fallback;
mod hedge;
mod retry;

pub use budget::{Budget, BudgetError, BudgetSettings};
pub use bulkhead::Bulkhead;
pub use call::{Coalesced, PolicyCall};
pub use coalesce::{Coalesce, CoalesceError, CoalesceSettings};
pub use fallback::{Fallback, OwnFallback};
pub use hedge::Hedge;
pub use retry::Retry;

use crate::backoff::BackoffError;
use crate::breaker::Breaker;
use crate::call::ByError;
use crate::error::CallError;
use crate::verdict::Verdict;
use bulkhead::{Places, Queued};
use hedge::MOST_EXTRA;
use retry::Random;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How calls are made through a breaker: again where they fail, beside themselves where they are slow, within a budget and
/// a deadline. Clones share the budget.
///
/// ```
/// use breaker::{Breaker, CallError, Hedge, Policy, Retry};
/// use std::time::Duration;
///
/// # async fn get(of: &str) -> Result<u32, std::io::Error> { Ok(240) }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let breaker = Breaker::builder("prices").build()?;
/// let policy = Policy::builder(&breaker)
///     .retry(Retry { attempts: 3, first: Duration::from_millis(50), ..Retry::default() })
///     .hedge(Hedge { after: Duration::from_millis(100), extra: 1 })
///     .deadline(Duration::from_secs(2))
///     .build()?;
///
/// let price = policy
///     .call(|| get("tea"))
///     .or_else(async |why| match why {
///         CallError::Failed(error) => Err(CallError::Failed(error)),
///         _ => Ok(250), // yesterday's
///     })
///     .await;
/// assert_eq!(price.ok(), Some(240));
/// # Ok(()) }
/// ```
///
/// # The order
///
/// ```text
/// fallback           stands in for the breaker's own errors
///   coalesce         equal calls that are under way at once are made once
///     retry          made again, after a wait, within budget and deadline
///       hedge        made a second time beside a slow one
///         bulkhead   keeps the attempts under way below a number; may wait a little for a place
///           circuit  refuses, and counts how each attempt ended
///             time-out   gives one attempt up
///               work
/// ```
///
/// Why each stands where it does, from the work outwards:
///
/// - The **time-out** is that of one attempt; over all of them and the waits between there is the policy's `deadline`.
/// - The **bulkhead** counts attempts, as what it guards does; one that was given up has left it. Its line stands before
///   the circuit: who waits takes no time-out and no probe's place, and nobody waits for a circuit that is open.
/// - The **circuit** sees every attempt, hedges and retries too. Around the retries it would see one failure of three,
///   and an open circuit could not end them.
/// - A **hedge** is for a slow attempt; around the retries it would hedge the waits, and double every retry.
/// - The **retry** sees an attempt only when the last of its hedges has failed.
/// - **Coalescing** is around the retries: the followers share them, instead of each making its own.
/// - The **fallback** is outermost: each caller has its own, asked once and when all else is over. What stands in is never
///   retried, and never handed to another caller.
///
/// The order is in the types. A policy has no place to put a layer wrongly, whatever order its builder is called in; a
/// call offers `coalesce` only while it has no fallback, and nothing once it has one:
///
/// ```compile_fail,E0599
/// # async fn wrong(policy: breaker::Policy, same: breaker::Coalesce<u8, u8, ()>) {
/// let _ = policy.call(async || Ok(1)).or_else(async |why| Err(why)).coalesce(&same, 7).await;
/// # }
/// ```
///
/// ```
/// # async fn right(policy: breaker::Policy, same: breaker::Coalesce<u8, u8, ()>) {
/// let _ = policy.call(async || Ok(1)).coalesce(&same, 7).or_else(async |why| Err(why)).await;
/// # }
/// ```
#[derive(Clone)]
pub struct Policy {
    breaker: Breaker,
    retry: Retry,
    hedge: Option<Hedge>,
    budget: Budget,
    deadline: Option<Duration>,
    places: Option<Arc<Places>>,
    random: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Policy {
    /// Starts to make a policy for calls through this breaker, of which it holds a handle. As it is, each call is made
    /// once.
    pub fn builder(breaker: &Breaker) -> PolicyBuilder {
        let random = Random::new();
        PolicyBuilder {
            policy: Self {
                breaker: breaker.clone(),
                retry: Retry { attempts: 1, ..Retry::default() },
                hedge: None,
                budget: Budget::default(),
                deadline: None,
                places: None,
                random: Arc::new(move || random.next()),
            },
        }
    }

    /// Makes a call: `make` is asked for the work of each attempt.
    ///
    /// The answer is a future that does nothing until it is awaited. Before that it can be told what is worth a retry
    /// ([`PolicyCall::retry_if`]), which errors count ([`PolicyCall::failure_if`]), which calls are equal
    /// ([`PolicyCall::coalesce`]) and what to do instead ([`PolicyCall::or_else`], [`PolicyCall::fallback`]). Dropped
    /// half-way, it drops every attempt under way, and each gives its place back.
    ///
    /// An error of [`CallError::Open`] or [`CallError::Full`] says that no attempt was made; where one was, the caller is
    /// told how the last of those ended.
    ///
    /// # Panics
    ///
    /// As [`Breaker::call`]; also where there is something to wait for, and no tokio runtime with its time enabled.
    #[expect(
        clippy::type_complexity,
        reason = "two functions by default, exchanged by `failure_if` and `retry_if`"
    )]
    pub fn call<M, W, T, E>(
        &self,
        make: M,
    ) -> PolicyCall<'_, M, W, E, fn(&E) -> bool, fn(&CallError<E>) -> bool>
    where
        M: FnMut() -> W,
        W: Future<Output = Result<T, E>>,
    {
        PolicyCall::new(self, make)
    }

    /// The breaker that the calls go through.
    #[must_use]
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// What retries and hedges draw on.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// One attempt: a place, then the circuit.
    fn once<'a, W, J, T, E, V>(&'a self, work: W, judge: &J) -> Queued<'a, W, J>
    where
        W: Future<Output = Result<T, E>>,
        J: Fn(&E) -> V + Clone,
        V: Into<Verdict>,
    {
        let call = self.breaker.call(work).judged(ByError(judge.clone()));
        Queued::new(&self.breaker, self.places.as_deref(), call)
    }

    fn may_repeat(&self) -> bool {
        self.retry.attempts > 1 || self.hedge.is_some()
    }
}

/// What [`Policy::builder`] gives. The order of its methods is of no matter.
///
/// ```
/// use breaker::{Breaker, Budget, BudgetSettings, Policy, PolicyError, Retry};
///
/// let breaker = Breaker::builder("payment").build()?;
/// let budget = Budget::new(BudgetSettings { ratio: 0.1, ..BudgetSettings::default() })?;
/// let policy = Policy::builder(&breaker).budget(&budget).retry(Retry::default()).build()?;
///
/// let wrong = Policy::builder(&breaker).retry(Retry { attempts: 0, ..Retry::default() }).build();
/// assert_eq!(wrong.unwrap_err(), PolicyError::Attempts);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is made before `build`"]
pub struct PolicyBuilder {
    policy: Policy,
}

impl PolicyBuilder {
    /// Makes calls again that fail. Without this, none is.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.policy.retry = retry;
        self
    }

    /// Makes a further attempt beside one that is slow. Without this, none is made.
    pub fn hedge(mut self, hedge: Hedge) -> Self {
        self.policy.hedge = Some(hedge);
        self
    }

    /// Bounds the calls under way, and lets those that find no place wait a little. Clones of the policy share the places.
    /// Without this, only the breaker's own capacity bounds them.
    pub fn bulkhead(mut self, bulkhead: Bulkhead) -> Self {
        self.policy.places = Some(Arc::new(Places::new(bulkhead)));
        self
    }

    /// Has retries and hedges draw on this budget. Without this, on one of the policy's own with the default settings:
    /// there is no policy without a budget.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.policy.budget = budget.clone();
        self
    }

    /// The longest time for all attempts of a call and the waits between them, from its first poll; `None` for no limit.
    /// Attempts under way at its end are dropped, and the caller is told [`CallError::TimedOut`]; a wait that would
    /// outlast it is not begun.
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.policy.deadline = deadline.into();
        self
    }

    /// Takes the random part of the waits from here, as numbers from 0 to 1: for tests, in which it is to be known.
    /// Without this, they come from a generator with a seed of its own.
    ///
    /// ```
    /// # use breaker::{Breaker, Policy, Retry};
    /// # let breaker = Breaker::builder("test").build()?;
    /// let policy = Policy::builder(&breaker).retry(Retry::default()).random(|| 0.0).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.policy.random = Arc::new(random);
        self
    }

    /// Makes the policy.
    ///
    /// # Errors
    ///
    /// The first rule broken; see [`PolicyError`].
    pub fn build(self) -> Result<Policy, PolicyError> {
        let Policy { retry, hedge, deadline, .. } = &self.policy;
        if retry.attempts == 0 {
            return Err(PolicyError::Attempts);
        }
        if retry.first.is_zero() {
            return Err(PolicyError::First);
        }
        retry.backoff.check()?;
        if let Some(hedge) = hedge {
            if hedge.after.is_zero() {
                return Err(PolicyError::HedgeAfter);
            }
            if !(1..=MOST_EXTRA).contains(&hedge.extra) {
                return Err(PolicyError::HedgeExtra(hedge.extra));
            }
        }
        if let Some(bulkhead) = self.policy.places.as_ref().map(|places| places.settings()) {
            if bulkhead.places == 0 {
                return Err(PolicyError::Places);
            }
            if bulkhead.longest.is_zero() && bulkhead.waiting > 0 {
                return Err(PolicyError::Longest);
            }
        }
        if deadline.is_some_and(|deadline| deadline.is_zero()) {
            return Err(PolicyError::Deadline);
        }
        Ok(self.policy)
    }
}

/// A policy that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Calls need places.
    #[error("bulkhead places is zero: no call could be made; it is 1 or more")]
    Places,
    /// A wait of no length is none.
    #[error("bulkhead longest is zero: nobody could wait; take a bulkhead with waiting 0 for no line")]
    Longest,
    /// The first attempt is one of them.
    #[error("retry attempts is zero: the first one is among them, so it is 1 or more")]
    Attempts,
    /// Retries that follow at once hammer what is down.
    #[error("retry first is zero: retries that follow at once are a flood; take 1 ms or more")]
    First,
    /// See [`BackoffError`].
    #[error(transparent)]
    Backoff(#[from] BackoffError),
    /// A hedge is for a call that is slow.
    #[error("hedge after is zero: every call would be made at least twice")]
    HedgeAfter,
    /// At least one, and not so many that they are an attack.
    #[error("hedge extra is {0}: it is 1 to {MOST_EXTRA}; leave the hedge out for none")]
    HedgeExtra(u32),
    /// A call that may take no time at all is never made.
    #[error("deadline is zero: no call would be made; take None for no limit")]
    Deadline,
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("breaker", &self.breaker.name())
            .field("retry", &self.retry)
            .field("hedge", &self.hedge)
            .field("deadline", &self.deadline)
            .field("balance", &self.budget.balance())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PolicyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PolicyBuilder").field(&self.policy).finish()
    }
}
