//! The libraries that are measured, one file each, and the bare call that is taken off them.
//!
//! All are set alike: a window of 10 s where there is one, judged from 20 calls on, opened by more failures than a run
//! ever makes, so that every call is counted and judged but none changes the state.

mod bare;
mod breaker_machines;
mod circuitbreaker_rs;
mod execution_policy;
mod failsafe;
mod nobreak;
mod ours;
mod recloser;
mod tower_resilience;

use crate::limits;
use crate::peer::Row;
use std::time::Duration;

/// The window of those that have one.
const WINDOW: Duration = Duration::from_secs(10);
/// Calls before a rate is judged.
const VOLUME: u32 = 20;
/// Long enough for an open circuit to stay so.
const AN_HOUR: Duration = Duration::from_secs(3600);

/// All rows, in the order of the table.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(bare::ROWS);
    rows.extend(ours::rows());
    rows.extend(tower_resilience::ROWS);
    rows.extend(recloser::ROWS);
    rows.extend(failsafe::ROWS);
    rows.extend(circuitbreaker_rs::ROWS);
    rows.extend(execution_policy::ROWS);
    rows.extend(breaker_machines::ROWS);
    rows.extend(nobreak::ROWS);
    rows.extend(limits::ROWS);
    rows
}
