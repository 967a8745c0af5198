//! Circuits as records of a `hystrix.stream`, which the original dashboard of Netflix Hystrix draws. With the feature
//! `hystrix`.
//!
//! Only the encoding: a stream is a response of the type [`CONTENT_TYPE`] that is never over, with a [`record`] of every
//! circuit once or twice a second. Whoever serves it asks for the snapshots, in whatever server there is.
//!
//! ```
//! use breaker::{Registry, hystrix};
//! use std::time::{SystemTime, UNIX_EPOCH};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let circuits = Registry::builder().build();
//! circuits.get("payment").permit()?.success();
//!
//! // What the stream sends every half second.
//! let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
//! let mut chunk = String::new();
//! for breaker in circuits.iter() {
//!     chunk += &hystrix::record(breaker.name(), &breaker.snapshot(), now);
//! }
//! if chunk.is_empty() {
//!     chunk += hystrix::KEEP_ALIVE;
//! }
//! assert!(chunk.starts_with(r#"data: {"type":"HystrixCommand","name":"payment","#));
//! # Ok(()) }
//! ```
//!
//! # What the figures mean
//!
//! Hystrix' own fields, with Hystrix' own meaning wherever a circuit knows the figure:
//!
//! - **Half-open is open**, as in Hystrix, which calls a circuit open until it is closed; the dashboard knows no third
//!   state.
//! - **Modes**: forced open is `ForceOpen` and open; forced closed is `ForceClosed` and closed; disabled is not `Enabled`
//!   and closed. A circuit in [`Mode::MetricsOnly`] refuses nothing, so it is `ForceClosed`, and open where it would
//!   refuse.
//! - **The error percentage** is that of Hystrix: failures, time-outs and calls without a place, of those and the
//!   successes, in whole percent, rounded down. Refused calls are not among them. It may differ from
//!   [`Snapshot::error_rate`](crate::Snapshot::error_rate), which is what the circuit is judged by.
//! - **Counts** are those of the window; where the window is one of calls, those of the last 10 s. Calls of a disabled
//!   circuit are in none of them.
//! - **Isolation** is by `SEMAPHORE`: no threads, no queue. The thread pool of a circuit is its
//!   [`capacity`](crate::Settings::capacity); where there is none, it is as large as there are calls under way, like a
//!   cached thread pool of Java, and limits are 2,147,483,647.
//! - **Latencies** are in whole milliseconds, rounded; execution and total are the same. Times are kept in bins, see
//!   [`Latency`](crate::Latency).
//! - **Not known**, and written so: bad requests, which count as successes here (0); whether a fallback did well (each
//!   counts as a success), and so what was thrown (errors and refused calls, less the fallbacks); the most calls at once
//!   (those under way now); a time-out that is not set (0); an error threshold where no error rate opens the circuit
//!   (100); where both rejections and failures are counted and [`full_is_failure`](crate::Settings::full_is_failure)
//!   has just been changed, how many of the failures were which, until the window has passed.
//!
//! # Names
//!
//! The dashboard writes names into its page as they are. So that a name can neither break the page nor run a script
//! there, `"`, `<`, `>`, `&` and the backslash are written as their full-width forms, and control characters as `�`.
//!
//! [`Mode::MetricsOnly`]: crate::Mode::MetricsOnly

mod command;
mod name;
mod thread_pool;

pub use command::{Command, command};
pub use thread_pool::{ThreadPool, thread_pool};

use crate::settings::Window;
use crate::snapshot::{Counts, Snapshot};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// The `Content-Type` of a stream. Send `Cache-Control: no-cache, no-store, max-age=0, must-revalidate` beside it.
pub const CONTENT_TYPE: &str = "text/event-stream;charset=UTF-8";

/// What to send when there is nothing else to say, so that the connection is not taken for dead. Readers skip it.
pub const KEEP_ALIVE: &str = "ping: \n\n";

/// Where there is no limit: the largest number of Java.
const UNLIMITED: u32 = i32::MAX as u32;

/// A circuit as the two events of a stream, its command and its thread pool. `now_ms` is wall time, in milliseconds
/// since 1970.
#[must_use]
pub fn record(name: &str, snapshot: &Snapshot, now_ms: u64) -> String {
    format!("data: {}\n\ndata: {}\n\n", command(name, snapshot, now_ms), thread_pool(name, snapshot, now_ms))
}

/// Takes a circuit from the dashboard, command and thread pool: two events of a stream.
///
/// The dashboard has its rows numbered by stream, and a record must know the number: this one is for a page that shows
/// one stream, or shows this one first.
///
/// ```
/// use breaker::hystrix;
///
/// assert_eq!(
///     hystrix::removal("cart.items").lines().next(),
///     Some(r#"data: {"type":"HystrixCommand","name":"cart.items","deleteData":"true","escapedName":"cart\\.items_0"}"#)
/// );
/// ```
#[must_use]
pub fn removal(name: &str) -> String {
    let name = name::shown(name);
    let escaped_name = name::escaped(&name) + "_0";
    let event = |kind| {
        let removal = Removal { kind, name: &name, delete_data: "true", escaped_name: &escaped_name };
        serde_json::to_string(&removal).expect("texts can be written")
    };
    format!("data: {}\n\ndata: {}\n\n", event("HystrixCommand"), event("HystrixThreadPool"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Removal<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    delete_data: &'static str,
    escaped_name: &'a str,
}

fn json(record: &impl Serialize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&serde_json::to_string(record).map_err(|_| fmt::Error)?)
}

/// Rounded to whole milliseconds.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.saturating_add(Duration::from_micros(500)).as_millis()).unwrap_or(u64::MAX)
}

/// The length of the window. The dashboard divides by it.
fn window(snapshot: &Snapshot) -> u64 {
    let length = match snapshot.settings.window {
        Window::Time { length, .. } => length,
        Window::Calls(_) => Duration::from_secs(10),
    };
    millis(length).max(1)
}

/// The calls without a place that are among the failures.
fn full_failures(counts: &Counts, snapshot: &Snapshot) -> u64 {
    if snapshot.settings.full_is_failure { counts.semaphore_rejections } else { 0 }
}
