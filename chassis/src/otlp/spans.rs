//! The spans of a request: what this service did, and within it the store's part and the hop.
//!
//! Names are those of OpenTelemetry's semantic conventions. There are none for circuit breakers and faults, so those are
//! ours.

use crate::handled::{Handled, Hop, Lap, Outcome};
use crate::trace::SpanId;
use opentelemetry::trace::{self, SpanContext, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::time::{Duration, SystemTime};

/// Draws the spans of requests.
#[derive(Debug)]
pub(super) struct Draughtsman {
    scope: InstrumentationScope,
    next: String,
    circuit: String,
}

impl Draughtsman {
    /// `hop` is the next service's name and the circuit's.
    pub(super) fn new(hop: Option<(&str, &str)>) -> Self {
        let scope =
            InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION"));
        let (next, circuit) = hop.unwrap_or_default();
        Self { scope: scope.build(), next: next.to_owned(), circuit: circuit.to_owned() }
    }

    pub(super) fn draw(&self, handled: &Handled) -> Vec<SpanData> {
        let mut spans = vec![self.request(handled)];
        spans.extend(handled.store.map(|lap| self.store(handled, lap)));
        spans.extend(handled.next.map(|hop| self.hop(handled, hop)));
        spans
    }

    fn request(&self, handled: &Handled) -> SpanData {
        let status = handled.status.as_u16();
        let mut attributes = vec![
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("http.route", "/create"),
            KeyValue::new("http.response.status_code", i64::from(status)),
            KeyValue::new("retail.hop", i64::from(handled.hop)),
            KeyValue::new("retail.outcome", handled.outcome.name()),
        ];
        let degraded = handled.degraded.clone().map(|name| KeyValue::new("retail.degraded", name));
        let fault = handled.fault.clone().map(|rule| KeyValue::new("chaos.fault", rule));
        attributes.extend(degraded.into_iter().chain(fault));
        let failed = handled.status.is_server_error();
        if failed {
            let kind = handled.error.map_or_else(|| status.to_string(), ToOwned::to_owned);
            attributes.push(KeyValue::new("error.type", kind));
        }
        let all = Lap { begins: Duration::ZERO, took: handled.took };
        SpanData {
            parent_span_id: handled.trace.parent.map_or(trace::SpanId::INVALID, span_id),
            parent_span_is_remote: handled.trace.parent.is_some(),
            span_kind: SpanKind::Server,
            attributes,
            status: if failed { Status::error("") } else { Status::Unset },
            ..self.span(handled, handled.trace.span, "POST /create", all)
        }
    }

    fn store(&self, handled: &Handled, lap: Lap) -> SpanData {
        // Where the store failed, the way ended there.
        let failed = handled.outcome == Outcome::Refused;
        SpanData {
            attributes: vec![KeyValue::new("db.operation.name", "insert")],
            status: if failed { Status::error("the document was not acknowledged") } else { Status::Unset },
            ..self.span(handled, SpanId::new(), "store insert", lap)
        }
    }

    fn hop(&self, handled: &Handled, hop: Hop) -> SpanData {
        // An injected fault of ours ends the way before the hop or after it, and is none of the hop's.
        let error = handled.error.filter(|_| [Outcome::Degraded, Outcome::Queued].contains(&handled.outcome));
        let verdict = match error {
            Some("EOPENBREAKER" | "ESEMLOCKED") => "refused",
            Some("ETIMEDOUT") => "timed out",
            _ => "permitted",
        };
        let mut attributes = vec![
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("peer.service", self.next.clone()),
            KeyValue::new("circuit_breaker.name", self.circuit.clone()),
            KeyValue::new("circuit_breaker.state", hop.state.to_string()),
            KeyValue::new("circuit_breaker.verdict", verdict),
        ];
        let wait =
            hop.retry_after.map(|wait| KeyValue::new("circuit_breaker.retry_after", wait.as_secs_f64()));
        attributes.extend(wait.into_iter().chain(error.map(|code| KeyValue::new("error.type", code))));
        SpanData {
            span_kind: SpanKind::Client,
            attributes,
            status: if error.is_some() { Status::error("") } else { Status::Unset },
            ..self.span(handled, hop.span, "POST", hop.lap)
        }
    }

    /// A span within the request.
    fn span(&self, handled: &Handled, id: SpanId, name: &'static str, lap: Lap) -> SpanData {
        let start = SystemTime::from(handled.at) + lap.begins;
        let trace = trace::TraceId::from_bytes(handled.trace.id.0.get().to_be_bytes());
        SpanData {
            span_context: SpanContext::new(trace, span_id(id), TraceFlags::SAMPLED, false, TraceState::NONE),
            parent_span_id: span_id(handled.trace.span),
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: start,
            end_time: start + lap.took,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}

fn span_id(id: SpanId) -> trace::SpanId {
    trace::SpanId::from_bytes(id.0.get().to_be_bytes())
}
