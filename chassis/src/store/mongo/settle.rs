//! How hand-overs ended, written many at a time.
//!
//! Each order needs one more write when it was handed on. Those of concurrent requests gather while one batch is under
//! way, and are the next one. They need not be in the journal: what is lost is found out again by the next try.

use super::super::{End, Pending, StoreError};
use super::convert::{ATTEMPTS, DUE, ERROR, HANDOVER, ID, OUTCOME, REQUEST_KEY, SET_ASIDE, milliseconds};
use mongodb::Database;
use mongodb::bson::{Document, doc};
use tokio::sync::{mpsc, oneshot};
use tracing::debug;
use uuid::Uuid;

/// Ends that may wait to be written.
const QUEUE: usize = 1024;
/// Most ends in one batch.
const BATCH: usize = 256;
/// Bytes of a batch, of which a server takes 48 MB; the last of it may go beyond.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

type Reply = oneshot::Sender<Result<(), StoreError>>;

/// Takes ends to a task that writes them. The task ends with it.
#[derive(Debug)]
pub(super) struct Settler {
    ends: mpsc::Sender<(Update, Reply)>,
}

#[derive(Debug)]
struct Update {
    statement: Document,
    bytes: usize,
}

impl Settler {
    pub(super) fn start(database: Database, records: &str) -> Self {
        let (ends, queue) = mpsc::channel(QUEUE);
        tokio::spawn(write(database, records.to_owned(), queue));
        Self { ends }
    }

    pub(super) fn settle(&self, key: Uuid, end: End) -> Pending<'_, ()> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let closed = || StoreError::new("the store is closed");
            self.ends.send((update(key, end), reply)).await.map_err(|_| closed())?;
            answer.await.map_err(|_| closed())?
        })
    }
}

async fn write(database: Database, records: String, mut queue: mpsc::Receiver<(Update, Reply)>) {
    while let Some(first) = queue.recv().await {
        let (mut statements, mut replies, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some((update, reply)) = next {
            bytes += update.bytes;
            statements.push(update.statement);
            replies.push(reply);
            let is_full = replies.len() >= BATCH || bytes > BATCH_BYTES;
            next = if is_full { None } else { queue.try_recv().ok() };
        }
        let command = doc! {
            "update": &records, "updates": statements, "ordered": false, "writeConcern": { "w": 1, "j": false },
        };
        let written = database.run_command(command).await.map(drop);
        let written = written.inspect_err(|error| debug!("MongoDB: {error}")).map_err(StoreError::new);
        for reply in replies {
            // Who does not wait any more is not told.
            let _ = reply.send(written.clone());
        }
    }
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
