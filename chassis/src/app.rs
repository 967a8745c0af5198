//! What the routes of one service work with.

use crate::chaos::Chaos;
use crate::circuit::Circuit;
use crate::events::Events;
use crate::handled::Observers;
use crate::hop::Next;
use crate::idempotency::UnderWay;
use crate::limits;
use crate::metrics::{Metrics, StoreTimes};
use crate::problem::Problem;
use crate::queue::{Figures, Queue};
use crate::sample::Sampler;
use crate::store::{End, Entry, Inserted, Page, Pending, Saved, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tracing::{error, warn};
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) id: String,
    /// The plural of the service's name: its collection and its route.
    pub(crate) records: String,
    pub(crate) jumps: u32,
    pub(crate) strict_status: bool,
    pub(crate) chaos: Arc<Chaos>,
    pub(crate) store: Keeper,
    pub(crate) next: Option<Next>,
    /// Where what cannot be handed on is delivered later.
    pub(crate) queue: Option<Arc<Queue>>,
    /// The keys of the requests that are under way.
    pub(crate) keys: UnderWay,
    /// How long the key of a request is kept.
    pub(crate) key_time: Duration,
    /// The circuit to the next service, if there is one.
    pub(crate) circuit: Option<Circuit>,
    pub(crate) events: Arc<Events>,
    /// Picks the requests that are watched, of those whose trace begins here.
    pub(crate) watch: Sampler,
    pub(crate) metrics: Arc<Metrics>,
    /// Are shown what became of each request.
    pub(crate) observers: Observers,
    /// A request that is under way holds one.
    pub(crate) places: Arc<Semaphore>,
}

impl App {
    /// A place among the requests that may be under way.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let taken = Arc::clone(&self.places).try_acquire_owned();
        taken.map_err(|_| Problem::unavailable("too many requests are under way", Duration::from_secs(1)))
    }

    /// The queue in numbers, as of half a second ago; none where nothing is delivered later. Costs nothing.
    pub(crate) fn queue_figures(&self) -> Option<Figures> {
        self.queue.as_deref().map(Queue::figures)
    }
}

/// The store, as the routes see it: it answers in time, and its failures are in the log.
#[derive(Debug)]
pub(crate) struct Keeper {
    store: Arc<dyn Store>,
    records: String,
    times: StoreTimes,
    /// Ends that the store has told it could not write, and that are counted.
    unnoted: AtomicU64,
}

impl Keeper {
    pub(crate) fn new(store: Arc<dyn Store>, records: &str, times: StoreTimes) -> Self {
        Self { store, records: records.to_owned(), times, unnoted: AtomicU64::new(0) }
    }

    pub(crate) async fn insert(&self, entry: Arc<Entry>) -> Result<Inserted, Problem> {
        let outcome = self.within("insert", self.store.insert(entry)).await;
        outcome.ok_or_else(|| away("the store cannot be reached: the document was not acknowledged"))
    }

    pub(crate) async fn get(&self, key: Uuid) -> Result<Option<Saved>, Problem> {
        self.read("get", self.store.get(key)).await
    }

    pub(crate) async fn list(&self, limit: u32, before: Option<Uuid>) -> Result<Page, Problem> {
        self.read("list", self.store.list(limit, before)).await
    }

    pub(crate) async fn ping(&self) -> Result<(), Problem> {
        self.read("ping", self.store.ping()).await
    }

    /// Notes how a hand-over ended. Where that cannot be, it is found out again by the next try.
    pub(crate) async fn settle(&self, key: Uuid, end: End) {
        let begun = Instant::now();
        let result = timeout(limits::SETTLE_TIME, self.store.settle(key, end)).await;
        self.times.note("settle", matches!(result, Ok(Ok(()))), begun.elapsed());
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%key, "the store of {} does not note a hand-over: {error}", self.records),
            Err(_) => warn!(%key, "the store of {} is too busy to note a hand-over", self.records),
        }
        self.count_unnoted();
    }

    /// Counts what the store took in and could not write after all, of which it tells late. Nobody waited for it.
    fn count_unnoted(&self) {
        let all = self.store.unnoted();
        for _ in self.unnoted.fetch_max(all, Ordering::Relaxed)..all {
            self.times.note("settle", false, Duration::ZERO);
        }
    }

    /// Asks the store for something else.
    pub(crate) async fn ask<'a, T>(
        &'a self,
        operation: &'static str,
        ask: impl FnOnce(&'a dyn Store) -> Pending<'a, T>,
    ) -> Result<T, Problem> {
        let answer = self.read(operation, ask(&*self.store)).await;
        self.count_unnoted();
        answer
    }

    /// Lets go of the store. False where it was not done in time.
    pub(crate) async fn close(&self) -> bool {
        self.within("close", self.store.close()).await.is_some()
    }

    async fn read<T>(&self, operation: &'static str, pending: Pending<'_, T>) -> Result<T, Problem> {
        self.within(operation, pending).await.ok_or_else(|| away("the store cannot be reached"))
    }

    async fn within<T>(&self, operation: &'static str, pending: Pending<'_, T>) -> Option<T> {
        let begun = Instant::now();
        let result = timeout(limits::STORE_TIME, pending).await;
        self.times.note(operation, matches!(result, Ok(Ok(_))), begun.elapsed());
        let cause = match result {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {:?}", limits::STORE_TIME),
        };
        error!("the store of {} failed: {cause}", self.records);
        None
    }
}

fn away(detail: &str) -> Problem {
    Problem::unavailable(detail, Duration::from_secs(1))
}
