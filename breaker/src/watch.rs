//! Those who look on at the calls of a breaker, and the timer that tells them in time.
//!
//! Nobody is told under a lock.

use crate::breaker::WeakBreaker;
use crate::event::{Event, EventKind, Events, Told};
use crate::log::Log;
use crate::shadow::Shadow;
use crate::snapshot::Status;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{self, Instant};

pub(crate) type Listener = Box<dyn Fn(&Event<'_>) + Send + Sync>;

/// What a listener is told of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kinds(u16);

/// What of a call somebody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watched {
    Nothing,
    /// How it ends, but not that it begins.
    End,
    All,
}

/// Those who look on.
pub(crate) struct Watch {
    pub(crate) listeners: Vec<(Kinds, Listener)>,
    pub(crate) shadows: Vec<Shadow>,
    pub(crate) log: Log,
}

impl Watch {
    /// What of a call anybody looks at.
    pub(crate) fn watched(&self) -> Watched {
        if !self.shadows.is_empty() || self.wants(EventKind::Fire) {
            Watched::All
        } else if !self.listeners.is_empty() || self.log.is_kept() {
            Watched::End
        } else {
            Watched::Nothing
        }
    }

    /// Whether anybody is told of one of these.
    pub(crate) fn wants_one_of(&self, events: &Events) -> bool {
        events.iter().flatten().any(|(kind, _)| self.wants(*kind))
    }

    fn wants(&self, kind: EventKind) -> bool {
        self.listeners.iter().any(|(kinds, _)| kinds.contain(kind))
    }

    pub(crate) fn tell(&self, circuit: &str, told: Option<Told>, status: &Status, at: Duration) {
        let Some((kind, transition)) = told else { return };
        let event = Event { kind, circuit, at, status, transition: transition.as_deref() };
        for (_, listener) in self.listeners.iter().filter(|(kinds, _)| kinds.contain(kind)) {
            // The panic hook has told of it; the call that happened to be under way is not to blame.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| listener(&event)));
        }
    }
}

impl Kinds {
    /// Those of other releases, too.
    pub(crate) const ALL: Self = Self(u16::MAX);

    fn contain(self, kind: EventKind) -> bool {
        self.0 & bit(kind) != 0
    }
}

fn bit(kind: EventKind) -> u16 {
    1 << kind as u16
}

impl FromIterator<EventKind> for Kinds {
    fn from_iter<T: IntoIterator<Item = EventKind>>(kinds: T) -> Self {
        Self(kinds.into_iter().fold(0, |all, kind| all | bit(kind)))
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
