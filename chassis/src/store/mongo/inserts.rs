//! Documents of concurrent requests, written together.
//!
//! Those that gather while one batch is under way are the next one: a single command, a single wait for the journal. A
//! store that is idle writes at once, so one request alone waits for nobody. Each request is answered for its own
//! document: what the server refuses of a batch, it refuses of that document alone.

use mongodb::Collection;
use mongodb::bson::RawDocumentBuf;
use mongodb::error::{Error, ErrorKind, InsertManyError, WriteFailure};
use std::collections::HashMap;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error};

/// Documents that may wait to be written.
const QUEUE: usize = 1024;
/// Most documents in one batch.
const BATCH: usize = 256;
/// Bytes of a batch, of which a server takes 48 MB; the last document may go beyond.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// The server's code for a key that is there already.
const DUPLICATE_KEY: i32 = 11_000;

/// Why a document was not written, or not for certain.
#[derive(Debug, Clone)]
pub(super) enum Unwritten {
    /// Its key is there already.
    Duplicate(Error),
    /// The connection broke, so that nobody knows what happened.
    Lost(Error),
    /// Anything else.
    Failed(Error),
}

impl From<Unwritten> for Error {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Duplicate(error) | Unwritten::Lost(error) | Unwritten::Failed(error) => error,
        }
    }
}

type Written = Result<(), Unwritten>;
type Reply = oneshot::Sender<Written>;

/// Takes documents to a task that writes them, one batch at a time. The task ends with the last of its clones.
#[derive(Debug, Clone)]
pub(super) struct Inserts {
    documents: mpsc::Sender<(RawDocumentBuf, Reply)>,
}

impl Inserts {
    pub(super) fn start(collection: Collection<RawDocumentBuf>) -> Self {
        let (documents, queue) = mpsc::channel(QUEUE);
        tokio::spawn(write(collection, queue));
        Self { documents }
    }

    /// Done when the document is where the write concern wants it. May be dropped: a document that nobody waits for any
    /// more is not written, unless that has begun.
    pub(super) async fn insert(&self, document: RawDocumentBuf) -> Written {
        let (reply, answer) = oneshot::channel();
        let gone = || Unwritten::Failed(Error::custom("the store gives no answer any more"));
        self.documents.send((document, reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

async fn write(collection: Collection<RawDocumentBuf>, mut queue: mpsc::Receiver<(RawDocumentBuf, Reply)>) {
    while let Some(first) = queue.recv().await {
        let (mut documents, mut replies, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some((document, reply)) = next {
            // Whose client was told that it took too long.
            if !reply.is_closed() {
                bytes += document.as_bytes().len();
                documents.push(document);
                replies.push(reply);
            }
            let is_full = documents.len() >= BATCH || bytes > BATCH_BYTES;
            next = if is_full { None } else { queue.try_recv().ok() };
        }
        // In a task of its own, so that a panic in the driver costs this batch and not the store.
        if let Err(panic) = tokio::spawn(write_batch(collection.clone(), documents, replies)).await {
            error!("a batch of documents is lost: {panic}");
        }
    }
}

async fn write_batch(
    collection: Collection<RawDocumentBuf>,
    documents: Vec<RawDocumentBuf>,
    replies: Vec<Reply>,
) {
    let written = match &documents[..] {
        [] => return,
        [one] => collection.insert_one(one).await.map(drop),
        many => collection.insert_many(many).ordered(false).await.map(drop),
    };
    let mut refused = match &written {
        Ok(()) => Refused { named: HashMap::new(), others: Ok(()) },
        Err(error) => {
            debug!("MongoDB: {error}");
            Refused::of(error)
        }
    };
    for (at, reply) in replies.into_iter().enumerate() {
        tell(reply, refused.take(at));
    }
}

/// Who does not wait any more is not told.
fn tell(reply: Reply, written: Written) {
    let _ = reply.send(written);
}

/// What an error says of each document of a batch.
struct Refused {
    /// Of those that are named.
    named: HashMap<usize, Unwritten>,
    /// Of all others.
    others: Written,
}

impl Refused {
    fn of(error: &Error) -> Self {
        let all = |unwritten| Self { named: HashMap::new(), others: Err(unwritten) };
        match &*error.kind {
            ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => all(Unwritten::Lost(error.clone())),
            ErrorKind::Write(WriteFailure::WriteError(write)) if write.code == DUPLICATE_KEY => {
                all(Unwritten::Duplicate(error.clone()))
            }
            // Where nothing says how far the others have come, none of them is acknowledged.
            ErrorKind::InsertMany(InsertManyError {
                write_errors: Some(named), write_concern_error, ..
            }) => {
                let named = named.iter().map(|write| {
                    let told = Error::custom(format!("{}: {}", write.code, write.message));
                    let duplicate = write.code == DUPLICATE_KEY;
                    (
                        write.index,
                        if duplicate { Unwritten::Duplicate(told) } else { Unwritten::Failed(told) },
                    )
                });
                let others = match write_concern_error {
                    None => Ok(()),
                    Some(_) => Err(Unwritten::Failed(error.clone())),
                };
                Self { named: named.collect(), others }
            }
            _ => all(Unwritten::Failed(error.clone())),
        }
    }

    fn take(&mut self, at: usize) -> Written {
        self.named.remove(&at).map_or_else(|| self.others.clone(), Err)
    }
}
