//! Other settings that judge the same calls beside the live ones, to see what they would have done.

use crate::circuit::{Circuit, Entry, Outcome, Ticket};
use crate::settings::{Settings, SettingsError};
use crate::snapshot::Snapshot;
use std::time::Duration;

/// A circuit that has no say.
#[derive(Debug)]
pub(crate) struct Shadow {
    name: String,
    circuit: Circuit,
}

/// A call's part in the shadows.
pub(crate) type Shadows = Option<Box<[Option<Ticket>]>>;

impl Shadow {
    pub(crate) fn new(name: String, settings: Settings) -> Result<Self, SettingsError> {
        Ok(Self { name, circuit: Circuit::new(settings)? })
    }

    /// A call was let through by the live circuit.
    pub(crate) fn enter(&self, now: Duration) -> Option<Ticket> {
        match self.circuit.enter(now) {
            Entry::Admitted(ticket) => Some(ticket),
            Entry::Bypassed | Entry::Refused { .. } | Entry::Full { .. } => None,
        }
    }

    pub(crate) fn leave(&self, ticket: Ticket, outcome: Outcome, now: Duration) {
        self.circuit.leave(ticket, outcome, now);
    }

    pub(crate) fn look(&self, now: Duration) -> (&str, Snapshot) {
        (&self.name, self.circuit.snapshot(now))
    }
}
