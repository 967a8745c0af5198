//! What became of a `POST /create`: made once for each, at its end, for all who want to know.
//!
//! A [`Visit`] goes with the request and notes what takes time. Its end makes a [`Handled`], which the observers are
//! shown and the answer's headers are made of. Of a request whose client goes away before its document has come, nothing
//! became.

use crate::accept::Form;
use crate::app::App;
use crate::chaos::{Phase, Target};
use crate::deadline::Deadline;
use crate::hop::{Answer, Missed, Next, Parcel};
use crate::idempotency;
use crate::problem::Problem;
use crate::reply::{Reply, Voice};
use crate::store::{Entry, Inserted};
use crate::trace::{SpanId, TraceContext};
use crate::wall;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::DropGuard;
use tracing::debug;
use uuid::Uuid;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What became of one `POST /create`.
#[derive(Debug)]
pub(crate) struct Handled {
    pub(crate) trace: TraceContext,
    /// When it came.
    pub(crate) at: Timestamp,
    /// How many services it has reached with this one; 0 where `count` could not be read.
    pub(crate) hop: u32,
    pub(crate) outcome: Outcome,
    pub(crate) status: StatusCode,
    pub(crate) took: Duration,
    /// The store's share, where it came so far.
    pub(crate) store: Option<Lap>,
    /// The next service's share, where it was to be asked.
    pub(crate) next: Option<Hop>,
    /// Why the next service did not answer, or that a fault was injected.
    pub(crate) error: Option<&'static str>,
    /// The service that did not answer, however far down.
    pub(crate) degraded: Option<String>,
    /// The rule by which a fault was injected.
    pub(crate) fault: Option<String>,
}

/// How a request's way through this service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// As many hops as may be were made.
    Last,
    /// There is no next service.
    Ended,
    /// The next service answered.
    Passed,
    /// The next service did not answer as it should, and will not be asked again.
    Degraded,
    /// The next service did not answer as it should, and will be asked again.
    Queued,
    /// A fault was injected.
    Fault,
    /// It was answered with a problem.
    Refused,
}

/// A part of a request's time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lap {
    /// How long after the request came.
    pub(crate) begins: Duration,
    pub(crate) took: Duration,
}

/// The hop to the next service, whether or not the circuit let it through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hop {
    /// Its span, which the next service is told as its parent.
    pub(crate) span: SpanId,
    pub(crate) lap: Lap,
    /// The state of the circuit that it met.
    pub(crate) state: breaker::State,
    /// For a refusal: when a call may go through again.
    pub(crate) retry_after: Option<Duration>,
}

/// Those who are shown what became of each request. They are called one after the other and waited for, so they have to be
/// quick.
#[derive(Default)]
pub(crate) struct Observers(Vec<Observer>);

type Observer = Box<dyn Fn(&Handled) + Send + Sync>;

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Fn(&Handled) + Send + Sync + 'static) {
        self.0.push(Box::new(observer));
    }

    fn show(&self, handled: &Handled) {
        for observer in &self.0 {
            observer(handled);
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observers({})", self.0.len())
    }
}

/// A request on its way through this service.
#[derive(Debug)]
pub(crate) struct Visit {
    app: Arc<App>,
    pub(crate) trace: TraceContext,
    at: Timestamp,
    came: Instant,
    pub(crate) hop: u32,
    store: Option<Lap>,
    next: Option<Hop>,
    /// What faults are injected into, once it has been read.
    pub(crate) target: Option<Target>,
}

impl Visit {
    pub(crate) fn came(&self) -> Instant {
        self.came
    }

    pub(crate) fn begin(app: Arc<App>, trace: TraceContext) -> Self {
        let (at, came) = (wall::now(), Instant::now());
        Self { app, trace, at, came, hop: 0, store: None, next: None, target: None }
    }

    /// Lets the rules for faults strike; `None` where the request then goes on.
    pub(crate) async fn strike(&mut self, phase: Phase) -> Option<Reply> {
        self.target.as_mut()?.meet(phase).await.map(Reply::Fault)
    }

    /// Held by whoever the client waits for: when it is dropped, no fault holds the request up any more.
    pub(crate) fn client(&self) -> Option<DropGuard> {
        self.target.as_ref().map(Target::client)
    }

    /// Saves a document, and notes how long that takes.
    pub(crate) async fn save(&mut self, entry: Arc<Entry>) -> Result<Inserted, Problem> {
        let begins = self.came.elapsed();
        let result = self.app.store.insert(entry).await;
        self.store = Some(self.lap(begins));
        result
    }

