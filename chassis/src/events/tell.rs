//! What has happened, as events.

use super::Events;
use crate::circuit::{Failure, Last};
use crate::log::Said;
use crate::wall::At;
use breaker::{Event, State};
use serde::Serialize;
use tracing::error;

/// What every event holds, and what this one does.
#[derive(Debug, Serialize)]
struct Told<'a, T> {
    service: &'a str,
    at: At,
    #[serde(flatten)]
    what: T,
}

#[derive(Debug, Serialize)]
struct Transition<'a> {
    circuit: &'a str,
    from: State,
    to: State,
    reason: String,
    failures: Vec<Failure>,
    turns: u64,
    line: String,
}

#[derive(Debug, Serialize)]
struct Changed<'a> {
    what: &'a str,
    text: &'a str,
}

impl Events {
    /// For [`breaker::Builder::on`]: tells the changes of state.
    pub(crate) fn happened(&self, event: &Event<'_>) {
        let Some(transition) = event.transition else { return };
        let Last { from, to, at, reason, failures, .. } = Last::of(transition, event.at, At::now());
        let line = Said::of(event).map(|line| line.to_string()).unwrap_or_default();
        let turns = transition.turns;
        self.tell(
            "transition",
            at,
            Transition { circuit: event.circuit, from, to, reason, failures, turns, line },
        );
    }

    /// Tells that somebody has changed something: `what` is the part of the service, `text` a sentence.
    pub(crate) fn changed(&self, what: &str, text: &str) {
        self.tell("config", At::now(), Changed { what, text });
    }

    pub(super) fn tell(&self, name: &str, at: At, what: impl Serialize) {
        self.hub.tell(name, &json(&Told { service: self.service, at, what }));
    }
}

pub(super) fn json(data: &impl Serialize) -> String {
    serde_json::to_string(data).unwrap_or_else(|error| {
        error!("an event cannot be written as JSON: {error}");
        "{}".to_owned()
    })
}
