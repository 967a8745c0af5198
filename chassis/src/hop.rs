//! The hop to the next service, through the circuit.
//!
//! What the next service answers is read to its end within a bound, and sorted: an answer, the caller's own fault (a
//! 4xx, which says nothing against the next service), or its failure.

mod failure;

use crate::deadline::{DEADLINE, Deadline};
use crate::settings::Resilience;
use crate::{idempotency, limits};
use breaker::{Backoff, Breaker, Bulkhead, CallError, Mode, Policy, PolicyError, Retry, State};
use prometheus_client::metrics::histogram::Histogram;
use reqwest::header::{self, HeaderMap};
use reqwest::{Client, Response, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

pub(crate) use failure::{Failure, Missed, Told};

/// Names the service for which a degraded answer stands in.
pub(crate) const DEGRADED: &str = "x-degraded";
/// Says that what was not handed on will be.
pub(crate) const QUEUED: &str = "x-queued";

/// No wait between two tries of one request is longer.
const RETRY_WAIT: Duration = Duration::from_secs(1);
/// How long a call may stand in line before the bulkhead.
const IN_LINE: Duration = Duration::from_millis(50);
/// For work to give up by itself before it is dropped.
const GRACE: Duration = Duration::from_millis(2);

/// The next service, as seen from this one.
#[derive(Debug)]
pub(crate) struct Next {
    name: String,
    url: Url,
    client: Client,
    policy: Policy,
    attempts: u32,
    /// Places of the bulkhead, where there is one.
    places: Option<u32>,
    /// How long calls took that were let through.
    durations: Histogram,
}

/// What is handed on.
#[derive(Debug)]
pub(crate) struct Parcel<'a> {
    /// The number of the hop that brought the document.
    pub(crate) hop: u32,
    pub(crate) part: &'a Value,
    /// By which the next service knows it, if it comes again.
    pub(crate) key: String,
    /// In the course of what.
    pub(crate) trace: HeaderMap,
}

/// What the next service answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) body: Value,
    /// The service further down that did not answer, if one did not.
    pub(crate) degraded: Option<String>,
    /// Whether it will be asked again.
    pub(crate) queued: bool,
}

impl Next {
    pub(crate) fn new(
        name: String,
        url: Url,
        breaker: &Breaker,
        settings: &Resilience,
        durations: Histogram,
    ) -> Result<Self, NextError> {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(limits::CONNECT_TIME)
            .timeout(limits::HOP_TIME)
            .pool_idle_timeout(limits::IDLE_TIME)
            .build()?;
        let attempts = settings.retries.saturating_add(1);
        let backoff = Backoff { ceiling: RETRY_WAIT, jitter: 0.5, ..Backoff::default() };
        let mut policy = Policy::builder(breaker).retry(Retry { attempts, backoff, ..Retry::default() });
        if let Some(places) = settings.bulkhead {
            policy = policy.bulkhead(Bulkhead { places, waiting: places, longest: IN_LINE });
        }
        let places = settings.bulkhead;
        Ok(Self { name, url, client, policy: policy.build()?, attempts, places, durations })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How long a call would be refused for now.
    pub(crate) fn would_refuse(&self) -> Option<Duration> {
        self.policy.breaker().would_refuse()
    }

    /// What a call would come to for now, where the circuit would refuse it.
    pub(crate) fn foreseen(&self) -> Option<Missed> {
        let why = CallError::Open { retry_after: self.would_refuse()? };
        Some(Missed { next: self.name.clone(), why })
    }

    /// How long the circuit stays open.
    pub(crate) fn reset(&self) -> Duration {
        self.policy.breaker().settings().reset
    }

    /// The state of the circuit.
    pub(crate) fn state(&self) -> State {
        self.policy.breaker().state()
    }

    /// Calls that may be under way at once, and those that are. None for no limit.
    pub(crate) fn places(&self) -> Option<(u32, u32)> {
        let breaker = self.policy.breaker();
        let places = breaker.settings().capacity.into_iter().chain(self.places).min()?;
        Some((places, breaker.status().in_flight))
    }

    /// How long one try may take. A circuit that is disabled sets no limit.
    fn time(&self) -> Duration {
        let breaker = self.policy.breaker();
        match breaker.mode() {
            Mode::Disabled => limits::HOP_TIME,
            _ => breaker.settings().timeout.map_or(limits::HOP_TIME, |time| time.min(limits::HOP_TIME)),
        }
    }

    /// The longest that handing something on can take, and a little more.
    pub(crate) fn longest(&self) -> Duration {
        (self.time() + IN_LINE + RETRY_WAIT) * self.attempts + limits::LEASE_MARGIN
    }

    /// Hands a part on.
    pub(crate) async fn hand_over(&self, parcel: &Parcel<'_>, deadline: Deadline) -> Result<Answer, Missed> {
        let begun = Instant::now();
        let result = match deadline.for_next(begun) {
            None => self.call(parcel, None).await,
            Some(Duration::ZERO) => Err(CallError::Failed(Failure::NoTime)),
            Some(left) => {
                let until = begun + left;
                // Where the work has not given up by itself, it is dropped, and says nothing about the next service.
                let cut = timeout_at(until + GRACE, self.call(parcel, Some(until)));
                cut.await.unwrap_or(Err(CallError::Failed(Failure::Cut { after: left })))
            }
        };
        let unsent = |why: &CallError<Failure>| match why {
            CallError::Open { .. } | CallError::Full { .. } | CallError::Failed(Failure::NoTime) => true,
            CallError::TimedOut { .. } | CallError::Failed(_) => false,
        };
        if !result.as_ref().is_err_and(unsent) {
            self.durations.observe(begun.elapsed().as_secs_f64());
        }
        result.map_err(|why| {
            if let CallError::Failed(failure) = &why {
                warn!(next = self.name, "hop failed: {}", failure.message());
            }
            Missed { next: self.name.clone(), why }
        })
    }

    async fn call(&self, parcel: &Parcel<'_>, until: Option<Instant>) -> Result<Answer, CallError<Failure>> {
        let call = self.policy.call(|| self.attempt(parcel, until));
        call.judge_error(Failure::verdict).retry_if(worth_a_retry).await
    }

    /// Sends it, and gives up in time for the caller. That speaks against the next service only where it had at least half
    /// of the usual time: no caller can open a circuit by its haste.
    async fn attempt(&self, parcel: &Parcel<'_>, until: Option<Instant>) -> Result<Answer, Failure> {
        let own = self.time();
        let Some(until) = until else { return self.post(parcel, own).await };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return std::future::pending().await;
        }
        let post = self.post(parcel, own.min(left));
        if left < own / 2 {
            return post.await;
        }
        timeout_at(until, post).await.unwrap_or(Err(Failure::Cut { after: left }))
    }

