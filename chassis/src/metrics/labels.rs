//! What tells one series from another. All but the names of services and rules are words from a list of ours.

use axum::http::Method;
use breaker::State;
use prometheus_client::encoding::EncodeLabelSet;

/// The label of paths that lead nowhere.
const NOWHERE: &str = "unknown";
/// What `POST /create` can be answered with.
const CREATED: [u16; 12] = [200, 202, 400, 408, 409, 413, 415, 422, 500, 502, 503, 504];

/// What can be read, beside documents.
const READ: [&str; 10] = [
    "/",
    "/chaos",
    "/circuit",
    "/events",
    "/hystrix.stream",
    "/livez",
    "/metrics",
    "/openapi.json",
    "/queue",
    "/readyz",
];
/// What can be changed.
const CHANGED: [(Method, &str, u16); 9] = [
    (Method::PUT, "/circuit", 200),
    (Method::PUT, "/chaos/rules/{name}", 200),
    (Method::POST, "/chaos/presets/{name}", 200),
    (Method::POST, "/chaos/reset", 200),
    (Method::POST, "/chaos/enable", 200),
    (Method::POST, "/chaos/disable", 200),
    (Method::DELETE, "/chaos/rules/{name}", 204),
    (Method::POST, "/queue/{key}/retry", 202),
    (Method::DELETE, "/queue/{key}", 204),
];

/// A request, in the words of OpenTelemetry's semantic conventions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    http_request_method: &'static str,
    http_route: String,
    http_response_status_code: u16,
}

impl Request {
    pub(super) fn of(method: &Method, route: Option<&str>, status: u16) -> Self {
        let mut known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"].into_iter();
        let name = known.find(|known| *known == method.as_str()).unwrap_or("_OTHER");
        Self {
            http_request_method: name,
            http_route: route.unwrap_or(NOWHERE).to_owned(),
            http_response_status_code: status,
        }
    }

    /// Those that a service is there for.
    pub(super) fn known(records: &str) -> impl Iterator<Item = Self> {
        let create = CREATED.map(|status| Self::of(&Method::POST, Some("/create"), status));
        let (list, one) = (format!("/{records}"), format!("/{records}/{{key}}"));
        let read = [&*list, &one].into_iter().chain(READ);
        let read: Vec<_> = read.map(|path| Self::of(&Method::GET, Some(path), 200)).collect();
        let changed = CHANGED.map(|(method, path, status)| Self::of(&method, Some(path), status));
        let nowhere = Self::of(&Method::GET, None, 404);
        create.into_iter().chain(read).chain(changed).chain([nowhere])
    }
}

/// Something that the store was asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StoreWork {
    pub(super) operation: &'static str,
    pub(super) outcome: &'static str,
}

impl StoreWork {
    pub(super) fn known() -> impl Iterator<Item = Self> {
        let operations = [
            "insert", "get", "list", "ping", "settle", "claim", "backlog", "sweep", "queued", "retry",
            "discard", "close",
        ];
        operations
            .into_iter()
            .flat_map(|operation| ["done", "failed"].map(|outcome| Self { operation, outcome }))
    }
}

/// What became of a document that was posted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Created {
    pub(super) outcome: &'static str,
}

/// A circuit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Circuit {
    pub(super) circuit: String,
}

/// A change of a circuit's state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Turn {
    pub(super) circuit: String,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

/// The states, and the words for them.
pub(super) const STATES: [State; 3] = [State::Closed, State::Open, State::HalfOpen];

pub(super) fn state(state: State) -> &'static str {
    match state {
        State::Closed => "closed",
        State::Open => "open",
        State::HalfOpen => "half-open",
    }
}

pub(super) fn every_turn() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pairs = STATES.into_iter().flat_map(|from| STATES.map(|to| (from, to)));
    pairs.filter(|(from, to)| from != to).map(|(from, to)| (state(from), state(to)))
}
