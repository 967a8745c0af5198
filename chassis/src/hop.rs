//! The hop to the next service, through the circuit.
//!
//! What the next service answers is read to its end within a bound, and sorted: an answer, the caller's own fault (a
//! 4xx, which says nothing against the next service), or its failure.

use crate::limits;
use breaker::{Breaker, CallError, State};
use prometheus_client::metrics::histogram::Histogram;
use reqwest::header::{self, HeaderMap};
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// Names the service for which a degraded answer stands in.
pub(crate) const DEGRADED: &str = "x-degraded";

/// The next service, as seen from this one.
#[derive(Debug)]
pub(crate) struct Next {
    name: String,
    url: Url,
    client: Client,
    breaker: Breaker,
    /// How long calls took that were let through.
    durations: Histogram,
}

/// What the next service answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Value,
    /// The service further down that did not answer, if one did not.
    pub(crate) degraded: Option<String>,
}

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
    /// It answered with another status than 2xx, or with something that cannot be read.
    Upstream { status: StatusCode, message: String, response: Option<Value> },
}

impl Next {
    pub(crate) fn new(
        name: String,
        url: Url,
        breaker: Breaker,
        durations: Histogram,
    ) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(limits::CONNECT_TIME)
            .timeout(limits::HOP_TIME)
            .pool_idle_timeout(limits::IDLE_TIME)
            .build()?;
        Ok(Self { name, url, client, breaker, durations })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The state of the circuit.
    pub(crate) fn state(&self) -> State {
        self.breaker.state()
    }

    /// Hands a part on; `trace` says in the course of what.
    pub(crate) async fn hand_over(&self, hop: u32, part: &Value, trace: HeaderMap) -> Result<Answer, Missed> {
        let call = self.breaker.call(self.post(hop, part, trace)).failure_if(Failure::counts);
        let begun = Instant::now();
        let result = call.await;
        if !matches!(result, Err(CallError::Open { .. } | CallError::Full { .. })) {
            self.durations.observe(begun.elapsed().as_secs_f64());
        }
        result.map_err(|why| {
            if let CallError::Failed(failure) = &why {
                warn!(next = self.name, "hop failed: {}", failure.message());
            }
            Missed { next: self.name.clone(), why }
        })
    }

    async fn post(&self, hop: u32, part: &Value, trace: HeaderMap) -> Result<Answer, Failure> {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("count", &hop.to_string());
        let request = self.client.post(url).headers(trace);
        let request = request.header(header::ACCEPT, "application/json").json(part);
        let mut response = request.send().await.map_err(unreachable)?;

        let status = response.status();
        let degraded =
            response.headers().get(DEGRADED).and_then(|name| name.to_str().ok()).map(ToOwned::to_owned);
        let upstream =
            |message: &str, response| Failure::Upstream { status, message: message.into(), response };

        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| match error.is_timeout() {
            true => Failure::Slow,
            false => upstream("the answer broke off", None),
        })? {
            if bytes.len() + chunk.len() > limits::ANSWER {
                return Err(upstream("the answer is too large", None));
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = serde_json::from_slice(&bytes);
        if !status.is_success() {
            let text = || Value::from(String::from_utf8_lossy(&bytes));
            return Err(upstream(&format!("answered {status}"), Some(body.unwrap_or_else(|_| text()))));
        }
        let body = body.map_err(|_| upstream("the answer is not JSON", None))?;
        Ok(Answer { body, degraded })
    }
}

impl Failure {
    fn counts(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Slow => true,
            Self::Upstream { status, response, .. } => !is_callers_fault(*status, response.as_ref()),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Unreachable(cause) => cause.clone(),
            Self::Slow => format!("no answer within {} s", limits::HOP_TIME.as_secs()),
            Self::Upstream { message, .. } => message.clone(),
        }
    }
}

/// A 4xx is the caller's fault, but for those that speak of the callee: too slow, too busy. So is a 502 by which the next
/// service passes one on.
fn is_callers_fault(status: StatusCode, response: Option<&Value>) -> bool {
    if status != StatusCode::BAD_GATEWAY {
        let of_the_callee = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        return status.is_client_error() && !of_the_callee.contains(&status);
    }
    let Some(error) = response.and_then(|response| response.get("error")) else { return false };
    let passed_on =
        error["status"].as_u64().and_then(|status| StatusCode::from_u16(status.try_into().ok()?).ok());
    passed_on.is_some_and(|status| is_callers_fault(status, error.get("response")))
}

/// Tells a refused connection from one that broke: by what lies deepest, without addresses.
fn unreachable(error: reqwest::Error) -> Failure {
    if error.is_timeout() && !error.is_connect() {
        return Failure::Slow;
    }
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Failure::Unreachable(cause.to_string())
}

impl Missed {
    /// Says which of five things happened.
    pub(crate) fn code(&self) -> &'static str {
        match &self.why {
            CallError::Failed(Failure::Unreachable(_)) => "ECONNECT",
            CallError::Failed(Failure::Slow) => "ETIMEDOUT",
            CallError::Failed(Failure::Upstream { .. }) => "EUPSTREAM",
            ours => ours.code().unwrap_or("EUPSTREAM"),
        }
    }

    /// One sentence for the client.
    pub(crate) fn message(&self) -> String {
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
            CallError::Failed(Failure::Unreachable(_)) => format!("{next} could not be reached"),
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

    /// The status for those who want the truth: 502, 503 or 504.
    pub(crate) fn strict_status(&self) -> StatusCode {
        match &self.why {
            CallError::Open { .. } | CallError::Full { .. } => StatusCode::SERVICE_UNAVAILABLE,
            CallError::TimedOut { .. } | CallError::Failed(Failure::Slow) => StatusCode::GATEWAY_TIMEOUT,
            CallError::Failed(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// The `error` of an answer.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({ "code": self.code(), "message": self.message() });
        if let CallError::Failed(Failure::Upstream { status, response, .. }) = &self.why {
            error["status"] = status.as_u16().into();
            if let Some(response) = response {
                error["response"] = response.clone();
            }
        }
        if let Some(time) = self.retry_after() {
            error["retry_after_ms"] =
                u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).into();
        }
        error
    }
}
