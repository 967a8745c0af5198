//! Where a request stands in its trace: W3C Trace Context, taken in at the door and handed on with the hop.
//!
//! This is done whether or not traces are exported: the trace's id stands in the log, in the answer and in what the next
//! service is sent, so that what belongs together can be found by it. A header that does not keep the Recommendation is
//! as good as none, and a new trace begins.

mod parent;
mod state;

use crate::sample::Sampler;
use crate::store::StoredTrace;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use parent::Parent;
use state::Members;
use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use uuid::Uuid;

/// Names the trace that a request belongs to, in every answer.
pub(crate) const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Names a trace. Never zero, as the Recommendation has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TraceId(pub(crate) NonZeroU128);

/// Names a span: one piece of work within a trace.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SpanId(pub(crate) NonZeroU64);

/// Where a request stands in its trace.
#[derive(Debug, Clone)]
pub(crate) struct TraceContext {
    pub(crate) id: TraceId,
    /// What we were asked in the course of; none where the trace begins here.
    pub(crate) parent: Option<SpanId>,
    /// What this service does for the request.
    pub(crate) span: SpanId,
    /// Whether its spans are recorded.
    pub(crate) sampled: bool,
    /// Whether it is one of the few that are shown hop by hop.
    pub(crate) watched: bool,
    /// What others put into `tracestate`.
    others: Members,
}

impl TraceContext {
    /// Reads where a request stands. A trace that comes from nobody of ours is watched where `watch` has room for it.
    pub(crate) fn of(headers: &HeaderMap, watch: &Sampler) -> Self {
        let Some(parent) = Parent::of(headers) else { return Self::begin(watch) };
        let (ours, others) = Members::of(headers);
        let watched = ours.map_or_else(|| watch.take(), |ours| ours == state::Ours::Watch);
        Self {
            id: parent.trace,
            parent: Some(parent.span),
            span: SpanId::new(),
            sampled: parent.sampled,
            watched,
            others,
        }
    }

    /// A trace that begins here.
    pub(crate) fn begin(watch: &Sampler) -> Self {
        Self {
            id: TraceId(rand::random()),
            parent: None,
            span: SpanId::new(),
            sampled: true,
            watched: watch.take(),
            others: Members::default(),
        }
    }

    /// Goes on where something was kept; where nothing was, a trace begins. One that was watched still is, for what comes
    /// late belongs to what is shown of it.
    pub(crate) fn taken_up(kept: Option<&StoredTrace>, watch: &Sampler) -> Self {
        let headers = kept.into_iter().flat_map(|kept| {
            [(TRACEPARENT, kept.traceparent.as_str()), (TRACESTATE, kept.tracestate.as_str())]
        });
        Self::of(&to_map(headers), watch)
    }

    /// To be taken up later, in the course of what this service does now.
    pub(crate) fn kept(&self) -> StoredTrace {
        let (traceparent, tracestate) = self.texts(self.span);
        StoredTrace { traceparent, tracestate }
    }

    /// What the next service is sent, for a hop that is a span of its own.
    pub(crate) fn headers(&self, hop: SpanId) -> HeaderMap {
        let (traceparent, tracestate) = self.texts(hop);
        to_map([(TRACEPARENT, &*traceparent), (TRACESTATE, &*tracestate)])
    }

    fn texts(&self, span: SpanId) -> (String, String) {
        let parent = Parent { trace: self.id, span, sampled: self.sampled };
        let ours = if self.watched { state::Ours::Watch } else { state::Ours::Pass };
        (parent.to_string(), self.others.behind(ours))
    }
}

fn to_map<'a>(headers: impl IntoIterator<Item = (HeaderName, &'a str)>) -> HeaderMap {
    headers.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::try_from(value).ok()?))).collect()
}

impl TraceId {
    /// As a UUID's digits are written, which is several times as fast as `{:032x}`.
    fn digits(self, buffer: &mut [u8; 32]) -> &str {
        Uuid::from_u128(self.0.get()).simple().encode_lower(buffer)
    }
}

impl SpanId {
    fn digits(self, buffer: &mut [u8; 32]) -> &str {
        &Uuid::from_u128(self.0.get().into()).simple().encode_lower(buffer)[16..]
    }

    /// A new one, by chance.
    pub(crate) fn new() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits(&mut [0; 32]))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits(&mut [0; 32]))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
