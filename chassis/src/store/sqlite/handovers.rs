//! The table of what is to be handed on. A row is gone when the next service has taken it.

use super::super::outbox;
use super::super::{Backlog, Claimed, Entry, HandOver, Place, Queued, Standing, StoredTrace};
use super::documents::{self, key, readable, time, unreadable, wrong};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;
use tracing::warn;
use uuid::Uuid;

pub(super) fn insert(connection: &Connection, entry: &Entry, it: &HandOver) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO handovers (key, hop, set_aside, due, attempts, error, traceparent, tracestate)
             VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            entry.saved.key.to_string(),
            entry.hop,
            it.due.as_millisecond(),
            it.attempts(),
            it.foreseen.as_ref().map(documents::json).transpose()?,
            it.trace.as_ref().map(|trace| &trace.traceparent),
            it.trace.as_ref().map(|trace| &trace.tracestate),
        ])
        .map(drop)
}

/// Changes nothing where the row is gone: then another has delivered it.
pub(super) fn update(
    connection: &Connection,
    key: Uuid,
    place: Place,
    attempts: u32,
    due: Option<Timestamp>,
    error: &Value,
) -> rusqlite::Result<()> {
    let sql = "UPDATE handovers SET set_aside = ?2, attempts = ?3, due = coalesce(?4, due), error = ?5 WHERE key = ?1";
    let due = due.map(Timestamp::as_millisecond);
    let set_aside = place == Place::SetAside;
    connection
        .prepare_cached(sql)?
        .execute(params![key.to_string(), set_aside, attempts, due, documents::json(error)?])
        .map(drop)
}

pub(super) fn remove(connection: &Connection, key: Uuid) -> rusqlite::Result<bool> {
    let removed =
        connection.prepare_cached("DELETE FROM handovers WHERE key = ?1")?.execute([key.to_string()])?;
    Ok(removed > 0)
}

pub(super) fn retry(connection: &Connection, key: Uuid, now: Timestamp) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached("UPDATE handovers SET set_aside = 0, due = ?2 WHERE key = ?1")?
        .execute(params![key.to_string(), now.as_millisecond()])?;
    Ok(changed > 0)
}

pub(super) fn any_due(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM handovers WHERE set_aside = 0 AND due <= ?1)")?
        .query_row([now.as_millisecond()], |row| row.get(0))
}

pub(super) fn claim(
    connection: &Connection,
    now: Timestamp,
    lease: Timestamp,
    limit: u32,
) -> rusqlite::Result<Vec<Claimed>> {
    let mut statement = connection.prepare_cached(
        "UPDATE handovers SET due = ?2 WHERE key IN
           (SELECT key FROM handovers WHERE set_aside = 0 AND due <= ?1 ORDER BY key LIMIT ?3)
         RETURNING key, hop, attempts, EXISTS (SELECT 1 FROM requests WHERE requests.key = handovers.key),
           traceparent, tracestate",
    )?;
    let rows = statement.query_map(params![now.as_millisecond(), lease.as_millisecond(), limit], |row| {
        Ok((key(row, 0)?, row.get(2).unwrap_or_default(), noted(row)))
    })?;
    let mut rows = readable(rows)?;
    rows.sort_unstable_by_key(|(key, ..)| *key);
    let mut claimed = Vec::new();
    for (key, tries, noted) in rows {
        match noted.and_then(|noted| Ok((noted, documents::get(connection, key)?))) {
            Ok(((hop, attempts, keyed, trace), Some(saved))) => {
                claimed.push(Claimed { saved, hop, attempts, keyed, trace });
            }
            // Somebody has removed the document by hand.
            Ok((_, None)) => drop(remove(connection, key)?),
            Err(error) if unreadable(&error) => {
                warn!(%key, "set aside, for it cannot be read: {error}");
                update(connection, key, Place::SetAside, tries, None, &outbox::unreadable(&error))?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(claimed)
}

/// What a claim tells besides the document.
fn noted(row: &Row<'_>) -> rusqlite::Result<(u32, u32, bool, Option<StoredTrace>)> {
    Ok((row.get(1)?, row.get(2)?, row.get(3)?, trace(row, 4)?))
}

/// Rows of before the trace was noted have none.
fn trace(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<StoredTrace>> {
    let (traceparent, tracestate): (Option<_>, Option<String>) = (row.get(column)?, row.get(column + 1)?);
    let tracestate = tracestate.unwrap_or_default();
    Ok(traceparent.map(|traceparent| StoredTrace { traceparent, tracestate }))
}

pub(super) fn list(
    connection: &Connection,
    which: Option<Place>,
    limit: u32,
    after: Option<Uuid>,
) -> rusqlite::Result<Vec<Queued>> {
    let mut statement = connection.prepare_cached(
        "SELECT key, set_aside, attempts, due, error FROM handovers
         WHERE key > ?1 AND set_aside IN (?2, ?3) ORDER BY key LIMIT ?4",
    )?;
    let after = after.map_or_else(String::new, |key| key.to_string());
    let (one, other) = (which == Some(Place::SetAside), which != Some(Place::Waiting));
    let rows = statement.query_map(params![after, one, other, limit], |row| {
        let place = if row.get(1)? { Place::SetAside } else { Place::Waiting };
        Ok(Queued {
            key: key(row, 0)?,
            place,
            attempts: row.get(2)?,
            due: time(row, 3)?,
            error: value(row, 4)?,
        })
    })?;
    readable(rows)
}

pub(super) fn backlog(connection: &Connection, now: Timestamp) -> rusqlite::Result<Backlog> {
    // Not yet reported on, and not due: its own request is about to hand it on.
    let sql = "SELECT count(*), min(key) FROM handovers WHERE set_aside = 0 AND (attempts > 0 OR due <= ?1)";
    let (waiting, oldest) = connection
        .prepare_cached(sql)?
        .query_row([now.as_millisecond()], |row| Ok((number(row)?, key(row, 1).ok())))?;
    let set_aside = connection
        .prepare_cached("SELECT count(*) FROM handovers WHERE set_aside = 1")?
        .query_row([], number)?;
    Ok(Backlog { waiting, oldest, set_aside })
}

fn number(row: &Row<'_>) -> rusqlite::Result<u64> {
    row.get(0).map(|number: i64| number.unsigned_abs())
}

/// How far the hand-over of this document has come, if there is one.
pub(super) fn standing(connection: &Connection, key: Uuid) -> rusqlite::Result<Option<Standing>> {
    connection
        .prepare_cached("SELECT set_aside, attempts, due, error FROM handovers WHERE key = ?1")?
        .query_row([key.to_string()], |row| {
            let error = value(row, 3)?;
            Ok(match row.get(0)? {
                true => Standing::SetAside(error.unwrap_or_default()),
                false => Standing::Waiting { attempts: row.get(1)?, due: time(row, 2)?, error },
            })
        })
        .optional()
}

/// JSON in a row, where there is any.
pub(super) fn value(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Value>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| wrong(column, error))).transpose()
}
