//! Failures in a row, as pybreaker counts them in `fail_counter`.
//!
//! The circuit counts them only where a rule asks for them, and ours goes by a rate. As in pybreaker, a probe that fails
//! counts too, and so does an answer that is late; a success, or the circuit's closing, ends the row.

use breaker::{Event, EventKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts what it is told. Clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct InARow(Arc<AtomicU32>);

impl InARow {
    /// What it is to be told of.
    pub(crate) const COUNTED: [EventKind; 3] = [EventKind::Failure, EventKind::Success, EventKind::Close];

    /// For [`breaker::Builder::on`].
    pub(crate) fn listener(&self) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
        let Self(count) = self.clone();
        move |event| match event.kind {
            EventKind::Failure => {
                let more = |count: u32| Some(count.saturating_add(1));
                let _ = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
            }
            // Most calls succeed after others that did: then there is nothing to write.
            EventKind::Success | EventKind::Close if count.load(Ordering::Relaxed) != 0 => {
                count.store(0, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}
