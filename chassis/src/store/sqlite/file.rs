//! The file: opened, laid out, and checked to be still the one that was opened.

use super::super::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_millis(1_500);

/// Version 1 had the documents alone; version 2 no traces.
const LAYOUT: &str = "
    CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, created_at TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS handovers (key TEXT PRIMARY KEY, hop INTEGER NOT NULL, set_aside INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL, error TEXT, traceparent TEXT, tracestate TEXT) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS handovers_in_order ON handovers (set_aside, key, due, attempts);
    CREATE TABLE IF NOT EXISTS requests (request TEXT PRIMARY KEY, key TEXT NOT NULL, hop INTEGER NOT NULL, expires_at INTEGER NOT NULL, outcome TEXT) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS requests_by_key ON requests (key);
    CREATE INDEX IF NOT EXISTS requests_by_end ON requests (expires_at);
";
const VERSION: u32 = 3;
/// What `handovers` of version 2 lacks.
const TRACES: &str = "
    ALTER TABLE handovers ADD COLUMN traceparent TEXT;
    ALTER TABLE handovers ADD COLUMN tracestate TEXT;
";

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

pub(super) fn connect(folder: &Path, records: &str) -> Result<(Connection, OurFile), OpenError> {
    let no_folder = |cause| OpenError::Folder { folder: folder.to_owned(), cause };
    std::fs::create_dir_all(folder).map_err(no_folder)?;
    let file = folder.join(format!("{records}.sqlite"));
    let connection = open(&file).map_err(|cause| OpenError::File { file: file.clone(), cause })?;
    let ours = OurFile::at(file).map_err(no_folder)?;
    Ok((connection, ours))
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // An acknowledged document survives a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    lay_out(&mut connection)?;
    Ok(connection)
}

/// In one transaction, for several may open the same file at once. Not by the version, which an older program sets back.
fn lay_out(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(LAYOUT)?;
    if !transaction.column_exists(None, "handovers", "traceparent")? {
        transaction.execute_batch(TRACES)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// The file that was opened. Removed or replaced, SQLite goes on writing to what nobody will find again.
pub(super) struct OurFile {
    path: PathBuf,
    id: (u64, u64),
}

impl OurFile {
    fn at(path: PathBuf) -> std::io::Result<Self> {
        let id = identity(&path)?;
        Ok(Self { path, id })
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
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
