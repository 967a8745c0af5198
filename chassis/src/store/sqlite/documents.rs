//! The table of documents.

use super::super::{Page, Saved};
use crate::limits;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension as _, Row, params};
use serde::Serialize;
use tracing::warn;
use uuid::Uuid;

pub(super) fn insert(connection: &Connection, saved: &Saved) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO documents (key, created_at, document) VALUES (?1, ?2, ?3)")?
        .execute(params![saved.key.to_string(), saved.created_at.to_string(), json(&saved.document)?])
        .map(drop)
}

pub(super) fn get(connection: &Connection, key: Uuid) -> rusqlite::Result<Option<Saved>> {
    connection
        .prepare_cached("SELECT key, created_at, document FROM documents WHERE key = ?1")?
        .query_row([key.to_string()], read)
        .optional()
}

pub(super) fn list(connection: &Connection, limit: u32, before: Option<Uuid>) -> rusqlite::Result<Page> {
    // No key is as great as a tilde.
    let before = before.map_or_else(|| "~".to_owned(), |key| key.to_string());
    let mut statement = connection.prepare_cached(
        "SELECT key, created_at, document FROM documents WHERE key < ?1 ORDER BY key DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![before, limit])?;
    let mut page = Page::default();
    let (mut found, mut bytes) = (0, 0);
    while let Some(row) = rows.next()? {
        bytes += row.get_ref(2)?.as_bytes().map_or(0, <[u8]>::len);
        found += 1;
        match read(row) {
            Ok(saved) => page.documents.push(saved),
            Err(error) if unreadable(&error) => warn!("a document is passed over: {error}"),
            Err(error) => return Err(error),
        }
        if bytes > limits::PAGE_BYTES {
            page.more = true;
            return Ok(page);
        }
    }
    page.more = found == limit;
    Ok(page)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Saved> {
    let (created_at, document): (String, String) = (row.get(1)?, row.get(2)?);
    Ok(Saved {
        key: key(row, 0)?,
        created_at: created_at.parse::<Timestamp>().map_err(|error| wrong(1, error))?,
        document: serde_json::from_str(&document).map_err(|error| wrong(2, error))?,
    })
}

/// A key of ours in a row.
pub(super) fn key(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get::<_, String>(column)?.parse().map_err(|error: uuid::Error| wrong(column, error))
}

/// Milliseconds in a row.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|error| wrong(column, error))
}

pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn wrong(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::FromSqlConversionFailure(column, Type::Text, error.into())
}

/// Whether it is a row of which somebody has made something that is none of ours. The others are not to wait for it.
pub(super) fn unreadable(error: &Error) -> bool {
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
    )
}

/// Those of some rows that can be read.
pub(super) fn readable<T>(rows: impl Iterator<Item = rusqlite::Result<T>>) -> rusqlite::Result<Vec<T>> {
    let read = rows.filter(|row| match row {
        Err(error) if unreadable(error) => {
            warn!("a row is passed over: {error}");
            false
        }
        _ => true,
    });
    read.collect()
}
