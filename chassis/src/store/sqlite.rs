//! The embedded store: one SQLite file per service.
//!
//! One thread owns the connection and takes its work from a bounded queue. Writes that have gathered while it was busy
//! are one transaction and share one flush to disk; each is acknowledged after it.

mod documents;
mod file;
mod handovers;
mod requests;

use super::{
    Backlog, Claimed, End, Entry, Inserted, Outbox, Page, Pending, Place, Queued, Saved, Store, StoreError,
};
use file::{OurFile, connect};
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};
use tracing::warn;
use uuid::Uuid;

pub use file::OpenError;

/// Requests that may wait for the thread.
const QUEUE: usize = 1024;
/// Most writes in one transaction.
const BATCH: usize = 256;

/// Keeps documents in an SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    jobs: mpsc::Sender<Job>,
    unnoted: Arc<AtomicU64>,
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

type Work = Box<dyn FnOnce(&mut Worker) + Send>;

enum Job {
    Insert(Arc<Entry>, Reply<Inserted>),
    /// Nobody waits for it; it is written before all that comes after it.
    Settle(Uuid, End),
    /// Anything else, which is done by itself; it looks for itself whether somebody still waits for it.
    Other(Work),
    Close(Reply<()>),
}

/// What the thread works with.
struct Worker {
    connection: Connection,
    file: OurFile,
    flushes: bool,
    unnoted: Arc<AtomicU64>,
}

impl SqliteStore {
    /// Opens `<folder>/<records>.sqlite`, and makes it where it is missing.
    ///
    /// # Errors
    ///
    /// Where the folder or the file cannot be made, read or written.
    pub fn open(folder: &Path, records: &str) -> Result<Self, OpenError> {
        let (connection, file) = connect(folder, records)?;
        let unnoted = Arc::default();
        let worker = Worker { connection, file, flushes: true, unnoted: Arc::clone(&unnoted) };
        let (jobs, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name(format!("store {records}"))
            .spawn(move || worker.work(queue))
            .map_err(OpenError::Thread)?;
        Ok(Self { jobs, unnoted })
    }

    fn ask<T: Send + 'static>(&self, job: impl FnOnce(Reply<T>) -> Job + Send + 'static) -> Pending<'_, T> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            self.jobs.send(job(reply)).await.map_err(|_| closed())?;
            answer.await.map_err(|_| closed())?
        })
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Worker) -> Result<T, StoreError> + Send + 'static,
    ) -> Pending<'_, T> {
        self.ask(move |reply| {
            Job::Other(Box::new(move |worker| {
                // Else its client was told that it took too long.
                if !reply.is_closed() {
                    tell(reply, work(worker));
                }
            }))
        })
    }
}

impl Store for SqliteStore {
    fn insert(&self, entry: Arc<Entry>) -> Pending<'_, Inserted> {
        self.ask(|reply| Job::Insert(entry, reply))
    }

    fn get(&self, key: Uuid) -> Pending<'_, Option<Saved>> {
        self.run(move |worker| documents::get(&worker.connection, key).map_err(StoreError::new))
    }

    fn list(&self, limit: u32, before: Option<Uuid>) -> Pending<'_, Page> {
        self.run(move |worker| documents::list(&worker.connection, limit, before).map_err(StoreError::new))
    }

    fn ping(&self) -> Pending<'_, ()> {
        self.run(|worker| {
            worker.file.check()?;
            worker.connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map_err(StoreError::new)
        })
    }

    fn close(&self) -> Pending<'_, ()> {
        self.ask(Job::Close)
    }
}

impl Outbox for SqliteStore {
    fn settle(&self, key: Uuid, end: End) -> Pending<'_, ()> {
        Box::pin(async move { self.jobs.send(Job::Settle(key, end)).await.map_err(|_| closed()) })
    }

    fn unnoted(&self) -> u64 {
        self.unnoted.load(Ordering::Relaxed)
    }

    fn claim(&self, now: Timestamp, lease: Timestamp, limit: u32) -> Pending<'_, Vec<Claimed>> {
        self.run(move |worker| {
            let due = handovers::any_due(&worker.connection, now).map_err(StoreError::new)?;
            if !due {
                return Ok(Vec::new());
            }
            // A lease that is lost with the machine has run out.
            worker.write(false, |transaction| handovers::claim(transaction, now, lease, limit))
        })
    }

    fn queued(&self, which: Option<Place>, limit: u32, after: Option<Uuid>) -> Pending<'_, Vec<Queued>> {
        self.run(move |worker| {
            handovers::list(&worker.connection, which, limit, after).map_err(StoreError::new)
        })
    }

    fn backlog(&self, now: Timestamp) -> Pending<'_, Backlog> {
        self.run(move |worker| handovers::backlog(&worker.connection, now).map_err(StoreError::new))
    }

    fn retry(&self, key: Uuid, now: Timestamp) -> Pending<'_, bool> {
        self.run(move |worker| worker.write(true, |transaction| handovers::retry(transaction, key, now)))
    }

    fn discard(&self, key: Uuid, end: String) -> Pending<'_, bool> {
        self.run(move |worker| {
            worker.write(true, |transaction| {
                requests::answer(transaction, key, &end)?;
                handovers::remove(transaction, key)
            })
        })
    }

    fn sweep(&self, now: Timestamp) -> Pending<'_, u32> {
        self.run(move |worker| {
            // Keys that are forgotten late do no harm.
            worker.write(false, |transaction| requests::sweep(transaction, now))
        })
    }
}

