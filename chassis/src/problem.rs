//! What is answered when something is wrong: `application/problem+json` (RFC 9457).
//!
//! The client gets one sentence that says what is wrong and what would be right; the cause, where there is one, goes to
//! the log, once, where it is met.

use crate::limits;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// An answer that says what is wrong. Boxed, since it is what most of our functions may fail with.
#[derive(Debug, Clone)]
pub struct Problem(Box<Members>);

#[derive(Debug, Clone, Serialize)]
struct Members {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    detail: String,
    #[serde(skip)]
    retry_after: Option<Duration>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Problem {
    /// A problem of any other status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Members {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: shorten(detail.into()),
            retry_after: None,
            more: Map::new(),
        }))
    }

    /// A 400: it cannot be read.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// A 422: a field is missing or wrong.
    pub fn field(name: &str, detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{name}: {detail}"))
            .with("field", shorten(name.to_owned()))
    }

    /// A 404: there is none.
    pub fn absent(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// A 503 that is worth trying again.
    pub fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(retry_after)
    }

    /// A 500: a mistake of ours, whose cause is in the log.
    pub fn ours() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service made a mistake; its log says which")
    }

    /// Says when to try again, in whole seconds, rounded up.
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.0.retry_after = Some(time);
        self
    }

    /// Adds a member of our own.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.more.insert(name.to_owned(), value.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.0.status, self.0.retry_after);
        let mut response = (status, Json(&*self.0)).into_response();
        // For the door, which knows the trace.
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(time) = retry_after {
            let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

fn shorten(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(limits::DETAIL) {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
