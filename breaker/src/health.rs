//! An active health check: asks the callee from time to time, and moves the circuit by what it hears.
//!
//! [`HealthRule`] is the rule and nothing else: it is told what was heard, and answers what to do. [`HealthCheck::start`]
//! puts one task around it.

use crate::breaker::{Breaker, WeakBreaker};
use crate::reason::Reason;
use crate::snapshot::State;
use std::future::poll_fn;
use std::panic::{self, AssertUnwindSafe};
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How the callee is asked whether it is well.
///
/// ```
/// use breaker::{Breaker, HealthCheck};
/// use std::time::Duration;
///
/// # async fn ping() -> Result<(), std::io::Error> { Ok(()) }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let breaker = Breaker::builder("payment").build()?;
/// let check = HealthCheck { every: Duration::from_secs(2), ..HealthCheck::default() };
/// let guard = check.start(&breaker, async || ping().await.is_ok())?; // checks until it is dropped
/// # drop(guard);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthCheck {
    /// The time from one check to the next; the first is made at once. One that takes longer puts off the next. Default
    /// 5 s, as in opossum.
    pub every: Duration,
    /// The longest time that a check may take; then it is given up, and was bad. Default 1 s.
    pub timeout: Duration,
    /// How many bad checks in a row open the circuit. Default 3 (opossum: 1).
    pub bad: u32,
    /// How many good checks in a row, made while the circuit is not closed, close it. Default 3 (opossum: never).
    pub good: u32,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self { every: Duration::from_secs(5), timeout: Duration::from_secs(1), bad: 3, good: 3 }
    }
}

/// A health check that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HealthError {
    /// Checks without a pause are an attack.
    #[error("health check every is zero: there would be no pause between the checks")]
    Every,
    /// A check that may take no time is always bad.
    #[error("health check timeout is zero: every check would be bad")]
    Timeout,
    /// The circuit would be open before the first check.
    #[error("health check bad is zero: it is how many bad ones open the circuit, 1 or more")]
    Bad,
    /// The circuit would close before the first check.
    #[error("health check good is zero: it is how many good ones close the circuit, 1 or more")]
    Good,
    /// The checks are made by a task.
    #[error("no tokio runtime: a health check is a task, start it within one")]
    NoRuntime,
}

impl HealthCheck {
    /// Starts a task that asks `is_well`, and opens or closes the circuit as [`HealthRule`] says, until the guard is
    /// dropped. A check that panics was bad. One that blocks its thread cannot be given up.
    ///
    /// The task does not keep the breaker alive; it ends with the breaker.
    ///
    /// # Errors
    ///
    /// The first rule broken, in the order of the fields; [`HealthError::NoRuntime`] outside a tokio runtime.
    ///
    /// # Panics
    ///
    /// Not here, but the task ends where the runtime has no time enabled.
    pub fn start<F, C>(self, breaker: &Breaker, is_well: F) -> Result<HealthGuard, HealthError>
    where
        F: FnMut() -> C + Send + 'static,
        C: Future<Output = bool> + Send + 'static,
    {
        if self.every.is_zero() {
            return Err(HealthError::Every);
        }
        if self.timeout.is_zero() {
            return Err(HealthError::Timeout);
        }
        let rule = HealthRule::new(self.bad, self.good)?;
        let runtime = Handle::try_current().map_err(|_| HealthError::NoRuntime)?;
        let task = runtime.spawn(run(self, rule, breaker.downgrade(), is_well)).abort_handle();
        Ok(HealthGuard { task })
    }
}

async fn run<F, C>(check: HealthCheck, mut rule: HealthRule, breaker: WeakBreaker, mut is_well: F)
where
    F: FnMut() -> C,
    C: Future<Output = bool>,
{
    let mut ticks = interval(check.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let is_good = ask(&mut is_well, check.timeout).await;
        let Some(breaker) = breaker.upgrade() else { return };
        match rule.seen(is_good, breaker.state()) {
            Some(HealthVerdict::Open) => breaker.open_for(Reason::HealthCheck),
            Some(HealthVerdict::Close) => breaker.close_for(Reason::HealthCheck),
            None => {}
        }
    }
}

/// One check. A panic, of which the panic hook has told, is a bad one; it is boxed so that its end can be caught too.
async fn ask<C: Future<Output = bool>>(is_well: &mut impl FnMut() -> C, limit: Duration) -> bool {
    let asked = panic::catch_unwind(AssertUnwindSafe(|| Box::pin(is_well())));
    let Ok(mut asked) = asked else { return false };
    let polled = poll_fn(|context| {
        let polled = panic::catch_unwind(AssertUnwindSafe(|| asked.as_mut().poll(context)));
        polled.unwrap_or(Poll::Ready(false))
    });
    let is_good = timeout(limit, polled).await.unwrap_or(false);
    let ended = panic::catch_unwind(AssertUnwindSafe(|| drop(asked)));
    is_good && ended.is_ok()
}

/// Stops the checks when it is dropped; see [`HealthCheck::start`]. One that ends just then on another thread may still
/// have its say.
#[derive(Debug)]
#[must_use = "dropped, it stops the checks"]
pub struct HealthGuard {
    task: AbortHandle,
}

impl Drop for HealthGuard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a health check has to do to the circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthVerdict {
    /// Open it.
    Open,
    /// Close it.
    Close,
}

/// So many bad ones in a row open the circuit, so many good ones in a row close it. Pure, for checks of your own making.
///
/// Bad ones open it again and again: while the callee is known to be ill, a half-open circuit needs no caller for a probe.
/// Good ones count only while the circuit is not closed: after it has opened, for whatever reason, it takes so many new
/// ones to close it, and a check that sees less than the callers do cannot hold it closed.
///
/// ```
/// use breaker::{HealthRule, State, HealthVerdict};
///
/// let mut rule = HealthRule::new(2, 1)?;
/// assert_eq!(rule.seen(false, State::Closed), None);
/// assert_eq!(rule.seen(false, State::Closed), Some(HealthVerdict::Open));
/// assert_eq!(rule.seen(true, State::Open), Some(HealthVerdict::Close));
/// # Ok::<(), breaker::HealthError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthRule {
    bad: u32,
    good: u32,
    bad_in_a_row: u32,
    good_in_a_row: u32,
}

impl HealthRule {
    /// A rule that has seen nothing yet.
    ///
    /// # Errors
    ///
    /// [`HealthError::Bad`] or [`HealthError::Good`] where one is zero.
    pub fn new(bad: u32, good: u32) -> Result<Self, HealthError> {
        if bad == 0 {
            return Err(HealthError::Bad);
        }
        if good == 0 {
            return Err(HealthError::Good);
        }
        Ok(Self { bad, good, bad_in_a_row: 0, good_in_a_row: 0 })
    }

    /// A check was good or not, while the circuit was in this state.
    pub fn seen(&mut self, is_good: bool, state: State) -> Option<HealthVerdict> {
        if is_good {
            self.bad_in_a_row = 0;
            self.good_in_a_row =
                if state == State::Closed { 0 } else { self.good_in_a_row.saturating_add(1) };
            (self.good_in_a_row >= self.good).then_some(HealthVerdict::Close)
        } else {
            self.good_in_a_row = 0;
            self.bad_in_a_row = self.bad_in_a_row.saturating_add(1);
            (self.bad_in_a_row >= self.bad && state != State::Open).then_some(HealthVerdict::Open)
        }
    }
}
