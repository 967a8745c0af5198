//! What can be seen of a fleet from one of its instances.

use crate::snapshot::State;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// Whether an instance is with its fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetStatus {
    /// Whether Redis answered last.
    pub joined: bool,
    /// For how long that has been so.
    pub since: Duration,
    /// Why Redis is away. `None` where it is not, and before it was first tried.
    pub error: Option<String>,
    /// The circuits shared here.
    pub circuits: usize,
    /// Those that Redis has no use for, for instance because something else is kept under their keys. Each goes its own
    /// way.
    pub troubled: usize,
    /// Exchanges with Redis that went well.
    pub exchanges: u64,
    /// How often it was found to be away, or still away.
    pub failures: u64,
}

/// Something that happened to an instance of a fleet; see [`Fleet::on_event`](super::Fleet::on_event).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FleetEvent {
    /// Redis is there: the instance is with its fleet.
    Joined {
        /// How long it was on its own.
        after: Duration,
    },
    /// Redis is away: the instance is on its own. Told once, however often Redis is tried.
    Away {
        /// Why.
        error: String,
    },
    /// A circuit here does as the fleet does.
    Followed {
        /// Its name.
        circuit: String,
        /// What it is now.
        state: State,
        /// Why, as the instance says that began it.
        why: String,
    },
    /// The figures of all instances together have opened a circuit; the others follow.
    Tripped {
        /// Its name.
        circuit: String,
        /// The rule that fired, in figures.
        why: String,
    },
    /// A circuit cannot be shared: something else is kept under its keys, for instance. It goes its own way. Told once
    /// for each error.
    Trouble {
        /// Its name.
        circuit: String,
        /// Why.
        error: String,
    },
}

type Listener = Arc<dyn Fn(&FleetEvent) + Send + Sync>;

/// The state of the link to Redis, and those who want to know.
pub(super) struct Watchers {
    listeners: Mutex<Vec<Listener>>,
    link: Mutex<LinkState>,
}

struct LinkState {
    joined: bool,
    since: Instant,
    error: Option<String>,
    exchanges: u64,
    failures: u64,
}

impl Watchers {
    pub(super) fn new() -> Self {
        let link = LinkState { joined: false, since: Instant::now(), error: None, exchanges: 0, failures: 0 };
        Self { listeners: Mutex::default(), link: Mutex::new(link) }
    }

    pub(super) fn add(&self, listener: impl Fn(&FleetEvent) + Send + Sync + 'static) {
        lock(&self.listeners).push(Arc::new(listener));
    }

    /// Nothing is locked while they are told.
    pub(super) fn tell(&self, event: &FleetEvent) {
        let listeners = lock(&self.listeners).clone();
        for listener in listeners {
            // The panic hook has told of it.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| listener(event)));
        }
    }

    pub(super) fn exchanged(&self) {
        let mut link = lock(&self.link);
        link.exchanges += 1;
        if link.joined {
            return;
        }
        let after = link.since.elapsed();
        (link.joined, link.since, link.error) = (true, Instant::now(), None);
        drop(link);
        self.tell(&FleetEvent::Joined { after });
    }

    pub(super) fn failed(&self, error: String) {
        let mut link = lock(&self.link);
        link.failures += 1;
        let told = !link.joined && link.error.is_some();
        if link.joined {
            (link.joined, link.since) = (false, Instant::now());
        }
        link.error = Some(error.clone());
        drop(link);
        if !told {
            self.tell(&FleetEvent::Away { error });
        }
    }

    pub(super) fn status(&self, circuits: usize, troubled: usize) -> FleetStatus {
        let link = lock(&self.link);
        FleetStatus {
            joined: link.joined,
            since: link.since.elapsed(),
            error: link.error.clone(),
            circuits,
            troubled,
            exchanges: link.exchanges,
            failures: link.failures,
        }
    }
}

impl fmt::Debug for Watchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchers").finish_non_exhaustive()
    }
}

/// Takes a lock under which nothing can panic half-way through a change.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
