//! What `POST /create` answers, as JSON or as the original's text.

use crate::accept::Form;
use crate::chaos::Ending;
use crate::handled::Outcome;
use crate::hop::{Answer, DEGRADED, QUEUED, Told};
use crate::problem::Problem;
use crate::store::Saved;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::ops::Not;
use std::sync::Arc;

/// The `error.code` of an injected fault.
pub(crate) const INJECTED: &str = "EINJECTED";

/// How an order's way through this service ended.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The chain stops here: as many hops as may be were made.
    Last,
    /// The chain ends here: there is no next service.
    Ended(Arc<Saved>),
    /// The next service answered.
    Passed(Arc<Saved>, Answer),
    /// The next service did not answer as it should.
    Degraded(Arc<Saved>, Told),
    /// A fault was injected.
    Fault(Ending),
}

/// Who answers, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice<'a> {
    pub(crate) id: &'a str,
    /// Minutes and seconds.
    pub(crate) time: &'a str,
    pub(crate) form: Form,
    /// Whether a failed hop is answered with a status that says so.
    pub(crate) strict: bool,
}

impl Reply {
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Last => Outcome::Last,
            Self::Ended(_) => Outcome::Ended,
            Self::Passed(..) => Outcome::Passed,
            Self::Degraded(_, told) if told.queued => Outcome::Queued,
            Self::Degraded(..) => Outcome::Degraded,
            Self::Fault(_) => Outcome::Fault,
        }
    }

    /// What stands as `error.code` in the answer of this service.
    pub(crate) fn error(&self) -> Option<&'static str> {
        match self {
            Self::Degraded(_, told) => Some(told.code()),
            Self::Fault(_) => Some(INJECTED),
            Self::Last | Self::Ended(_) | Self::Passed(..) => None,
        }
    }

    /// The service that did not answer, however far down.
    pub(crate) fn degraded(&self) -> Option<&str> {
        match self {
            Self::Passed(_, answer) => answer.degraded.as_deref(),
            Self::Degraded(_, told) => Some(&told.next),
            Self::Last | Self::Ended(_) | Self::Fault(_) => None,
        }
    }

    /// When the order was taken, where the answer tells of one.
    pub(crate) fn taken_at(&self) -> Option<Timestamp> {
        match self {
            Self::Ended(saved) | Self::Passed(saved, _) | Self::Degraded(saved, _) => Some(saved.created_at),
            Self::Last | Self::Fault(_) => None,
        }
    }

    pub(crate) fn render(self, voice: Voice<'_>) -> Response {
        let Voice { id, time, .. } = voice;
        let location = format!("This is {id} @{time}");
        match self {
            Self::Last => {
                let body = Body { location: &location, data: "Last", error: None, queued: false };
                answer(voice, &body, || "\nLast".to_owned())
            }
            Self::Ended(saved) => {
                let data = Data { msg: Some("Ended Transaction"), saved: &saved, response: None };
                let text = || format!("\n{location} -> Next {}", to_text(&data));
                answer(voice, &Body { location: &location, data: &data, error: None, queued: false }, text)
            }
            Self::Passed(saved, Answer { body, degraded, queued }) => {
                let data = Data { msg: None, saved: &saved, response: Some(&body) };
                let text = || format!("\n{location} -> Next {body}");
                let body = Body { location: &location, data: &data, error: None, queued: false };
                let mut response = answer(voice, &body, text);
                if voice.strict && queued {
                    *response.status_mut() = StatusCode::ACCEPTED;
                }
                mark(response, degraded.as_deref(), queued)
            }
            Self::Degraded(saved, told) if voice.strict && !told.queued => strict(location, &saved, &told),
            Self::Degraded(saved, told) => {
                let Told { next, error, queued } = &told;
                let text = || format!("\n{location} -> Next {error}");
                let body = Body { location: &location, data: &*saved, error: Some(error), queued: *queued };
                let mut response = answer(voice, &body, text);
                if voice.strict {
                    *response.status_mut() = told.strict_status();
                }
                mark(response, Some(next), *queued)
            }
            Self::Fault(ending) => fault(voice, ending),
        }
    }
}

/// What is answered where a fault was injected.
pub(crate) fn fault(voice: Voice<'_>, ending: Ending) -> Response {
    let Voice { id, time, .. } = voice;
    let message = format!("{id} @{time} -> unavailable");
    let location = format!("This is {id} @{time}");
    let body = json!({ "location": location, "error": { "code": INJECTED, "message": message } });
    let mut response = answer(voice, &body, || format!("\n{message}"));
    *response.status_mut() = match ending {
        Ending::Status(status) => status,
        // The server cuts the connection instead of sending this.
        Ending::Cut(cut) => {
            response.extensions_mut().insert(cut);
            StatusCode::BAD_GATEWAY
        }
    };
    response
}

/// What is answered as JSON.
#[derive(Debug, Serialize)]
struct Body<'a, D> {
    location: &'a str,
    data: D,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Value>,
    #[serde(skip_serializing_if = "Not::not")]
    queued: bool,
}

/// A document, and what belongs to it.
#[derive(Debug)]
struct Data<'a> {
    msg: Option<&'static str>,
    saved: &'a Saved,
    response: Option<&'a Value>,
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        if let Some(msg) = self.msg {
            members.serialize_entry("msg", msg)?;
        }
        self.saved.write(&mut members)?;
        if let Some(response) = self.response {
            members.serialize_entry("response", response)?;
        }
        members.end()
    }
}

fn to_text(data: &Data<'_>) -> String {
    serde_json::to_string(data).unwrap_or_default()
}

fn answer(voice: Voice<'_>, json: &impl Serialize, text: impl FnOnce() -> String) -> Response {
    let mut response = match voice.form {
        Form::Json => Json(json).into_response(),
        Form::Text => text().into_response(),
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

fn mark(mut response: Response, degraded: Option<&str>, queued: bool) -> Response {
    if queued {
        response.headers_mut().insert(QUEUED, HeaderValue::from_static("1"));
    }
    // A name that cannot stand in a header is still in the body.
    if let Some(name) = degraded.and_then(|name| HeaderValue::from_str(name).ok()) {
        response.headers_mut().insert(DEGRADED, name);
    }
    response
}

fn strict(location: String, saved: &Saved, told: &Told) -> Response {
    let problem = Problem::new(told.strict_status(), told.message())
        .with("location", location)
        .with("data", serde_json::to_value(saved).unwrap_or_default())
        .with("error", told.error.clone());
    match told.retry_after() {
        Some(time) => problem.retry_after(time),
        None => problem,
    }
    .into_response()
}