fn closed() -> StoreError {
    StoreError::new("the store is closed")
}

/// Writes that share a transaction.
#[derive(Default)]
struct Batch {
    inserts: Vec<(Arc<Entry>, Reply<Inserted>)>,
    ends: Vec<(Uuid, End)>,
    others: Vec<Work>,
    close: Option<Reply<()>>,
}

impl Batch {
    fn gather(first: Job, queue: &mut mpsc::Receiver<Job>) -> Self {
        let mut batch = Self::default();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                // Whose client was told that it took too long.
                Job::Insert(_, reply) if reply.is_closed() => {}
                Job::Insert(entry, reply) => batch.inserts.push((entry, reply)),
                Job::Settle(key, end) => batch.ends.push((key, end)),
                Job::Other(work) => batch.others.push(work),
                Job::Close(reply) => batch.close = Some(reply),
            }
            let is_full = batch.inserts.len() + batch.ends.len() + batch.others.len() >= BATCH;
            next = if is_full || batch.close.is_some() { None } else { queue.try_recv().ok() };
        }
        batch
    }
}

impl Worker {
    fn work(mut self, mut queue: mpsc::Receiver<Job>) {
        while let Some(first) = queue.blocking_recv() {
            let Batch { inserts, ends, others, close } = Batch::gather(first, &mut queue);
            if inserts.len() + ends.len() > 0 {
                let written: Result<Vec<_>, _> = self.write(!inserts.is_empty(), |transaction| {
                    for (key, end) in &ends {
                        settle(transaction, *key, end)?;
                    }
                    inserts.iter().map(|(entry, _)| try_insert(transaction, entry)).collect()
                });
                match written {
                    Ok(outcomes) => {
                        inserts.into_iter().zip(outcomes).for_each(|((_, reply), one)| tell(reply, one));
                    }
                    Err(error) => {
                        inserts.into_iter().for_each(|(_, reply)| tell(reply, Err(error.clone())));
                        if !ends.is_empty() {
                            warn!("{} hand-overs were not noted: {error}", ends.len());
                            let count = ends.len().try_into().unwrap_or(u64::MAX);
                            self.unnoted.fetch_add(count, Ordering::Relaxed);
                        }
                    }
                }
            }
            for work in others {
                work(&mut self);
            }
            if let Some(reply) = close {
                queue.close();
                tell(reply, self.connection.close().map_err(|(_, error)| StoreError::new(error)));
                return;
            }
        }
    }

    /// Makes a transaction. Where it need not be flushed to disk, it will be with the next one that must.
    fn write<T>(
        &mut self,
        flush: bool,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.file.check()?;
        let write = || {
            if self.flushes != flush {
                let level = if flush { "full" } else { "normal" };
                self.connection.pragma_update(None, "synchronous", level)?;
                self.flushes = flush;
            }
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        let written: rusqlite::Result<T> = write();
        written.map_err(StoreError::new)
    }
}

/// An insert that fails leaves the others of its transaction, and the ends, alone. The outer error is one of them all.
fn try_insert(
    transaction: &Transaction<'_>,
    entry: &Entry,
) -> rusqlite::Result<Result<Inserted, StoreError>> {
    transaction.execute_batch("SAVEPOINT one")?;
    match insert(transaction, entry) {
        Ok(inserted) => transaction.execute_batch("RELEASE one").map(|()| Ok(inserted)),
        // SQLite has undone the whole transaction.
        Err(error) if transaction.is_autocommit() => Err(error),
        Err(error) => {
            transaction.execute_batch("ROLLBACK TO one; RELEASE one").map(|()| Err(StoreError::new(error)))
        }
    }
}

fn insert(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<Inserted> {
    if let Some(request) = &entry.request {
        if let Some(known) = requests::find(transaction, &request.key, entry.saved.created_at)? {
            return Ok(Inserted::Known(Box::new(known)));
        }
        requests::insert(transaction, request, entry)?;
    }
    documents::insert(transaction, &entry.saved)?;
    if let Some(hand_over) = &entry.hand_over {
        handovers::insert(transaction, entry, hand_over)?;
    }
    Ok(Inserted::Kept)
}

fn settle(transaction: &Transaction<'_>, key: Uuid, end: &End) -> rusqlite::Result<()> {
    match end {
        End::Taken(known) => {
            if let Some(known) = known {
                requests::answer(transaction, key, known)?;
            }
            handovers::remove(transaction, key).map(drop)
        }
        End::Missed { attempts, due, error } => {
            handovers::update(transaction, key, Place::Waiting, *attempts, Some(*due), error)
        }
        End::Refused { attempts, error } => {
            handovers::update(transaction, key, Place::SetAside, *attempts, None, error)
        }
    }
}

/// Who does not wait any more is not told.
fn tell<T>(reply: Reply<T>, answer: Result<T, StoreError>) {
    let _ = reply.send(answer);
}
