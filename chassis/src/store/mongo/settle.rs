//! How hand-overs ended, written many at a time.
//!
//! Each order needs one more write when it was handed on. Nobody waits for it: those of some moment gather and are
//! written together, at the latest before anything that is asked for after them. They need not be in the journal: what is
//! lost is found out again by the next try.

use super::super::{End, Pending, StoreError};
use super::convert::{
    ATTEMPTS, DUE, ERROR, HANDOVER, ID, OUTCOME, REQUEST_KEY, SET_ASIDE, key_text, milliseconds, name,
    with_room,
};
use futures_util::FutureExt as _;
use mongodb::Database;
use mongodb::bson::raw::BindRawBsonRef;
use mongodb::bson::{Document, RawArrayBuf, RawDocumentBuf};
use mongodb::error::Error;
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
/// Bytes that most of the documents below fit into.
const ROOM: usize = 192;
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
    Write(RawDocumentBuf, OwnedSemaphorePermit),
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

    fn with<W>(records: &str, write: impl Fn(Vec<RawDocumentBuf>) -> W + Send + 'static) -> Self
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
            let statement = update(key, end).map_err(StoreError::new)?;
            let bytes = u32::try_from(statement.as_bytes().len().min(BYTES)).unwrap_or(u32::MAX);
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
    write: impl Fn(Vec<RawDocumentBuf>) -> W,
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

async fn write(database: Database, records: String, ends: Vec<RawDocumentBuf>) -> Result<(), Unnoted> {
    let all = ends.len();
    let unnoted = |error: Error| Unnoted { count: all, why: error.to_string() };
    let command = command(&records, ends).map_err(unnoted)?;
    let answer = database.run_raw_command(command).await.map_err(unnoted)?;
    refused(all, &answer).map_or(Ok(()), Err)
}

fn command(records: &str, ends: Vec<RawDocumentBuf>) -> Result<RawDocumentBuf, Error> {
    let mut concern = RawDocumentBuf::new();
    concern.append(name("w")?, 1);
    concern.append(name("j")?, false);
    let updates = RawArrayBuf::from_iter(ends);
    let mut command = with_room(ROOM + updates.as_bytes().len());
    command.append(name("update")?, records);
    command.append(name("ordered")?, false);
    command.append(name("writeConcern")?, concern);
    command.append(name("updates")?, updates);
    Ok(command)
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

/// The statement that notes it. Meets nothing where another has delivered it in the meantime.
fn update(key: Uuid, end: End) -> Result<RawDocumentBuf, Error> {
    let (mut set, mut gone) = (with_room(ROOM), false);
    // That a field has to be there: not for a key that was forgotten meanwhile, nor for what was delivered.
    let present = match &end {
        End::Taken(None) => None,
        End::Taken(Some(_)) => Some(REQUEST_KEY),
        End::Missed { .. } | End::Refused { .. } => Some(HANDOVER),
    };
    match end {
        End::Taken(known) => {
            gone = true;
            if let Some(known) = known {
                set.append(name(OUTCOME)?, known);
            }
        }
        End::Missed { attempts, due, error } => {
            set.append(name(SET_ASIDE)?, false);
            set.append(name(ATTEMPTS)?, i64::from(attempts));
            set.append(name(DUE)?, milliseconds(due));
            set.append(name(ERROR)?, error.to_string());
        }
        End::Refused { attempts, error } => {
            set.append(name(SET_ASIDE)?, true);
            set.append(name(ATTEMPTS)?, i64::from(attempts));
            set.append(name(ERROR)?, error.to_string());
        }
    }
    let mut which = with_room(ROOM);
    which.append(name(ID)?, key_text(&key, &mut Uuid::encode_buffer()));
    if let Some(present) = present {
        which.append(name(present)?, one("$exists", true)?);
    }
    let mut change = with_room(ROOM);
    if gone {
        change.append(name("$unset")?, one(HANDOVER, "")?);
    }
    if set.iter_elements().next().is_some() {
        change.append(name("$set")?, set);
    }
    let mut statement = with_room(ROOM);
    statement.append(name("q")?, which);
    statement.append(name("u")?, change);
    Ok(statement)
}

/// A document of one field.
fn one(field: &str, value: impl BindRawBsonRef) -> Result<RawDocumentBuf, Error> {
    let mut document = with_room(ROOM);
    document.append(name(field)?, value);
    Ok(document)
}

#[cfg(test)]
mod tests;
