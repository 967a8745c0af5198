//! What is written to the log, and how the circuit shows there.

mod line;

use crate::settings::{Log, LogFormat};
use breaker::{Event, EventKind};
use std::io::{self, IsTerminal as _};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// Starts the log of this process. Only the first call has an effect.
pub(crate) fn start(settings: &Log) {
    let builder = fmt()
        .with_env_filter(EnvFilter::new(&settings.rust_log))
        .with_target(false)
        // Where nobody reads the log any more, there is nobody to tell that either.
        .log_internal_errors(false)
        .with_ansi(io::stdout().is_terminal());
    // A log that was started before, by a test or by the program that we are part of, goes on.
    let _ = match settings.log_format {
        LogFormat::Text => builder.event_format(line::Line).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).try_init(),
    };
}

/// Writes what happens to a circuit, in the original's words.
pub(crate) fn circuit(event: &Event<'_>) {
    let circuit = event.circuit;
    let counts = event.status.counts;
    let rate = format_args!("{:.0}%", counts.error_rate());
    let (failures, calls) = (counts.failures, counts.fires);
    match event.kind {
        EventKind::Success => info!(circuit, %rate, failures, calls, "🔌 status:: success"),
        EventKind::Failure => warn!(circuit, %rate, failures, calls, "🔌 status:: failed"),
        EventKind::Timeout => warn!(circuit, %rate, failures, calls, "🔌 status:: timed out"),
        EventKind::Fallback => info!(circuit, %rate, failures, calls, "🔌 status:: fallback"),
        EventKind::Reject => warn!(circuit, %rate, probe_in = %probe_in(event), "🔌 status:: rejected"),
        EventKind::Open => {
            warn!(circuit, %rate, failures, calls, probe_in = %probe_in(event), "🔌 status:: opened");
        }
        EventKind::HalfOpen => info!(circuit, %rate, "🔌 status:: halfOpened"),
        EventKind::Close => info!(circuit, %rate, "🔌 status:: closed"),
        // Told as failed, too; this is why.
        EventKind::SemaphoreLocked => {
            warn!(circuit, under_way = event.status.in_flight, "🔌 as many calls are under way as may be");
        }
        // That a call was asked for, which an answer follows.
        _ => {}
    }
}

fn probe_in(event: &Event<'_>) -> String {
    match event.status.probe_in {
        Some(time) => format!("{:.1}s", time.as_secs_f64()),
        None => "under way".to_owned(),
    }
}

#[cfg(test)]
mod tests;
