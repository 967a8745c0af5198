//! The embedded store: one SQLite file per service.
//!
//! One thread owns the connection and takes its work from a bounded queue. Inserts that have gathered while it was busy
//! are written in one transaction and share one flush to disk; each is acknowledged after it.

use super::{Page, Pending, Saved, Store, StoreError};
use crate::limits;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Requests that may wait for the thread.
const QUEUE: usize = 1024;
/// Most documents that are written in one transaction.
const BATCH: usize = 256;
/// How long another process may hold the file.
const BUSY: Duration = Duration::from_millis(1_500);

/// Keeps documents in an SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    jobs: mpsc::Sender<Job>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is not there and cannot be made.
    #[error("the folder {} cannot be made: {cause}; expected one that this program may write to", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The file cannot be opened or written, or is none of ours.
    #[error("the file {} cannot be used: {cause}; expected one of ours, or none, in a folder that this program may write to", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        cause: rusqlite::Error,
    },
    /// The operating system gave no thread.
    #[error("no thread for the store: {0}")]
    Thread(std::io::Error),
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

enum Job {
    Insert(Arc<Saved>, Reply<()>),
    Get(Uuid, Reply<Option<Saved>>),
    List(u32, Option<Uuid>, Reply<Page>),
    Ping(Reply<()>),
    Close(Reply<()>),
}

impl SqliteStore {
    /// Opens `<folder>/<records>.sqlite`, and makes it where it is missing.
    ///
    /// # Errors
    ///
    /// Where the folder or the file cannot be made, read or written.
    pub fn open(folder: &Path, records: &str) -> Result<Self, OpenError> {
        std::fs::create_dir_all(folder)
            .map_err(|cause| OpenError::Folder { folder: folder.to_owned(), cause })?;
        let file = folder.join(format!("{records}.sqlite"));
        let unusable = |cause| OpenError::File { file: file.clone(), cause };
        let connection = connect(&file).map_err(unusable)?;
        let ours = OurFile::at(file.clone())
            .map_err(|cause| OpenError::Folder { folder: folder.to_owned(), cause })?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name(format!("store {records}"))
            .spawn(move || work(connection, &ours, queue))
            .map_err(OpenError::Thread)?;
        Ok(Self { jobs })
    }

    fn ask<T: Send + 'static>(&self, job: impl FnOnce(Reply<T>) -> Job + Send + 'static) -> Pending<'_, T> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            self.jobs.send(job(reply)).await.map_err(|_| closed())?;
            answer.await.map_err(|_| closed())?
        })
    }
}

impl Store for SqliteStore {
    fn insert(&self, saved: Arc<Saved>) -> Pending<'_, ()> {
        self.ask(|reply| Job::Insert(saved, reply))
    }

    fn get(&self, key: Uuid) -> Pending<'_, Option<Saved>> {
        self.ask(move |reply| Job::Get(key, reply))
    }

    fn list(&self, limit: u32, before: Option<Uuid>) -> Pending<'_, Page> {
        self.ask(move |reply| Job::List(limit, before, reply))
    }

    fn ping(&self) -> Pending<'_, ()> {
        self.ask(Job::Ping)
    }

    fn close(&self) -> Pending<'_, ()> {
        self.ask(Job::Close)
    }
}

fn closed() -> StoreError {
    StoreError::new("the store is closed")
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // An acknowledged document survives a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, created_at TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
         PRAGMA user_version = 1;",
    )?;
    Ok(connection)
}

