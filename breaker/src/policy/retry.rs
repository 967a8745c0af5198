//! Trying again: how often, after which waits, and when it is no use.
//!
//! A retry is made for what may be better the next time, never against a circuit that is open: the wait before it is
//! given up as soon as the circuit would refuse what comes after.

use crate::backoff::Backoff;
use crate::breaker::Breaker;
use crate::random;
use pin_project_lite::pin_project;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// How often a call is made again, and after which waits.
///
/// ```
/// use breaker::{Backoff, Breaker, Policy, Retry};
/// use std::time::Duration;
///
/// let breaker = Breaker::builder("payment").build()?;
/// // At most four attempts; waits of up to 100 ms, 300 ms and 900 ms, anything from a half of each.
/// let backoff = Backoff { factor: 3.0, jitter: 0.5, ..Backoff::default() };
/// let retry = Retry { attempts: 4, first: Duration::from_millis(100), backoff };
/// let policy = Policy::builder(&breaker).retry(retry).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// Attempts in all, the first one among them: 1 makes no retries. Default 3.
    pub attempts: u32,
    /// The wait after the first attempt, before its random part is taken off. Default 50 ms.
    pub first: Duration,
    /// How the waits grow. Default [`Backoff::default`].
    pub backoff: Backoff,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, first: Duration::from_millis(50), backoff: Backoff::default() }
    }
}

/// In how many parts a wait looks at the circuit, and how long such a part is at least.
const LOOKS: u32 = 8;
const SHORTEST_LOOK: Duration = Duration::from_millis(10);

pin_project! {
    /// The wait between two attempts.
    pub(crate) struct Wait {
        #[pin]
        sleep: Sleep,
        until: Instant,
        look: Duration,
    }
}

impl Wait {
    /// `None` where the attempt after it would find the circuit open.
    pub(crate) fn new(breaker: &Breaker, now: Instant, until: Instant) -> Option<Self> {
        if is_pointless(breaker, until - now) {
            return None;
        }
        let look = ((until - now) / LOOKS).max(SHORTEST_LOOK);
        Some(Self { sleep: sleep_until(until.min(now + look)), until, look })
    }

    /// Ready with true at its end; with false as soon as the circuit makes it pointless.
    pub(crate) fn poll(self: Pin<&mut Self>, breaker: &Breaker, context: &mut Context<'_>) -> Poll<bool> {
        let mut this = self.project();
        loop {
            ready!(this.sleep.as_mut().poll(context));
            let now = Instant::now();
            if is_pointless(breaker, this.until.saturating_duration_since(now)) {
                return Poll::Ready(false);
            }
            if *this.until <= now {
                return Poll::Ready(true);
            }
            this.sleep.as_mut().reset((*this.until).min(now + *this.look));
        }
    }
}

/// Whether the circuit will refuse a call after this wait.
fn is_pointless(breaker: &Breaker, wait: Duration) -> bool {
    breaker.would_refuse().is_some_and(|refused_for| refused_for > wait)
}

/// Numbers from 0 to below 1 for the jitter. They differ from process to process, which is what jitter is for.
pub(crate) struct Random(AtomicU64);

impl Random {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(std::hash::RandomState::new().hash_one(0)))
    }

    pub(crate) fn next(&self) -> f64 {
        random::of(self.0.fetch_add(random::STEP, Ordering::Relaxed).wrapping_add(random::STEP))
    }
}
