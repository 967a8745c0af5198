//! What Prometheus is told at `GET /metrics`.
//!
//! Every series is there from the start, at 0, so that a rate can be taken of the first thing that happens. What a circuit is
//! like is read when it is asked for, so no call pays for it. There are never more series than names that we gave ourselves:
//! a route is its template, and all unknown paths are one label.

mod circuit;
mod faults;
mod labels;
mod queue;
mod render;

use crate::chaos::Chaos;
use crate::handled::{Handled, Outcome};
use crate::queue::Queue;
use breaker::{Breaker, EventKind};
use circuit::Collector;
use faults::Faults;
use labels::{Circuit, Created, Request, StoreWork, Turn};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use render::serve;

/// Upper bounds that OpenTelemetry gives for what takes as long as a request, in seconds.
const REQUEST_BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Those of a store, which is given up after 2 s.
const STORE_BOUNDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

/// All metrics of one service.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Durations<Request>,
    store: Durations<StoreWork>,
    created: Family<Created, Counter>,
    turns: Turns,
}

impl Metrics {
    /// Those that every service has. `records` is its collection, which names two of its routes.
    pub(crate) fn new(id: &str, records: &str) -> Self {
        let mut registry = Registry::default();
        let requests = Durations::new_with_constructor(|| Histogram::new(REQUEST_BOUNDS));
        registry.register(
            "http_server_request_duration_seconds",
            "How long requests took, by route, method and status",
            requests.clone(),
        );
        for request in Request::known(records) {
            drop(requests.get_or_create(&request));
        }
        let store = Durations::new_with_constructor(|| Histogram::new(STORE_BOUNDS));
        registry.register(
            "store_operation_duration_seconds",
            "How long the store took, by operation and outcome",
            store.clone(),
        );
        for work in StoreWork::known() {
            drop(store.get_or_create(&work));
        }
        let created = Family::<Created, Counter>::default();
        registry.register(
            "create_requests",
            "Documents that were posted, by what became of them",
            created.clone(),
        );
        for outcome in Outcome::ALL {
            drop(created.get_or_create(&Created { outcome: outcome.name() }));
        }
        let build = Family::<Vec<(&str, String)>, ConstGauge>::new_with_constructor(|| ConstGauge::new(1));
        drop(build.get_or_create(&vec![
            ("service", id.to_owned()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ]));
        registry.register("service_build_info", "Always 1: which service this is, in which version", build);
        let turns = Turns::default();
        registry.register("circuit_breaker_transitions", "Changes of the circuit's state", turns.0.clone());
        Self { registry, requests, store, created, turns }
    }

    /// For the circuit to note its changes of state.
    pub(crate) fn turns(&self) -> Turns {
        self.turns.clone()
    }

    /// Those of the circuit on the hop to the next service; how long its calls take is for the hop to say.
    pub(crate) fn add_circuit(&mut self, breaker: Breaker) -> Histogram {
        let circuit = breaker.name().to_owned();
        for (from, to) in labels::every_turn() {
            drop(self.turns.0.get_or_create(&Turn { circuit: circuit.clone(), from, to }));
        }
        let durations: Durations<Circuit> = Family::new_with_constructor(|| Histogram::new(REQUEST_BOUNDS));
        let of_circuit = durations.get_or_create_owned(&Circuit { circuit });
        self.registry.register(
            "circuit_breaker_call_duration_seconds",
            "How long calls took that the circuit let through",
            durations,
        );
        self.registry.register_collector(Box::new(Collector::new(breaker)));
        of_circuit
    }

    /// The faults that were injected, which are counted where they are.
    pub(crate) fn add_faults(&mut self, chaos: Arc<Chaos>) {
        self.registry.register_collector(Box::new(Faults(chaos)));
    }

    /// What waits to be handed on.
    pub(crate) fn add_queue(&mut self, queue: Arc<Queue>) {
        self.registry.register_collector(Box::new(queue::Figures(queue)));
    }

    /// Notes a request to any route; `route` is none where there is no such path.
    pub(crate) fn request(
        &self,
        method: &axum::http::Method,
        route: Option<&str>,
        status: u16,
        took: Duration,
    ) {
        self.requests.get_or_create(&Request::of(method, route, status)).observe(took.as_secs_f64());
    }

    /// For the store to note what it did.
    pub(crate) fn store(&self) -> StoreTimes {
        StoreTimes(self.store.clone())
    }

    /// Notes what became of a document that was posted.
    pub(crate) fn handled(&self, handled: &Handled) {
        self.created.get_or_create(&Created { outcome: handled.outcome.name() }).inc();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Notes how long the store takes.
#[derive(Debug, Clone)]
pub(crate) struct StoreTimes(Durations<StoreWork>);

impl StoreTimes {
    pub(crate) fn note(&self, operation: &'static str, done: bool, took: Duration) {
        let outcome = if done { "done" } else { "failed" };
        self.0.get_or_create(&StoreWork { operation, outcome }).observe(took.as_secs_f64());
    }
}

/// Counts the changes of a circuit's state, which only those who listen hear of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Family<Turn, Counter>);

impl Turns {
    /// A listener of the circuit. Cheap for all but the rare events that it is about.
    pub(crate) fn note(&self, event: &breaker::Event<'_>) {
        if let (EventKind::Open | EventKind::HalfOpen | EventKind::Close, Some(turn)) =
            (event.kind, event.transition)
        {
            let (from, to) = (labels::state(turn.from), labels::state(turn.to));
            self.0.get_or_create(&Turn { circuit: event.circuit.to_owned(), from, to }).inc();
        }
    }
}

#[cfg(test)]
mod tests;
