//! What became of requests: counted all, and told of some, those that are watched.

use super::Events;
use crate::handled::Handled;
use crate::limits;
use crate::millis::Millis;
use crate::sample::Sampler;
use crate::wall::At;
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

/// What was counted since the start.
#[derive(Debug)]
pub(super) struct Requests {
    total: AtomicU64,
    failed: AtomicU64,
    degraded: AtomicU64,
    told: Sampler,
}

/// The same, at one moment.
#[derive(Debug, Serialize)]
pub(super) struct Counts {
    total: u64,
    /// Answered with 5xx.
    failed: u64,
    /// Answered in spite of a service that did not.
    degraded: u64,
    in_flight: usize,
}

#[derive(Debug, Serialize)]
struct Request<'a> {
    trace: String,
    hop: u32,
    outcome: &'static str,
    status: u16,
    took_ms: Millis,
    next: Option<&'a str>,
    next_ms: Option<Millis>,
    error: Option<&'static str>,
    degraded: Option<String>,
    fault: Option<&'a str>,
    state: Option<breaker::State>,
}

impl Default for Requests {
    fn default() -> Self {
        let (total, failed, degraded) = Default::default();
        Self { total, failed, degraded, told: Sampler::per_second(limits::REQUESTS_TOLD) }
    }
}

impl Requests {
    pub(super) fn counts(&self, in_flight: usize) -> Counts {
        let [total, failed, degraded] =
            [&self.total, &self.failed, &self.degraded].map(|count| count.load(Ordering::Relaxed));
        Counts { total, failed, degraded, in_flight }
    }
}

impl Events {
    /// For [`Observers::add`](crate::handled::Observers::add). `next` is the name of the next service.
    pub(crate) fn handled(&self, handled: &Handled, next: Option<&str>) {
        let Requests { total, failed, degraded, told } = &self.requests;
        total.fetch_add(1, Ordering::Relaxed);
        if handled.status.is_server_error() {
            failed.fetch_add(1, Ordering::Relaxed);
        } else if handled.degraded.is_some() {
            degraded.fetch_add(1, Ordering::Relaxed);
        }
        if !handled.trace.watched || !told.take() {
            return;
        }
        let request = Request {
            trace: handled.trace.id.to_string(),
            hop: handled.hop,
            outcome: handled.outcome.name(),
            status: handled.status.as_u16(),
            took_ms: Millis(handled.took),
            next: next.filter(|_| handled.next.is_some()),
            next_ms: handled.next.map(|hop| Millis(hop.lap.took)),
            error: handled.error,
            // Names of services further down are theirs to choose.
            degraded: handled.degraded.as_ref().map(|name| name.chars().take(limits::NAME).collect()),
            fault: handled.fault.as_deref(),
            state: handled.next.map(|hop| hop.state),
        };
        self.tell("request", At::now(), request);
    }
}