    async fn post(&self, parcel: &Parcel<'_>, time: Duration) -> Result<Answer, Failure> {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("count", &parcel.hop.to_string());
        let request = self
            .client
            .post(url)
            .headers(parcel.trace.clone())
            .header(header::ACCEPT, "application/json")
            .header(idempotency::KEY, idempotency::quoted(&parcel.key))
            .header(DEADLINE, time.as_millis().to_string())
            .json(parcel.part);
        let response = request.send().await.map_err(Failure::unreachable)?;
        read(response).await
    }
}

async fn read(mut response: Response) -> Result<Answer, Failure> {
    let status = response.status();
    let of = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let (degraded, queued) = (of(DEGRADED).map(ToOwned::to_owned), of(QUEUED).is_some());
    let upstream = |message: &str, response| Failure::Upstream { status, message: message.into(), response };
    // With a 2xx it has taken what it was sent.
    let unreadable = |message: &'static str| match status.is_success() {
        true => Failure::Unreadable { status, message },
        false => upstream(message, None),
    };

    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| match error.is_timeout() {
        true => Failure::Slow,
        false => upstream("the answer broke off", None),
    })? {
        if bytes.len() + chunk.len() > limits::ANSWER {
            return Err(unreadable("the answer is too large"));
        }
        bytes.extend_from_slice(&chunk);
    }
    let body = serde_json::from_slice(&bytes);
    if !status.is_success() {
        let text = || Value::from(String::from_utf8_lossy(&bytes));
        return Err(upstream(&format!("answered {status}"), Some(body.unwrap_or_else(|_| text()))));
    }
    let body = body.map_err(|_| unreadable("the answer is not JSON"))?;
    Ok(Answer { body, degraded, queued })
}

fn worth_a_retry(why: &CallError<Failure>) -> bool {
    match why {
        CallError::TimedOut { .. } => true,
        CallError::Failed(Failure::Cut { .. } | Failure::Unreadable { .. }) => false,
        CallError::Failed(failure) => failure.verdict().is_failure(),
        CallError::Open { .. } | CallError::Full { .. } => false,
    }
}

/// Why there can be no calls to the next service.
#[derive(Debug, thiserror::Error)]
pub enum NextError {
    /// The HTTP client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
    /// What goes around a call.
    #[error("RETRIES and BULKHEAD cannot be used: {0}")]
    Policy(#[from] PolicyError),
}
