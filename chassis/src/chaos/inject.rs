//! Does to a request what the rules say, and marks what was done.
//!
//! A request that is held up holds no lock. It goes on when the rule that holds it up is in force no more, when its client
//! has gone, when the service stops, and after a minute in any case.

use super::counters::Kind;
use super::matching::Asked;
use super::rule::{Abort, Connection, Phase};
use super::set::Slot;
use super::{Chaos, Told};
use crate::cut::Cut;
use crate::limits;
use crate::trace::TraceId;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Names the rules that struck, and what they did.
pub(crate) const FAULT: HeaderName = HeaderName::from_static("x-chaos-fault");

/// How a request ends that is not to be answered as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Status(StatusCode),
    Cut(Cut),
}

/// A request that rules may strike.
#[derive(Debug)]
pub(crate) struct Target {
    chaos: Arc<Chaos>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    trace: TraceId,
    /// What was done, as the header has it.
    marks: Vec<String>,
    /// The first rule that ended it, or else held it up.
    rule: Option<String>,
    gone: CancellationToken,
}

impl Target {
    pub(crate) fn new(
        chaos: &Arc<Chaos>,
        (method, uri, headers): (Method, Uri, HeaderMap),
        trace: TraceId,
    ) -> Self {
        let (chaos, gone) = (Arc::clone(chaos), CancellationToken::new());
        Self { chaos, method, uri, headers, trace, marks: Vec::new(), rule: None, gone }
    }

    /// To be held by whoever is waited for by the client, and dropped with it.
    pub(crate) fn client(&self) -> DropGuard {
        self.gone.clone().drop_guard()
    }

    /// The rule that struck.
    pub(crate) fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// Marks an answer with what was done.
    pub(crate) fn mark(&self, response: &mut Response) {
        if let Ok(value) = HeaderValue::try_from(self.marks.join(", "))
            && !self.marks.is_empty()
        {
            response.headers_mut().insert(FAULT, value);
        }
    }

    /// Does what the rules of this phase say; `None` where the request then goes on.
    pub(crate) async fn meet(&mut self, phase: Phase) -> Option<Ending> {
        let chaos = Arc::clone(&self.chaos);
        let (strikes, _place) = {
            let set = chaos.set.load();
            let asked = Asked { method: &self.method, path: self.uri.path(), headers: &self.headers };
            if !set.concerns(phase, &asked) {
                return None;
            }
            let place = chaos.places.try_acquire();
            (set.meet(phase, &asked, place.is_ok()), place)
        };
        let mut left = limits::FAULT_TIME;
        for (slot, delay) in strikes.iter().filter_map(|(slot, strike)| Some((slot, strike.delay?))) {
            let delay = delay.min(left);
            left -= delay;
            self.told(slot, Kind::Delay, None, &format!("delay={}ms", delay.as_millis()));
            self.wait(slot, delay).await;
        }
        let (slot, abort) = strikes.iter().find_map(|(slot, strike)| Some((slot, strike.abort?)))?;
        // Its rule may have gone while this was held up.
        if slot.over.is_cancelled() {
            return None;
        }
        self.abort(slot, abort).await
    }

    async fn abort(&mut self, slot: &Slot, abort: Abort) -> Option<Ending> {
        let (kind, ending) = match (abort.http_status, abort.connection) {
            (Some(status), _) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                self.told(slot, Kind::Abort, Some(status), &format!("abort={}", status.as_u16()));
                return Some(Ending::Status(status));
            }
            (None, Some(Connection::Reset)) => (Kind::Reset, Cut::Reset),
            (None, Some(Connection::Close)) => (Kind::Close, Cut::Close),
            (None, Some(Connection::Hang)) => (Kind::Hang, Cut::Close),
            (None, None) => return None,
        };
        self.told(slot, kind, None, &format!("abort={}", kind.name()));
        if kind == Kind::Hang {
            self.wait(slot, limits::FAULT_TIME).await;
            if slot.over.is_cancelled() {
                return None;
            }
        }
        Some(Ending::Cut(ending))
    }

    /// Holds the request up.
    async fn wait(&self, slot: &Slot, time: Duration) {
        let released = async {
            tokio::select! {
                () = slot.over.cancelled() => {}
                () = self.gone.cancelled() => {}
                () = self.chaos.stopping.cancelled() => {}
            }
        };
        let _ = timeout(time, released).await;
    }

    fn told(&mut self, slot: &Slot, kind: Kind, status: Option<StatusCode>, mark: &str) {
        let rule = &slot.rule.name;
        self.marks.push(format!("{rule};{mark}"));
        if self.rule.is_none() || kind != Kind::Delay {
            self.rule = Some(rule.clone());
        }
        self.chaos.counters.count(rule, kind);
        let status = status.map(|status| status.as_u16());
        (self.chaos.tell)(Told::Fault { rule, kind, status, mark, trace: self.trace });
    }
}
