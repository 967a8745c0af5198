//! The call that every library wraps, and the loop that polls it: the same for all.
//!
//! Its result goes through `black_box`, so that no library profits from a compiler that knows it. There is no runtime
//! around the futures: a poll costs nothing but what is inside, and the bare call some nanoseconds.

use std::fmt;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// What the call answers with.
pub(crate) type Work = Result<u32, Fault>;

/// What the call fails with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault(pub(crate) u32);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault {}", self.0)
    }
}

impl std::error::Error for Fault {}

/// How a call through a breaker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Good,
    Bad,
    Refused,
    /// None of these: the library does what this project does not know of.
    Odd,
}

impl From<Work> for Answer {
    #[inline(always)]
    fn from(work: Work) -> Self {
        match work {
            Ok(_) => Self::Good,
            Err(_) => Self::Bad,
        }
    }
}

/// Succeeds at once.
#[inline(always)]
pub(crate) fn good_now() -> Work {
    Ok(black_box(7))
}

/// Fails at once.
#[inline(always)]
pub(crate) fn bad_now() -> Work {
    Err(Fault(black_box(7)))
}

/// A future that succeeds at its first poll.
#[inline(always)]
pub(crate) fn good() -> Ready<Work> {
    ready(good_now())
}

/// A future that fails at its first poll.
#[inline(always)]
pub(crate) fn bad() -> Ready<Work> {
    ready(bad_now())
}

/// A future that is pending at its first poll and succeeds at its second.
#[inline(always)]
pub(crate) fn pends_once() -> PendsOnce {
    PendsOnce { polled: false }
}

/// See [`pends_once`].
pub(crate) struct PendsOnce {
    polled: bool,
}

impl Future for PendsOnce {
    type Output = Work;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Work> {
        if self.polled {
            Poll::Ready(good_now())
        } else {
            self.polled = true;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }
}

/// More polls than any call needs that waits for another thread only.
const MOST_POLLS: u32 = 100_000_000;

/// Polls a future until it is ready. A tokio runtime has to be entered where the future asks for a timer; it does not
/// run, so no timer ever fires.
///
/// # Panics
///
/// Where the future waits for something that does not come.
#[inline(always)]
pub(crate) fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..MOST_POLLS {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("a call hangs")
}
