//! A rule: which requests fail, how, and when. The names of its fields are Istio's where Istio has them.
//!
//! A rule that was read is not yet one that can be used: [`Rule::check`] holds it to its bounds, with one sentence for
//! each.

use super::time::Time;
use crate::limits;
use crate::object;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    #[serde(default, rename = "match", deserialize_with = "object::only")]
    pub(crate) matches: Match,
    #[serde(default)]
    pub(crate) phase: Phase,
    #[serde(default = "all")]
    pub(crate) percentage: f64,
    #[serde(default, deserialize_with = "object::or_none", skip_serializing_if = "Option::is_none")]
    pub(crate) delay: Option<Delay>,
    #[serde(default, deserialize_with = "object::or_none", skip_serializing_if = "Option::is_none")]
    pub(crate) abort: Option<Abort>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<Time>,
    #[serde(default, deserialize_with = "object::or_none", skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<Window>,
    #[serde(default, deserialize_with = "object::or_none", skip_serializing_if = "Option::is_none")]
    pub(crate) calls: Option<Calls>,
    #[serde(default, deserialize_with = "object::or_none", skip_serializing_if = "Option::is_none")]
    pub(crate) ramp: Option<Ramp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_faults: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// Its place in a list that is drawn from once; set by the environment alone.
    #[serde(skip)]
    pub(crate) share: Option<Share>,
    /// How it is, as it is told beside; left unread, so that what was told can be put.
    #[serde(default, skip_serializing)]
    pub(crate) now: IgnoredAny,
}

/// Which requests a rule is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Match {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
}

/// Before or after the document is saved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nothing is saved: as if the request had not come through.
    #[default]
    Before,
    /// The document is saved, and its sender does not get to know: as if the answer had been lost.
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Delay {
    pub(crate) fixed_delay: Time,
    /// How much more or less it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jitter: Option<Time>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Abort {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) http_status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) connection: Option<Connection>,
}

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Connection {
    /// Ended by a TCP RST; on HTTP/2 the stream is reset.
    Reset,
    /// Ended without an answer; on HTTP/2 as above.
    Close,
    /// Kept, and silent, until the client leaves or a minute has passed.
    Hang,
}

/// Some time on, some time off, and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    pub(crate) on: Time,
    pub(crate) off: Time,
}

/// The first and the last of the matching requests that may be hit, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Calls {
    pub(crate) from: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<u64>,
}

/// The percentage moves to another, in a straight line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ramp {
    pub(crate) to: f64,
    pub(crate) over: Time,
}

/// A part of a list from which one thing is drawn at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share {
    pub(crate) list: List,
    /// The percentage points that belong to those before it.
    pub(crate) from: f64,
}

/// The lists of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Abort,
    Delay,
}

/// What is wrong with a rule: the field, and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) field: &'static str,
    pub(crate) sentence: String,
}

fn yes() -> bool {
    true
}

fn all() -> f64 {
    100.0
}

fn refuse_if(wrong: bool, field: &'static str, sentence: impl Into<String>) -> Result<(), Wrong> {
    if wrong { Err(Wrong { field, sentence: sentence.into() }) } else { Ok(()) }
}

impl Rule {
    /// A rule that hits every order before it is saved, and does nothing yet.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            enabled: true,
            matches: Match::default().filled(),
            phase: Phase::Before,
            percentage: 100.0,
            delay: None,
            abort: None,
            duration: None,
            window: None,
            calls: None,
            ramp: None,
            max_faults: None,
            seed: None,
            share: None,
            now: IgnoredAny,
        }
    }

    /// The same in place of another: one that is put back as it was is drawn with the others of its list again.
    pub(crate) fn in_place_of(self, old: &Self) -> Self {
        let share = old.share.filter(|_| old.percentage == self.percentage);
        Self { share, ..self }
    }

    /// Holds it to its bounds, and says in full what it is about.
    pub(crate) fn check(mut self) -> Result<Self, Wrong> {
        check_name(&self.name)?;
        self.matches.check()?;
        self.matches = self.matches.filled();
        check_percentage("percentage", self.percentage)?;
        refuse_if(
            self.delay.is_none() && self.abort.is_none(),
            "abort",
            "is missing, and so is delay: a rule needs at least one of them",
        )?;
        if let Some(delay) = &self.delay {
            delay.check()?;
        }
        if let Some(abort) = &self.abort {
            abort.check()?;
        }
        if let Some(duration) = self.duration {
            check_some("duration", duration)?;
        }
        if let Some(window) = self.window {
            check_some("window.on", window.on)?;
            check_some("window.off", window.off)?;
        }
        if let Some(Calls { from, to }) = self.calls {
            refuse_if(from == 0, "calls.from", "is 0: calls are counted from 1")?;
            refuse_if(to.is_some_and(|to| to < from), "calls.to", "is less than calls.from")?;
        }
        if let Some(ramp) = self.ramp {
            check_percentage("ramp.to", ramp.to)?;
            check_some("ramp.over", ramp.over)?;
        }
        refuse_if(
            self.max_faults == Some(0),
            "maxFaults",
            "is 0: expected at least 1; for none, set enabled to false",
        )?;
        Ok(self)
    }
}

