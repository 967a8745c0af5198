//! Documents of concurrent requests, written together.
//!
//! Those that gather while one batch is under way are the next one: a single command, a single wait for the journal. Where
//! nothing is under way a document is written at once, by the request itself: one alone waits for nobody, and wakes nobody.
//! For those who have come meanwhile a task goes on. Each request is answered for its own document: what the server refuses of a batch, it
//! refuses of that document alone.

use crate::finish::Finish;
use futures_util::FutureExt as _;
use mongodb::Collection;
use mongodb::bson::RawDocumentBuf;
use mongodb::error::{Error, ErrorKind, InsertManyError, WriteFailure};
use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tracing::{debug, error};

/// Documents that may wait to be written: more than there may be requests.
const LINE: usize = 1024;
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
type Batch = (Vec<RawDocumentBuf>, Vec<Reply>);

/// Takes documents, and has them written one batch at a time.
#[derive(Debug)]
pub(super) struct Inserts(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    collection: Collection<RawDocumentBuf>,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<(RawDocumentBuf, Reply)>,
    /// Whether there is a task that will come to those that wait.
    tended: bool,
}

impl Inserts {
    pub(super) fn new(collection: Collection<RawDocumentBuf>) -> Self {
        Self(Arc::new(Shared { collection, line: Mutex::default() }))
    }

    /// Done when the document is where the write concern wants it. May be dropped: a document that nobody waits for any
    /// more is not written, unless that has begun.
    pub(super) async fn insert(&self, document: RawDocumentBuf) -> Written {
        let (reply, answer) = oneshot::channel();
        if !self.0.join(document, reply)? {
            Finish::new(Arc::clone(&self.0).begin()).await;
        }
        let lost = |_| Unwritten::Failed(Error::custom("the store gives no answer any more"));
        answer.await.map_err(lost)?
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody will come to it. If not, that is the caller's from now on.
    fn join(&self, document: RawDocumentBuf, reply: Reply) -> Result<bool, Unwritten> {
        let mut line = self.line();
        if line.waiting.len() >= LINE {
            return Err(Unwritten::Failed(Error::custom("too many documents wait to be written")));
        }
        line.waiting.push_back((document, reply));
        Ok(std::mem::replace(&mut line.tended, true))
    }

    /// The next batch, or none where the line is empty: then it is left alone.
    fn next(&self) -> Option<Batch> {
        let (mut documents, mut replies, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut line = self.line();
        while documents.len() < BATCH && bytes <= BATCH_BYTES {
            let Some((document, reply)) = line.waiting.pop_front() else { break };
            // Else its client was told that it took too long.
            if !reply.is_closed() {
                bytes += document.as_bytes().len();
                documents.push(document);
                replies.push(reply);
            }
        }
        line.tended = !documents.is_empty();
        line.tended.then_some((documents, replies))
    }

    /// Writes one batch, and leaves what has come meanwhile to a task.
    async fn begin(self: Arc<Self>) {
        if let Some(batch) = self.next() {
            self.write(batch).await;
            if let Some(batch) = self.next() {
                tokio::spawn(self.go_on(batch));
            }
        }
    }

    async fn go_on(self: Arc<Self>, first: Batch) {
        let mut next = Some(first);
        while let Some(batch) = next {
            self.write(batch).await;
            next = self.next();
        }
    }

    async fn write(&self, (documents, replies): Batch) {
        // A panic in the driver costs this batch and not the store.
        let written = write_batch(&self.collection, documents, replies);
        if AssertUnwindSafe(written).catch_unwind().await.is_err() {
            error!("a batch of documents is lost: see the standard error");
        }
    }
}

async fn write_batch(
    collection: &Collection<RawDocumentBuf>,
    documents: Vec<RawDocumentBuf>,
    replies: Vec<Reply>,
) {
    let written = match &documents[..] {
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
