//! Those who look on at the calls of a breaker, and the timer that tells them in time.
//!
//! Nobody is told under a lock.

use crate::breaker::WeakBreaker;
use crate::event::{Event, Told};
use crate::log::Log;
use crate::shadow::Shadow;
use crate::snapshot::Status;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{self, Instant};

pub(crate) type Listener = Box<dyn Fn(&Event<'_>) + Send + Sync>;

/// Those who look on.
pub(crate) struct Watch {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) shadows: Vec<Shadow>,
    pub(crate) log: Log,
}

impl Watch {
    /// Whether anybody does.
    pub(crate) fn is_kept(&self) -> bool {
        !self.listeners.is_empty() || !self.shadows.is_empty() || self.log.is_kept()
    }

    pub(crate) fn tell(&self, circuit: &str, told: Option<Told>, status: &Status, at: Duration) {
        let Some((kind, transition)) = told else { return };
        let event = Event { kind, circuit, at, status, transition: transition.as_deref() };
        for listener in &self.listeners {
            // The panic hook has told of it; the call that happened to be under way is not to blame.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| listener(&event)));
        }
    }
}

/// The task that looks at the clock in time, and when.
pub(crate) struct Timer {
    pub(crate) due: Duration,
    task: AbortHandle,
}

impl Timer {
    /// Has the breaker look at the clock when something is due. `None` without a runtime, where listeners hear of it with
    /// the next call, and at the end of time.
    pub(crate) fn start(due: Duration, now: Duration, breaker: WeakBreaker) -> Option<Self> {
        let at = Instant::now().checked_add(due.saturating_sub(now))?;
        let task = Handle::try_current().ok()?.spawn(look_at(at, breaker)).abort_handle();
        Some(Self { due, task })
    }
}

/// Does not hold the breaker while it waits: a dropped breaker is gone at once.
async fn look_at(due: Instant, breaker: WeakBreaker) {
    time::sleep_until(due).await;
    if let Some(breaker) = breaker.upgrade() {
        breaker.look();
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
