//! The spans of a request: what this service did, and within it the store's part and the hop.
//!
//! Names are those of OpenTelemetry's semantic conventions. There are none for circuit breakers and faults, so those are
//! ours.

use crate::handled::{Handled, Hop, Lap, Outcome};
use crate::queue::Delivery;
use crate::trace::{SpanId, TraceContext};
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

    /// A late delivery, as a part of what was done for its order; that span has long ended.
    pub(super) fn draw_late(&self, delivery: &Delivery) -> SpanData {
        let Delivery { trace, at, took, hop, before, state, error, retry_after } = delivery;
        let time = (SystemTime::from(*at), *took);
        let span = self.within(trace, trace.span, trace.parent, "POST (late)", time);
        let call = Call { state: *state, error: *error, retry_after: *retry_after };
        let more = vec![
            KeyValue::new("retail.hop", i64::from(*hop)),
            // As OpenTelemetry counts what is sent again: not the first time.
            KeyValue::new("http.request.resend_count", i64::from(*before)),
        ];
        self.call(&call, more, span)
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
        let call = Call { state: hop.state, error, retry_after: hop.retry_after };
        self.call(&call, Vec::new(), self.span(handled, hop.span, "POST", hop.lap))
    }

    /// A call to the next service, through the circuit.
    fn call(&self, call: &Call, more: Vec<KeyValue>, span: SpanData) -> SpanData {
        let verdict = match call.error {
            Some("EOPENBREAKER" | "ESEMLOCKED") => "refused",
            Some("ETIMEDOUT") => "timed out",
            _ => "permitted",
        };
        let mut attributes = vec![
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("peer.service", self.next.clone()),
            KeyValue::new("circuit_breaker.name", self.circuit.clone()),
            KeyValue::new("circuit_breaker.state", call.state.to_string()),
            KeyValue::new("circuit_breaker.verdict", verdict),
        ];
        let wait =
            call.retry_after.map(|wait| KeyValue::new("circuit_breaker.retry_after", wait.as_secs_f64()));
        attributes.extend(wait.into_iter().chain(call.error.map(|code| KeyValue::new("error.type", code))));
        attributes.extend(more);
        SpanData {
            span_kind: SpanKind::Client,
            attributes,
            status: if call.error.is_some() { Status::error("") } else { Status::Unset },
            ..span
        }
    }

    /// A span within the request.
    fn span(&self, handled: &Handled, id: SpanId, name: &'static str, lap: Lap) -> SpanData {
        let parent = Some(handled.trace.span);
        self.within(&handled.trace, id, parent, name, (SystemTime::from(handled.at) + lap.begins, lap.took))
    }

    fn within(
        &self,
        trace: &TraceContext,
        id: SpanId,
        parent: Option<SpanId>,
        name: &'static str,
        (start, took): (SystemTime, Duration),
    ) -> SpanData {
        let trace = trace::TraceId::from_bytes(trace.id.0.get().to_be_bytes());
        SpanData {
            span_context: SpanContext::new(trace, span_id(id), TraceFlags::SAMPLED, false, TraceState::NONE),
            parent_span_id: parent.map_or(trace::SpanId::INVALID, span_id),
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: start,
            end_time: start + took,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}

/// What the circuit and the next service said to a call.
struct Call {
    state: breaker::State,
    error: Option<&'static str>,
    retry_after: Option<Duration>,
}

fn span_id(id: SpanId) -> trace::SpanId {
    trace::SpanId::from_bytes(id.0.get().to_be_bytes())
}