fn check_name(name: &str) -> Result<(), Wrong> {
    let fits = (1..=limits::RULE_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !name.starts_with('.');
    let expected = format!(
        "expected 1 to {} letters, digits, hyphens, underscores or dots, like slow-shipment",
        limits::RULE_NAME
    );
    refuse_if(!fits, "name", expected)
}

fn check_percentage(field: &'static str, percentage: f64) -> Result<(), Wrong> {
    refuse_if(!(0.0..=100.0).contains(&percentage), field, "expected a percentage from 0 to 100")
}

fn check_some(field: &'static str, time: Time) -> Result<(), Wrong> {
    refuse_if(time.get() == Duration::ZERO, field, "is nothing: expected a time of more than 0")
}

impl Match {
    fn check(&self) -> Result<(), Wrong> {
        if let Some(method) = &self.method {
            let is_known = [Method::GET, Method::POST].iter().any(|known| known == method.as_str());
            refuse_if(!is_known, "match.method", "expected GET or POST: the routes take no others")?;
        }
        if let Some(path) = &self.path {
            let fits = path.starts_with('/') && path.len() <= limits::RULE_TEXT;
            let expected = format!(
                "expected a path like /create, or the beginning of some, like /shipments*, of at most {} bytes",
                limits::RULE_TEXT
            );
            refuse_if(!fits, "match.path", expected)?;
        }
        let most = limits::RULE_HEADERS;
        refuse_if(self.headers.len() > most, "match.headers", format!("has more than {most} headers"))?;
        for (name, value) in &self.headers {
            let short = name.len() <= limits::RULE_TEXT && value.len() <= limits::RULE_TEXT;
            let fits = name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok();
            let expected = format!(
                "expected names of headers with their values, or with * for any, of at most {} bytes each",
                limits::RULE_TEXT
            );
            refuse_if(!(short && fits), "match.headers", expected)?;
        }
        Ok(())
    }

    /// Orders, where neither method nor path is said.
    pub(crate) fn filled(self) -> Self {
        match self {
            Self { method: None, path: None, headers } => {
                Self { method: Some("POST".to_owned()), path: Some("/create".to_owned()), headers }
            }
            said => said,
        }
    }
}

impl Delay {
    fn check(&self) -> Result<(), Wrong> {
        check_some("delay.fixedDelay", self.fixed_delay)?;
        let longest = limits::FAULT_TIME;
        refuse_if(
            self.fixed_delay.get() + self.jitter.map_or(Duration::ZERO, Time::get) > longest,
            "delay.fixedDelay",
            format!("is, with its jitter, more than {} s", longest.as_secs()),
        )?;
        refuse_if(
            self.jitter.is_some_and(|jitter| jitter > self.fixed_delay),
            "delay.jitter",
            "is more than delay.fixedDelay: some delays would be less than nothing",
        )
    }
}

impl Abort {
    pub(crate) fn status(status: u16) -> Self {
        Self { http_status: Some(status), connection: None }
    }

    pub(crate) fn connection(connection: Connection) -> Self {
        Self { http_status: None, connection: Some(connection) }
    }

    fn check(&self) -> Result<(), Wrong> {
        refuse_if(
            self.http_status.is_some() == self.connection.is_some(),
            "abort",
            "expected one of httpStatus and connection",
        )?;
        refuse_if(
            self.http_status.is_some_and(|status| !is_failure(status)),
            "abort.httpStatus",
            "expected a status of an error, from 400 to 599",
        )
    }
}

/// Whether a status says that something failed.
pub(crate) fn is_failure(status: u16) -> bool {
    (400..=599).contains(&status) && StatusCode::from_u16(status).is_ok()
}
