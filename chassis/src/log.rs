//! What is written to the log, and how the circuit shows there.

mod line;
mod writer;

use crate::chaos::Told;
use crate::settings::{Log, LogFormat};
use breaker::{Event, EventKind};
use std::fmt;
use std::io::{self, IsTerminal as _};
use std::sync::OnceLock;
use std::time::Duration;
use tracing::field::display;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;
use writer::Writer;

/// How long the end of a process waits for who reads its log.
const END: Duration = Duration::from_secs(1);

static WRITER: OnceLock<Writer> = OnceLock::new();

/// Starts the log of this process. Only the first call has an effect.
///
/// # Errors
///
/// Where the operating system gives no thread.
pub(crate) fn start(settings: &Log) -> io::Result<()> {
    let writer = Writer::start(io::stdout())?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&settings.rust_log))
        .with_target(false)
        // Where nobody reads the log any more, there is nobody to tell that either.
        .log_internal_errors(false)
        .with_ansi(io::stdout().is_terminal())
        .with_writer(WRITER.get_or_init(|| writer).clone());
    // A log that was started before, by a test or by the program that we are part of, goes on.
    let _ = match settings.log_format {
        LogFormat::Text => builder.event_format(line::Line).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).try_init(),
    };
    Ok(())
}

/// Writes what is still waiting. To be called before the process ends.
pub(crate) fn finish() {
    if let Some(writer) = WRITER.get() {
        writer.finish(END);
    }
}

/// What of a circuit is written: all but that a call begins, for its end follows.
pub(crate) const SAID: [EventKind; 9] = [
    EventKind::Success,
    EventKind::Failure,
    EventKind::Timeout,
    EventKind::Fallback,
    EventKind::Reject,
    EventKind::SemaphoreLocked,
    EventKind::Open,
    EventKind::HalfOpen,
    EventKind::Close,
];

/// Writes what happens to a circuit, in the original's words.
pub(crate) fn circuit(event: &Event<'_>) {
    let Some(said) = Said::of(event) else { return };
    let Said { warns, words, circuit, failures, calls, under_way, .. } = said;
    let (rate, probe_in) = (said.rate.map(display), said.probe_in.map(display));
    // Fields that are not there are not written.
    if warns {
        warn!(circuit, rate, failures, calls, probe_in, under_way, "{words}");
    } else {
        info!(circuit, rate, failures, calls, probe_in, under_way, "{words}");
    }
}

/// Writes what happens to faults on purpose.
pub(crate) fn chaos(told: &Told<'_>) {
    match told {
        Told::Fault { rule, kind, status, mark, .. } => {
            warn!(rule, kind = kind.name(), status, "🐒 {mark}");
        }
        Told::Changed(text) => info!("🐒 {text}"),
    }
}

/// What is said of an event; displayed as it stands in the log.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    warns: bool,
    words: &'static str,
    circuit: &'a str,
    rate: Option<Percent>,
    failures: Option<u64>,
    calls: Option<u64>,
    probe_in: Option<ProbeIn>,
    under_way: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Percent(f64);

/// `None`: the probe is under way.
#[derive(Debug, Clone, Copy)]
struct ProbeIn(Option<Duration>);

impl<'a> Said<'a> {
    /// Nothing is said of a call's beginning: its end follows.
    pub(crate) fn of(event: &Event<'a>) -> Option<Self> {
        let (counts, in_flight) = (&event.status.counts, event.status.in_flight);
        let said = |warns, words| Self {
            warns,
            words,
            circuit: event.circuit,
            rate: Some(Percent(counts.error_rate())),
            failures: None,
            calls: None,
            probe_in: None,
            under_way: None,
        };
        let counted = |warns, words| Self {
            failures: Some(counts.failures),
            calls: Some(counts.fires),
            ..said(warns, words)
        };
        let probe_in = Some(ProbeIn(event.status.probe_in));
        Some(match event.kind {
            EventKind::Success => counted(false, "🔌 status:: success"),
            EventKind::Failure => counted(true, "🔌 status:: failed"),
            EventKind::Timeout => counted(true, "🔌 status:: timed out"),
            EventKind::Fallback => counted(false, "🔌 status:: fallback"),
            EventKind::Reject => Self { probe_in, ..said(true, "🔌 status:: rejected") },
            EventKind::Open => Self { probe_in, ..counted(true, "🔌 status:: opened") },
            EventKind::HalfOpen => said(false, "🔌 status:: halfOpened"),
            EventKind::Close => said(false, "🔌 status:: closed"),
            // Told as failed, too; this is why.
            EventKind::SemaphoreLocked => Self {
                rate: None,
                under_way: Some(in_flight),
                ..said(true, "🔌 as many calls are under way as may be")
            },
            _ => return None,
        })
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn field(f: &mut fmt::Formatter<'_>, name: &str, value: Option<impl fmt::Display>) -> fmt::Result {
            value.map_or(Ok(()), |value| write!(f, " {name}={value}"))
        }
        write!(f, "{} circuit={:?}", self.words, self.circuit)?;
        field(f, "rate", self.rate)?;
        field(f, "failures", self.failures)?;
        field(f, "calls", self.calls)?;
        field(f, "probe_in", self.probe_in)?;
        field(f, "under_way", self.under_way)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}%", self.0)
    }
}

impl fmt::Display for ProbeIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(time) => write!(f, "{:.1}s", time.as_secs_f64()),
            None => f.write_str("under way"),
        }
    }
}

#[cfg(test)]
mod tests;
