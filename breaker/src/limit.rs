//! What gives up a call that takes too long: a timer that is made only where the call has to wait.

use crate::breaker::Breaker;
use crate::place::Place;
use pin_project_lite::pin_project;
use std::borrow::Borrow;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};

pin_project! {
    /// The time that one call may take.
    pub(crate) struct Limit {
        // Unconstrained: work that has used up its share of the runtime's time must not keep the limit from being seen.
        #[pin]
        sleep: Unconstrained<Sleep>,
        // What the caller is told it was.
        after: Duration,
    }
}

impl Limit {
    /// For a call whose work is pending: ready when the call is to be given up, with the time-out's length. The first to
    /// ask makes the timer.
    pub(crate) fn poll<H: Borrow<Breaker>>(
        mut limit: Pin<&mut Option<Self>>,
        place: &Place<H>,
        context: &mut Context<'_>,
    ) -> Poll<Duration> {
        if limit.is_none() {
            let Some((left, after)) = place.time_left() else { return Poll::Pending };
            // A time-out beyond the end of time is none.
            let Some(deadline) = Instant::now().checked_add(left) else { return Poll::Pending };
            limit.set(Some(Self { sleep: unconstrained(sleep_until(deadline)), after }));
        }
        let limit = limit.as_pin_mut().expect("just made").project();
        limit.sleep.poll(context).map(|()| *limit.after)
    }
}
