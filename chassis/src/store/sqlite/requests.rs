//! The table of requests that bore a key.

use super::super::{Entry, Known, RequestKey, Standing};
use super::documents::{self, key, time};
use super::handovers;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

/// Most keys that are forgotten at a time, so that nobody waits long behind it.
const SWEEP: u32 = 1_000;

pub(super) fn insert(connection: &Connection, request: &RequestKey, entry: &Entry) -> rusqlite::Result<()> {
    let (key, expires_at) = (entry.saved.key.to_string(), request.expires_at.as_millisecond());
    connection
        .prepare_cached("INSERT INTO requests (request, key, hop, expires_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![request.key, key, entry.hop, expires_at])
        .map(drop)
}

/// The request that bore this key. One that has expired is forgotten on the way.
pub(super) fn find(
    connection: &Connection,
    request: &str,
    now: Timestamp,
) -> rusqlite::Result<Option<Known>> {
    let found = connection
        .prepare_cached("SELECT key, hop, expires_at, outcome FROM requests WHERE request = ?1")?
        .query_row([request], |row| Ok((key(row, 0)?, row.get(1)?, time(row, 2)?, handovers::value(row, 3)?)))
        .optional()?;
    let Some((key, hop, expires_at, outcome)) = found else { return Ok(None) };
    let saved = if expires_at > now { documents::get(connection, key)? } else { None };
    let Some(saved) = saved else {
        connection.prepare_cached("DELETE FROM requests WHERE request = ?1")?.execute([request])?;
        return Ok(None);
    };
    let standing = match outcome {
        Some(outcome) => Standing::Over(outcome),
        None => handovers::standing(connection, key)?.unwrap_or(Standing::None),
    };
    Ok(Some(Known { saved, hop, standing }))
}

/// Keeps what became of a request, for those who ask again.
pub(super) fn answer(connection: &Connection, key: Uuid, outcome: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE requests SET outcome = ?2 WHERE key = ?1")?
        .execute(params![key.to_string(), outcome])
        .map(drop)
}

pub(super) fn sweep(connection: &Connection, now: Timestamp) -> rusqlite::Result<u32> {
    let sql = "DELETE FROM requests WHERE request IN (SELECT request FROM requests WHERE expires_at <= ?1 LIMIT ?2)";
    let swept = connection.prepare_cached(sql)?.execute(params![now.as_millisecond(), SWEEP])?;
    Ok(u32::try_from(swept).unwrap_or(SWEEP))
}
