//! SQLite: the file that a service has open, written by a second connection.

use super::{State, border, key};
use crate::fleet::{Fleet, Kit};
use rusqlite::{Connection, OptionalExtension as _};
use std::time::Duration;

/// How long the service may hold the file.
const BUSY: Duration = Duration::from_secs(10);
/// The tables, and which of their columns holds what has to differ between two rows.
const TABLES: [(&str, &[&str]); 3] =
    [("documents", &["key"]), ("handovers", &["key"]), ("requests", &["request", "key"])];

/// Whether there was a document to be copied.
pub(super) fn fill(
    kit: &Kit,
    fleet: &Fleet,
    service: &str,
    oldest: u64,
    size: u32,
    state: State,
) -> Result<bool, String> {
    told(copy(&mut open(kit, fleet, service)?, oldest, size, state))
}

fn copy(connection: &mut Connection, oldest: u64, size: u32, state: State) -> rusqlite::Result<bool> {
    let wanted = match state {
        State::Settled => {
            "SELECT key FROM documents WHERE key NOT IN (SELECT key FROM handovers) ORDER BY key DESC LIMIT 1"
        }
        State::Waiting => "SELECT key FROM handovers WHERE attempts > 0 ORDER BY key DESC LIMIT 1",
    };
    let Some(pattern) = connection.query_row(wanted, [], |row| row.get::<_, String>(0)).optional()? else {
        return Ok(false);
    };
    let change = connection.transaction()?;
    for (table, differ) in TABLES {
        change.execute(&format!("DELETE FROM {table} WHERE key <> ?1"), [&pattern])?;
        let columns = columns(&change, table)?;
        let copied: Vec<&str> =
            columns.iter().map(|name| if differ.contains(&name.as_str()) { "?1" } else { name }).collect();
        let (columns, copied) = (columns.join(", "), copied.join(", "));
        let insert = format!("INSERT INTO {table} ({columns}) SELECT {copied} FROM {table} WHERE key = ?2");
        let mut insert = change.prepare(&insert)?;
        for number in 0..size {
            // Where there is nothing to be copied, there will not be.
            if insert.execute([&key(oldest, number), &pattern])? == 0 {
                break;
            }
        }
        change.execute(&format!("DELETE FROM {table} WHERE key = ?1"), [&pattern])?;
    }
    change.commit()?;
    checkpoint(connection)?;
    Ok(true)
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    columns.query_map([table], |row| row.get(0))?.collect()
}

pub(super) fn count(kit: &Kit, fleet: &Fleet, service: &str) -> Result<u64, String> {
    let connection = open(kit, fleet, service)?;
    let count = connection.query_row("SELECT count(*) FROM documents", [], |row| row.get::<_, i64>(0));
    told(count).map(i64::unsigned_abs)
}

pub(super) fn take_away(kit: &Kit, fleet: &Fleet, service: &str, size: u32) -> Result<(), String> {
    let connection = open(kit, fleet, service)?;
    for (table, _) in TABLES {
        let deleted = if size == 0 {
            // All of them, which SQLite does at once.
            connection.execute(&format!("DELETE FROM {table}"), [])
        } else {
            connection.execute(&format!("DELETE FROM {table} WHERE key > ?1"), [border(size)])
        };
        told(deleted)?;
    }
    told(checkpoint(&connection))
}

/// Into the file itself, so that the service has not to do it later.
fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

fn open(kit: &Kit, fleet: &Fleet, service: &str) -> Result<Connection, String> {
    let file = kit.work.join(fleet.setup.place()).join(format!("{service}s.sqlite"));
    let connection = told(Connection::open(file))?;
    told(connection.busy_timeout(BUSY))?;
    Ok(connection)
}

fn told<T>(result: rusqlite::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("SQLite: {error}"))
}
