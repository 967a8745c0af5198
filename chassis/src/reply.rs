//! What `POST /create` answers, as JSON or as the original's text.

use crate::accept::Form;
use crate::chaos::Ending;
use crate::handled::Outcome;
use crate::hop::{Answer, DEGRADED, Missed};
use crate::problem::Problem;
use crate::store::Saved;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// The `error.code` of an injected fault.
const INJECTED: &str = "EINJECTED";

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
    Degraded(Arc<Saved>, Missed),
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
            Self::Degraded(..) => Outcome::Degraded,
            Self::Fault(_) => Outcome::Fault,
        }
    }

    /// What stands as `error.code` in the answer of this service.
    pub(crate) fn error(&self) -> Option<&'static str> {
        match self {
            Self::Degraded(_, missed) => Some(missed.code()),
            Self::Fault(_) => Some(INJECTED),
            Self::Last | Self::Ended(_) | Self::Passed(..) => None,
        }
    }

    /// The service that did not answer, however far down.
    pub(crate) fn degraded(&self) -> Option<&str> {
        match self {
            Self::Passed(_, answer) => answer.degraded.as_deref(),
            Self::Degraded(_, missed) => Some(&missed.next),
            Self::Last | Self::Ended(_) | Self::Fault(_) => None,
        }
    }

    pub(crate) fn render(self, voice: Voice<'_>) -> Response {
        let Voice { id, time, .. } = voice;
        let location = format!("This is {id} @{time}");
        match self {
            Self::Last => {
                answer(voice, "\nLast".to_owned(), || json!({ "location": location, "data": "Last" }))
            }
            Self::Ended(saved) => {
                let mut data = json!({ "msg": "Ended Transaction" });
                merge(&mut data, saved.to_json());
                answer(
                    voice,
                    format!("\n{location} -> Next {data}"),
                    || json!({ "location": location, "data": data }),
                )
            }
            Self::Passed(saved, Answer { body, degraded }) => {
                let text = format!("\n{location} -> Next {body}");
                let response = answer(voice, text, || {
                    let mut data = saved.to_json();
                    data["response"] = body;
                    json!({ "location": location, "data": data })
                });
                mark(response, degraded.as_deref())
            }
            Self::Degraded(saved, missed) if voice.strict => strict(location, &saved, &missed),
            Self::Degraded(saved, missed) => {
                let error = missed.to_json();
                let text = format!("\n{location} -> Next {error}");
                let response = answer(
                    voice,
                    text,
                    || json!({ "location": location, "data": saved.to_json(), "error": error }),
                );
                mark(response, Some(&missed.next))
            }
            Self::Fault(ending) => fault(voice, ending),
        }
    }
}

/// What is answered where a fault was injected.
pub(crate) fn fault(voice: Voice<'_>, ending: Ending) -> Response {
    let Voice { id, time, .. } = voice;
    let message = format!("{id} @{time} -> unavailable");
    let mut response = answer(voice, format!("\n{message}"), || {
        let location = format!("This is {id} @{time}");
        json!({ "location": location, "error": { "code": INJECTED, "message": message } })
    });
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

fn answer(voice: Voice<'_>, text: String, json: impl FnOnce() -> Value) -> Response {
    let mut response = match voice.form {
        Form::Json => Json(json()).into_response(),
        Form::Text => text.into_response(),
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

fn mark(mut response: Response, degraded: Option<&str>) -> Response {
    // A name that cannot stand in a header is still in the body.
    if let Some(name) = degraded.and_then(|name| HeaderValue::from_str(name).ok()) {
        response.headers_mut().insert(DEGRADED, name);
    }
    response
}

fn strict(location: String, saved: &Saved, missed: &Missed) -> Response {
    let problem = Problem::new(missed.strict_status(), missed.message())
        .with("location", location)
        .with("data", saved.to_json())
        .with("error", missed.to_json());
    match missed.retry_after() {
        Some(time) => problem.retry_after(time),
        None => problem,
    }
    .into_response()
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
