//! For the tests of those who use a breaker: answers without a callee. With the feature `testing`.
//!
//! The clock is moved without this: tokio's by tokio's own means, another with [`Clock::manual`](crate::Clock::manual).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// How a call is to end, whatever its work would have done: the work is dropped without having been begun. It is for
/// every way to make a call: as a future, under a policy, through the tower layer, blocking, or by permit.
///
/// ```
/// use breaker::testing::Forced;
/// use breaker::{Breaker, CallError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let breaker = Breaker::builder("payment").build()?;
/// breaker.force([Forced::TimedOut]);
///
/// let answer = breaker.call(async { Ok::<_, String>("paid") }).await;
/// assert!(matches!(answer, Err(CallError::TimedOut { .. })));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forced {
    /// Refused as by an open circuit. The circuit itself is not asked, and counts nothing.
    Open,
    /// Refused for want of a place. The circuit itself is not asked, and counts nothing.
    Full,
    /// Timed out: the circuit counts it so, and may open. A permit is given and [overdue](crate::Permit::is_overdue) at
    /// once; how it ends is left to its holder.
    TimedOut,
}

/// What is to happen to the next calls.
#[derive(Debug, Default)]
pub(crate) struct Script(Mutex<VecDeque<Forced>>);

impl Script {
    pub(crate) fn extend(&self, with: impl IntoIterator<Item = Forced>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(with);
    }

    pub(crate) fn next(&self) -> Option<Forced> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}
