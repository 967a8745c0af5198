//! A line of the log for people: the time, how grave it is, what happened, and behind that the trace that it belongs to.
//!
//! The usual form has the trace in front, where it would push what happened off the screen.

use crate::wall;
use std::fmt;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
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
        let is_coloured = to.has_ansi_escapes();
        let (dim, plain) = if is_coloured { (DIM, PLAIN) } else { ("", "") };
        to.write_str(dim)?;
        write!(to, "{:.6}", wall::now())?;
        let (name, colour) = level(*event.metadata().level());
        for part in [plain, if is_coloured { colour } else { "" }, name, plain] {
            to.write_str(part)?;
        }
        ctx.format_fields(to.by_ref(), event)?;
        for span in ctx.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            let extensions = span.extensions();
            if let Some(fields) = extensions.get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) {
                to.write_char(' ')?;
                to.write_str(fields)?;
            }
        }
        to.write_char('\n')
    }
}

/// Its name, and its colour as the usual form has it.
fn level(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::ERROR => (" ERROR ", "\x1b[31m"),
        Level::WARN => ("  WARN ", "\x1b[33m"),
        Level::INFO => ("  INFO ", "\x1b[32m"),
        Level::DEBUG => (" DEBUG ", "\x1b[34m"),
        Level::TRACE => (" TRACE ", "\x1b[35m"),
    }
}
