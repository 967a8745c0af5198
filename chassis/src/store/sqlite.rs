//! The embedded store: one SQLite file per service.
//!
//! One thread owns the connection and takes its work from a bounded queue. Inserts that have gathered while it was busy
//! are written in one transaction and share one flush to disk; each is acknowledged after it.

use super::{Pending, Saved, Store, StoreError};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
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
    List(u32, Option<Uuid>, Reply<Vec<Saved>>),
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
        let connection = connect(&file).map_err(|cause| OpenError::File { file, cause })?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name(format!("store {records}"))
            .spawn(move || work(connection, queue))
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

    fn list(&self, limit: u32, before: Option<Uuid>) -> Pending<'_, Vec<Saved>> {
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

fn work(mut connection: Connection, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let mut inserts = Vec::new();
        let mut others = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Insert(saved, reply) => inserts.push((saved, reply)),
                other => others.push(other),
            }
            next = if inserts.len() + others.len() < BATCH { queue.try_recv().ok() } else { None };
        }
        if !inserts.is_empty() {
            let written = insert(&mut connection, &inserts).map_err(StoreError::new);
            for (_, reply) in inserts {
                // Who does not wait any more is not told.
                let _ = reply.send(written.clone());
            }
        }
        for job in others {
            match job {
                Job::Insert(..) => {}
                Job::Get(key, reply) => drop(reply.send(get(&connection, key).map_err(StoreError::new))),
                Job::List(limit, before, reply) => {
                    drop(reply.send(list(&connection, limit, before).map_err(StoreError::new)));
                }
                Job::Ping(reply) => drop(reply.send(ping(&connection).map_err(StoreError::new))),
                Job::Close(reply) => {
                    queue.close();
                    let closed = connection.close().map_err(|(_, error)| StoreError::new(error));
                    let _ = reply.send(closed);
                    return;
                }
            }
        }
    }
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

fn list(connection: &Connection, limit: u32, before: Option<Uuid>) -> rusqlite::Result<Vec<Saved>> {
    // No key is as great as a tilde.
    let before = before.map_or_else(|| "~".to_owned(), |key| key.to_string());
    connection
        .prepare_cached(
            "SELECT key, created_at, document FROM documents WHERE key < ?1 ORDER BY key DESC LIMIT ?2",
        )?
        .query_map(params![before, limit], read)?
        .collect()
}

fn ping(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM pragma_table_info('documents')", [], |_| Ok(()))
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