fn work(mut connection: Connection, file: &OurFile, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let mut inserts = Vec::new();
        let mut others = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                // Whose client was told that it took too long.
                job if job.is_forsaken() => {}
                Job::Insert(saved, reply) => inserts.push((saved, reply)),
                other => others.push(other),
            }
            next = if inserts.len() + others.len() < BATCH { queue.try_recv().ok() } else { None };
        }
        if !inserts.is_empty() {
            let written =
                file.check().and_then(|()| insert(&mut connection, &inserts).map_err(StoreError::new));
            for (_, reply) in inserts {
                tell(reply, written.clone());
            }
        }
        for job in others {
            match job {
                Job::Insert(..) => {}
                Job::Get(key, reply) => tell(reply, get(&connection, key).map_err(StoreError::new)),
                Job::List(limit, before, reply) => {
                    tell(reply, list(&connection, limit, before).map_err(StoreError::new));
                }
                Job::Ping(reply) => {
                    tell(reply, file.check().and_then(|()| ping(&connection).map_err(StoreError::new)));
                }
                Job::Close(reply) => {
                    queue.close();
                    tell(reply, connection.close().map_err(|(_, error)| StoreError::new(error)));
                    return;
                }
            }
        }
    }
}

/// Who does not wait any more is not told.
fn tell<T>(reply: Reply<T>, answer: Result<T, StoreError>) {
    let _ = reply.send(answer);
}

impl Job {
    fn is_forsaken(&self) -> bool {
        match self {
            Self::Insert(_, reply) | Self::Ping(reply) => reply.is_closed(),
            Self::Get(_, reply) => reply.is_closed(),
            Self::List(_, _, reply) => reply.is_closed(),
            Self::Close(_) => false,
        }
    }
}

/// The file that was opened. Removed or replaced, SQLite goes on writing to what nobody will find again.
struct OurFile {
    path: PathBuf,
    id: (u64, u64),
}

impl OurFile {
    fn at(path: PathBuf) -> std::io::Result<Self> {
        let id = identity(&path)?;
        Ok(Self { path, id })
    }

    fn check(&self) -> Result<(), StoreError> {
        match identity(&self.path) {
            Ok(id) if id == self.id => Ok(()),
            _ => Err(StoreError::new(format!("the file {} was removed while in use", self.path.display()))),
        }
    }
}

fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn insert(connection: &mut Connection, batch: &[(Arc<Saved>, Reply<()>)]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut statement = transaction
            .prepare_cached("INSERT INTO documents (key, created_at, document) VALUES (?1, ?2, ?3)")?;
        for (saved, _) in batch {
            let document = serde_json::to_string(&saved.document)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            statement.execute(params![saved.key.to_string(), saved.created_at.to_string(), document])?;
        }
    }
    transaction.commit()
}

fn get(connection: &Connection, key: Uuid) -> rusqlite::Result<Option<Saved>> {
    connection
        .prepare_cached("SELECT key, created_at, document FROM documents WHERE key = ?1")?
        .query_row([key.to_string()], read)
        .optional()
}

fn list(connection: &Connection, limit: u32, before: Option<Uuid>) -> rusqlite::Result<Page> {
    // No key is as great as a tilde.
    let before = before.map_or_else(|| "~".to_owned(), |key| key.to_string());
    let mut statement = connection.prepare_cached(
        "SELECT key, created_at, document FROM documents WHERE key < ?1 ORDER BY key DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![before, limit])?;
    let mut page = Page::default();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        bytes += row.get_ref(2)?.as_str()?.len();
        page.documents.push(read(row)?);
        if bytes > limits::PAGE_BYTES {
            page.more = true;
            return Ok(page);
        }
    }
    page.more = page.documents.len() == limit as usize;
    Ok(page)
}

/// Whether the file can be written to now.
fn ping(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")
}

fn read(row: &Row<'_>) -> rusqlite::Result<Saved> {
    let (key, created_at, document): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let wrong = |column, error: Box<dyn std::error::Error + Send + Sync>| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error)
    };
    Ok(Saved {
        key: key.parse().map_err(|error: uuid::Error| wrong(0, error.into()))?,
        created_at: created_at.parse::<Timestamp>().map_err(|error| wrong(1, error.into()))?,
        document: serde_json::from_str(&document).map_err(|error| wrong(2, error.into()))?,
    })
}
