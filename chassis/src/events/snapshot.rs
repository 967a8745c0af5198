//! How the service is at one moment: what the event `snapshot` holds.

use super::requests::Counts;
use crate::app::App;
use crate::chaos;
use crate::circuit::{Circuit, View};
use crate::limits;
use crate::queue::Figures;
use crate::wall::At;
use serde::Serialize;

/// The event's name.
pub(super) const NAME: &str = "snapshot";

#[derive(Debug, Serialize)]
struct Snapshot<'a> {
    service: &'a str,
    at: At,
    id: &'a str,
    requests: Counts,
    circuit: Option<View<'a>>,
    queue: Option<Figures>,
    chaos: chaos::View,
}

/// The event's data.
pub(super) fn text(app: &App) -> String {
    super::tell::json(&Snapshot {
        service: app.events.service,
        at: At::now(),
        id: &app.id,
        requests: app.events.requests.counts(limits::REQUESTS - app.places.available_permits()),
        circuit: app.circuit.as_ref().map(Circuit::view),
        queue: app.queue_figures(),
        chaos: app.chaos.view(),
    })
}
