//! A line of the log for people: the time, how grave it is, what happened, and behind that the trace that it belongs to.
//!
//! The usual form has the trace in front, where it would push what happened off the screen.

use std::fmt;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

#[derive(Debug, Clone, Copy)]
pub(super) struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (dim, plain) = if to.has_ansi_escapes() { (DIM, PLAIN) } else { ("", "") };
        to.write_str(dim)?;
        SystemTime.format_time(&mut to)?;
        let level = *event.metadata().level();
        let colour = if to.has_ansi_escapes() { colour(level) } else { "" };
        write!(to, "{plain} {colour}{level:>5}{plain} ")?;
        ctx.format_fields(to.by_ref(), event)?;
        for span in ctx.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            let extensions = span.extensions();
            if let Some(fields) = extensions.get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) {
                write!(to, " {fields}")?;
            }
        }
        writeln!(to)
    }
}

/// As the usual form has them.
fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}