    /// Hands a part on, and notes how long that takes and what the circuit says to it.
    pub(crate) async fn hand_over(
        &mut self,
        next: &Next,
        key: Uuid,
        part: &Value,
        deadline: Deadline,
    ) -> Result<Answer, Missed> {
        let (span, state, begins) = (SpanId::new(), next.state(), self.came.elapsed());
        let key = idempotency::of_hand_over(key);
        let parcel = Parcel { hop: self.hop, part, key, trace: self.trace.headers(span) };
        let result = next.hand_over(&parcel, deadline).await;
        let retry_after = result.as_ref().err().and_then(Missed::retry_after);
        self.next = Some(Hop { span, lap: self.lap(begins), state, retry_after });
        result
    }

    fn lap(&self, begins: Duration) -> Lap {
        Lap { begins, took: self.came.elapsed().saturating_sub(begins) }
    }

    /// Answers, and shows the observers what became of it.
    pub(crate) fn end(self, result: Result<Reply, Problem>, form: Form) -> Response {
        let reply = result.as_ref().ok();
        let outcome = reply.map_or(Outcome::Refused, Reply::outcome);
        let error = reply.and_then(Reply::error);
        let degraded = reply.and_then(Reply::degraded).map(ToOwned::to_owned);
        let fault = self.target.as_ref().and_then(Target::rule).map(ToOwned::to_owned);

        let app = &self.app;
        // Of an order that was taken before, as it was told then.
        let time = wall::minutes_and_seconds(reply.and_then(Reply::taken_at).unwrap_or(self.at));
        let voice = Voice { id: &app.id, time: &time, form, strict: app.strict_status };
        let mut response = match result {
            Ok(reply) => reply.render(voice),
            Err(problem) => problem.into_response(),
        };
        let handled = Handled {
            trace: self.trace,
            at: self.at,
            hop: self.hop,
            outcome,
            status: response.status(),
            took: self.came.elapsed(),
            store: self.store,
            next: self.next,
            error,
            degraded,
            fault,
        };
        if let Ok(timing) = HeaderValue::try_from(handled.timing(app.next.as_ref().map(Next::name))) {
            response.headers_mut().insert(SERVER_TIMING, timing);
        }
        if let Some(target) = &self.target {
            target.mark(&mut response);
        }
        app.observers.show(&handled);
        response
    }
}

impl Handled {
    /// As `Server-Timing` has it: `store;dur=1.2, breaker;desc="closed", payment;dur=12.4, total;dur=14.0`.
    fn timing(&self, next: Option<&str>) -> String {
        let mut text = String::new();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        if let Some(lap) = self.store {
            let _ = write!(text, "store;dur={:.1}, ", ms(lap.took));
        }
        if let Some(hop) = self.next {
            let _ = write!(text, "breaker;desc=\"{}\", ", hop.state);
            let name: String =
                next.unwrap_or("next").chars().map(|c| if is_token(c) { c } else { '_' }).collect();
            let _ = write!(text, "{name};dur={:.1}, ", ms(hop.lap.took));
        }
        let _ = write!(text, "total;dur={:.1}", ms(self.took));
        text
    }
}

/// What a metric's name may be made of; a service may be named otherwise.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

impl Outcome {
    pub(crate) const ALL: [Self; 7] =
        [Self::Last, Self::Ended, Self::Passed, Self::Degraded, Self::Queued, Self::Fault, Self::Refused];

    /// A word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Ended => "ended",
            Self::Passed => "passed",
            Self::Degraded => "degraded",
            Self::Queued => "queued",
            Self::Fault => "fault",
            Self::Refused => "refused",
        }
    }
}

/// Writes it to the log, where somebody looks closely.
pub(crate) fn log(handled: &Handled) {
    debug!(
        at = %handled.at,
        hop = handled.hop,
        outcome = handled.outcome.name(),
        status = handled.status.as_u16(),
        took = ?handled.took,
        store = ?handled.store.map(|lap| lap.took),
        next = ?handled.next.map(|hop| hop.lap.took),
        retry_after = ?handled.next.and_then(|hop| hop.retry_after),
        error = handled.error,
        degraded = handled.degraded,
        fault = handled.fault,
        span = %handled.trace.span,
        parent = ?handled.trace.parent,
        hop_span = ?handled.next.map(|hop| hop.span),
        watched = handled.trace.watched,
        "request handled"
    );
}
