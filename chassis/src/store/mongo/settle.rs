//! How hand-overs ended, written many at a time.
//!
//! Each order needs one more write when it was handed on. Nobody waits for it: those of some moment gather and are
//! written together, at the latest before anything that is asked for after them. They need not be in the journal: what is
//! lost is found out again by the next try.

use super::super::{End, Pending, StoreError};
use super::convert::{ATTEMPTS, DUE, ERROR, HANDOVER, ID, OUTCOME, REQUEST_KEY, SET_ASIDE, milliseconds};
use futures_util::FutureExt as _;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tracing::warn;
use uuid::Uuid;

/// How long ends gather: much less than it takes until somebody else may claim a hand-over.
const GATHER: Duration = Duration::from_millis(50);
/// Ends that may wait to be written.
const QUEUE: usize = 1024;
/// Most ends in one batch.
const BATCH: usize = 512;
/// Bytes of the ends that may wait, of which a server takes 48 MB at once.
const BYTES: usize = 8 * 1024 * 1024;

/// Takes ends to a task that writes them. The task ends with it.
#[derive(Debug)]
pub(super) struct Settler {
    jobs: mpsc::Sender<Job>,
    bytes: Arc<Semaphore>,
    hurry: Arc<Notify>,
    unnoted: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Job {
    Write(Document, OwnedSemaphorePermit),
    /// Answered when all before it is written.
    Flush(oneshot::Sender<()>),
}

/// Ends that were not written.
#[derive(Debug, PartialEq)]
struct Unnoted {
    count: usize,
    why: String,
}

impl Settler {
    pub(super) fn start(database: Database, records: &str) -> Self {
        let collection = records.to_owned();
        Self::with(records, move |ends| write(database.clone(), collection.clone(), ends))
    }

    fn with<W>(records: &str, write: impl Fn(Vec<Document>) -> W + Send + 'static) -> Self
    where
        W: Future<Output = Result<(), Unnoted>> + Send + 'static,
    {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (hurry, unnoted) = (Arc::new(Notify::new()), Arc::default());
        tokio::spawn(work(records.to_owned(), queue, Arc::clone(&hurry), Arc::clone(&unnoted), write));
        Self { jobs, bytes: Arc::new(Semaphore::new(BYTES)), hurry, unnoted }
    }

    /// How many ends could not be written so far.
    pub(super) fn unnoted(&self) -> u64 {
        self.unnoted.load(Ordering::Relaxed)
    }

    /// Done when there was a place for it.
    pub(super) fn settle(&self, key: Uuid, end: End) -> Pending<'_, ()> {
        Box::pin(async move {
            let Update { statement, bytes } = update(key, end);
            let bytes = u32::try_from(bytes.min(BYTES)).unwrap_or(u32::MAX);
            let place = Arc::clone(&self.bytes).acquire_many_owned(bytes).await.map_err(|_| closed())?;
            self.jobs.send(Job::Write(statement, place)).await.map_err(|_| closed())
        })
    }

    /// Done when all that was settled before is written, or could not be.
    pub(super) async fn flush(&self) {
        let (reply, written) = oneshot::channel();
        if self.jobs.send(Job::Flush(reply)).await.is_ok() {
            self.hurry.notify_one();
            let _ = written.await;
        }
    }
}

fn closed() -> StoreError {
    StoreError::new("the store is closed")
}

async fn work<W: Future<Output = Result<(), Unnoted>>>(
    records: String,
    mut queue: mpsc::Receiver<Job>,
    hurry: Arc<Notify>,
    unnoted: Arc<AtomicU64>,
    write: impl Fn(Vec<Document>) -> W,
) {
    while let Some(first) = queue.recv().await {
        if matches!(first, Job::Write(..)) {
            let _ = timeout(GATHER, hurry.notified()).await;
        }
        let (mut ends, mut places, mut flushed) = (Vec::new(), Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Write(statement, place) => {
                    ends.push(statement);
                    places.push(place);
                }
                Job::Flush(reply) => flushed.push(reply),
            }
            next = if ends.len() >= BATCH { None } else { queue.try_recv().ok() };
        }
        if !ends.is_empty() {
            let all = ends.len();
            // A panic in the driver costs this batch and not the store.
            let written = AssertUnwindSafe(write(ends)).catch_unwind().await;
            let panic = |_| Err(Unnoted { count: all, why: "a panic: see the standard error".to_owned() });
            if let Err(Unnoted { count, why }) = written.unwrap_or_else(panic) {
                warn!("the store of {records} did not note {count} hand-overs: {why}");
                unnoted.fetch_add(count.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        }
        for reply in flushed {
            // Who does not wait any more is not told.
            let _ = reply.send(());
        }
    }
}

async fn write(database: Database, records: String, ends: Vec<Document>) -> Result<(), Unnoted> {
    let all = ends.len();
    let command = doc! {
        "update": records, "updates": ends, "ordered": false, "writeConcern": { "w": 1, "j": false },
    };
    match database.run_command(command).await {
        Ok(answer) => refused(all, &answer).map_or(Ok(()), Err),
        Err(error) => Err(Unnoted { count: all, why: error.to_string() }),
    }
}

/// What an answer says of ends that were not written: the driver takes every answer for a success.
fn refused(all: usize, answer: &Document) -> Option<Unnoted> {
    let message =
        |error: &Document| error.get_str("errmsg").unwrap_or("the server does not say why").to_owned();
    if let Ok(error) = answer.get_document("writeConcernError") {
        return Some(Unnoted { count: all, why: message(error) });
    }
    let named = answer.get_array("writeErrors").ok()?;
    let why = named.first()?.as_document().map(message).unwrap_or_default();
    Some(Unnoted { count: named.len(), why })
}

#[derive(Debug)]
struct Update {
    statement: Document,
    bytes: usize,
}

/// Meets nothing where another has delivered it in the meantime.
fn update(key: Uuid, end: End) -> Update {
    let mut which = doc! { ID: key.to_string() };
    let mut bytes = 256;
    let change = match end {
        End::Taken(None) => doc! { "$unset": { HANDOVER: "" } },
        End::Taken(Some(known)) => {
            // Not for a key that was forgotten meanwhile.
            which.insert(REQUEST_KEY, doc! { "$exists": true });
            let known = known.to_string();
            bytes += known.len();
            doc! { "$unset": { HANDOVER: "" }, "$set": { OUTCOME: known } }
        }
        End::Missed { attempts, due, error } => {
            which.insert(HANDOVER, doc! { "$exists": true });
            let error = error.to_string();
            bytes += error.len();
            let set = doc! {
                SET_ASIDE: false, ATTEMPTS: i64::from(attempts), DUE: milliseconds(due), ERROR: error,
            };
            doc! { "$set": set }
        }
        End::Refused { attempts, error } => {
            which.insert(HANDOVER, doc! { "$exists": true });
            let error = error.to_string();
            bytes += error.len();
            doc! { "$set": { SET_ASIDE: true, ATTEMPTS: i64::from(attempts), ERROR: error } }
        }
    };
    Update { statement: doc! { "q": which, "u": change }, bytes }
}

#[cfg(test)]
mod tests;
