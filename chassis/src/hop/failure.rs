//! How a hop fails, and what of it is told to whom.

use crate::limits;
use breaker::{CallError, Verdict};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::error::Error;
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Missed {
    /// The next service's name.
    pub(crate) next: String,
    pub(crate) why: CallError<Failure>,
}

/// How a request to the next service failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not be reached, or broke off before it answered.
    Unreachable(String),
    /// It took longer than the client waits where no circuit limits the time.
    Slow,
    /// Its caller would have given up before it could be handed the answer.
    Cut { after: Duration },
    /// The caller has given up: nothing was sent.
    NoTime,
    /// It answered that it has taken it, and then something that cannot be used.
    Unreadable { status: StatusCode, message: &'static str },
    /// It answered with another status than 2xx, or broke off.
    Upstream { status: StatusCode, message: String, response: Option<Value> },
}

impl Failure {
    /// What it says of the next service. An answer that was not there in time is a time-out, whoever set the time.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Unreachable(_) | Self::Unreadable { .. } => Verdict::Failure,
            Self::Slow | Self::Cut { .. } => Verdict::Timeout,
            Self::NoTime => Verdict::Ignore,
            Self::Upstream { .. } => Verdict::from(!self.is_callers_fault()),
        }
    }

    /// Whether the next service finds fault with what it was sent.
    pub(crate) fn is_callers_fault(&self) -> bool {
        match self {
            Self::Upstream { status, response, .. } => is_callers_fault(*status, response.as_ref()),
            _ => false,
        }
    }

    /// For the log.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Unreachable(cause) => cause.clone(),
            Self::Slow => format!("no answer within {} s", limits::HOP_TIME.as_secs()),
            Self::Cut { after } => format!("no answer within {} ms", after.as_millis()),
            Self::NoTime => "the caller has given up".to_owned(),
            Self::Unreadable { message, .. } => (*message).to_owned(),
            Self::Upstream { message, .. } => message.clone(),
        }
    }

    /// Tells a refused connection from one that broke: by what lies deepest, without addresses.
    pub(crate) fn unreachable(error: reqwest::Error) -> Self {
        if error.is_timeout() && !error.is_connect() {
            return Self::Slow;
        }
        let mut cause: &dyn Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Self::Unreachable(cause.to_string())
    }
}

/// A 4xx is the caller's fault, but for those that speak of the callee: too slow, too early, too busy. So is a 502 by which the next
/// service passes one on.
fn is_callers_fault(status: StatusCode, response: Option<&Value>) -> bool {
    if status != StatusCode::BAD_GATEWAY {
        let of_the_callee =
            [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
        return status.is_client_error() && !of_the_callee.contains(&status);
    }
    let Some(error) = response.and_then(|response| response.get("error")) else { return false };
    let passed_on =
        error["status"].as_u64().and_then(|status| StatusCode::from_u16(status.try_into().ok()?).ok());
    passed_on.is_some_and(|status| is_callers_fault(status, error.get("response")))
}

impl Missed {
    /// Whether the circuit is open, so that nothing was sent.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.why, CallError::Open { .. })
    }

    /// Says which of five things happened.
    pub(crate) fn code(&self) -> &'static str {
        match &self.why {
            CallError::Failed(Failure::Unreachable(_)) => "ECONNECT",
            CallError::Failed(Failure::Slow | Failure::Cut { .. } | Failure::NoTime) => "ETIMEDOUT",
            CallError::Failed(Failure::Unreadable { .. } | Failure::Upstream { .. }) => "EUPSTREAM",
            ours => ours.code().unwrap_or("EUPSTREAM"),
        }
    }

    /// One sentence for the client.
    fn message(&self) -> String {
        let next = &self.next;
        match &self.why {
            CallError::Open { .. } => format!("the circuit to {next} is open: nothing was sent"),
            CallError::Full { capacity } => {
                format!("as many calls to {next} are under way as may be, {capacity}: nothing was sent")
            }
            CallError::TimedOut { after } => format!("{next} did not answer within {} ms", after.as_millis()),
            CallError::Failed(Failure::Slow) => {
                format!("{next} did not answer within {} s", limits::HOP_TIME.as_secs())
            }
            CallError::Failed(Failure::Cut { after }) => {
                format!("{next} did not answer within {} ms", after.as_millis())
            }
            CallError::Failed(Failure::NoTime) => format!("no time was left for {next}: nothing was sent"),
            CallError::Failed(Failure::Unreachable(_)) => format!("{next} could not be reached"),
            CallError::Failed(Failure::Unreadable { message, .. }) => format!("{next}: {message}"),
            CallError::Failed(Failure::Upstream { message, .. }) => format!("{next}: {message}"),
        }
    }

    /// When a call may go through again; for refusals.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self.why {
            CallError::Open { retry_after } => Some(retry_after),
            CallError::Full { .. } => Some(Duration::from_secs(1)),
            CallError::TimedOut { .. } | CallError::Failed(_) => None,
        }
    }

    /// What the client is told.
    pub(crate) fn told(&self, queued: bool) -> Told {
        Told { next: self.next.clone(), error: self.to_json(), queued }
    }

    /// The `error` of an answer.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({ "code": self.code(), "message": self.message() });
        match &self.why {
            CallError::Failed(Failure::Unreadable { status, .. }) => error["status"] = status.as_u16().into(),
            CallError::Failed(Failure::Upstream { status, response, .. }) => {
                error["status"] = status.as_u16().into();
                if let Some(response) = response {
                    error["response"] = response.clone();
                }
            }
            _ => {}
        }
        if let Some(time) = self.retry_after() {
            error["retry_after_ms"] =
                u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).into();
        }
        error
    }
}

/// Why there is no answer, as it is told to the client: now, or when it asks again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// The next service's name.
    pub(crate) next: String,
    /// The `error` of the answer.
    pub(crate) error: Value,
    /// Whether the next service will be asked again.
    pub(crate) queued: bool,
}

/// The codes that an error may bear, each with the status for those who want the truth.
const CODES: [(&str, StatusCode); 8] = [
    ("EUPSTREAM", StatusCode::BAD_GATEWAY),
    ("ECONNECT", StatusCode::BAD_GATEWAY),
    ("ETIMEDOUT", StatusCode::GATEWAY_TIMEOUT),
    ("EOPENBREAKER", StatusCode::SERVICE_UNAVAILABLE),
    ("ESEMLOCKED", StatusCode::SERVICE_UNAVAILABLE),
    ("EINJECTED", StatusCode::BAD_GATEWAY),
    ("EDROPPED", StatusCode::BAD_GATEWAY),
    ("EDOCUMENT", StatusCode::BAD_GATEWAY),
];

impl Told {
    /// Which of several things happened.
    pub(crate) fn code(&self) -> &'static str {
        self.known().0
    }

    /// One sentence for the client.
    pub(crate) fn message(&self) -> &str {
        self.error["message"].as_str().unwrap_or_default()
    }

    /// When a call may go through again; for refusals.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.error["retry_after_ms"].as_u64().map(Duration::from_millis)
    }

    /// The status for those who want the truth: 202 where the order will get there, else 502, 503 or 504.
    pub(crate) fn strict_status(&self) -> StatusCode {
        if self.queued { StatusCode::ACCEPTED } else { self.known().1 }
    }

    fn known(&self) -> (&'static str, StatusCode) {
        let code = self.error["code"].as_str().unwrap_or_default();
        CODES.into_iter().find(|(known, _)| *known == code).unwrap_or(CODES[0])
    }
}
