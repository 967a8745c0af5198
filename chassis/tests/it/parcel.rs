//! A record, a service made of it, and a way to ask it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use chassis::settings::Settings;
use chassis::store::Store;
use chassis::{Record, Service};
use clap::Parser as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tower::ServiceExt as _;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Parcel {
    pub(crate) id: String,
    pub(crate) weight: serde_json::Number,
    #[serde(default)]
    pub(crate) labels: Vec<Value>,
    #[serde(deserialize_with = "chassis::nested")]
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub(crate) inner: Value,
}

impl Record for Parcel {
    const NAME: &'static str = "parcel";

    fn next(&self) -> Option<&Value> {
        Some(&self.inner)
    }
}

pub(crate) const PARCEL: &str = r#"{"id":"1","weight":2.5,"labels":[],"inner":{"b":1,"a":2}}"#;

/// A parcel in a parcel.
pub(crate) const NESTED: &str = r#"{"id":"1","weight":1,"inner":{"id":"2","weight":1,"inner":{}}}"#;

/// The settings that these flags make. Where a test does not set a time-out, a busy machine must not run into one.
pub(crate) fn settings(flags: &[&str]) -> Settings {
    let mut settings =
        Settings::try_parse_from(["parcel"].iter().chain(flags)).expect("these flags are right");
    if !flags.contains(&"--breaker-timeout-ms") {
        settings.circuit.breaker_timeout_ms = 20_000;
    }
    settings
}

/// A service on an embedded store in `folder`.
pub(crate) async fn service(folder: &Path, flags: &[&str]) -> Service {
    let mut settings = settings(flags);
    settings.storage.data_dir = folder.to_owned();
    Service::new::<Parcel>(&settings).await.expect("these settings are right")
}

/// A service on a store of the test's own.
pub(crate) fn service_on(store: Arc<dyn Store>, flags: &[&str]) -> Service {
    Service::with_store::<Parcel>(&settings(flags), store).expect("these settings are right")
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header of ours is ASCII"))
    }
}

pub(crate) async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("a router does not fail");
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("an answer of ours does not break off");
    let text = String::from_utf8(bytes.into()).expect("an answer of ours is UTF-8");
    Answer { status: head.status, headers: head.headers, text }
}

pub(crate) async fn get(router: &Router, path: &str) -> Answer {
    ask(router, Request::get(path).body(Body::empty()).expect("a path")).await
}

/// Posts a body as JSON, and asks for JSON.
pub(crate) async fn post(router: &Router, path: &str, body: impl Into<Body>) -> Answer {
    ask(router, posting(path, body, "application/json")).await
}

/// Posts a body as JSON, and asks for text.
pub(crate) async fn post_for_text(router: &Router, path: &str, body: impl Into<Body>) -> Answer {
    ask(router, posting(path, body, "*/*")).await
}

/// Posts a parcel under headers of the test's own, and asks for JSON.
pub(crate) async fn post_with(
    router: &Router,
    path: &str,
    body: impl Into<Body>,
    headers: &[(&'static str, &str)],
) -> Answer {
    let mut request = posting(path, body, "application/json");
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().expect("a header"));
    }
    ask(router, request).await
}

fn posting(path: &str, body: impl Into<Body>, accept: &str) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("content-type", "application/json")
        .header("accept", accept)
        .body(body.into())
        .expect("a path")
}

/// Puts `@00:00` in place of the time, and checks that one is there.
pub(crate) fn timeless(text: &str) -> String {
    let mut parts = text.split('@');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let time = part.get(..5).expect("a time after the @");
        let digits =
            time.bytes().enumerate().all(|(i, b)| if i == 2 { b == b':' } else { b.is_ascii_digit() });
        assert!(digits, "{time:?} is no time");
        out.push_str("@00:00");
        out.push_str(&part[5..]);
    }
    out
}
