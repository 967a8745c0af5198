//! What the routes of one service work with.

use crate::hop::Next;
use crate::limits;
use crate::problem::Problem;
use crate::settings::Faults;
use crate::store::{Pending, Saved, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tracing::error;
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) id: String,
    /// The plural of the service's name: its collection and its route.
    pub(crate) records: String,
    pub(crate) jumps: u32,
    pub(crate) strict_status: bool,
    pub(crate) faults: Faults,
    pub(crate) store: Keeper,
    pub(crate) next: Option<Next>,
    /// A request that is under way holds one.
    pub(crate) places: Arc<Semaphore>,
}

impl App {
    /// A place among the requests that may be under way.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let taken = Arc::clone(&self.places).try_acquire_owned();
        taken.map_err(|_| Problem::unavailable("too many requests are under way", Duration::from_secs(1)))
    }
}

/// The store, as the routes see it: it answers in time, and its failures are in the log.
#[derive(Debug)]
pub(crate) struct Keeper(pub(crate) Arc<dyn Store>);

impl Keeper {
    pub(crate) async fn insert(&self, saved: Arc<Saved>) -> Result<(), Problem> {
        within(self.0.insert(saved)).await
    }

    pub(crate) async fn get(&self, key: Uuid) -> Result<Option<Saved>, Problem> {
        within(self.0.get(key)).await
    }

    pub(crate) async fn list(&self, limit: u32, before: Option<Uuid>) -> Result<Vec<Saved>, Problem> {
        within(self.0.list(limit, before)).await
    }

    pub(crate) async fn ping(&self) -> Result<(), Problem> {
        within(self.0.ping()).await
    }
}

async fn within<T>(pending: Pending<'_, T>) -> Result<T, Problem> {
    let cause = match timeout(limits::STORE_TIME, pending).await {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {:?}", limits::STORE_TIME),
    };
    error!("the store failed: {cause}");
    Err(Problem::unavailable("the store cannot be reached: nothing was acknowledged", Duration::from_secs(1)))
}
