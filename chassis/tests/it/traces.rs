//! Traces through the routes: what comes in, what the next service is sent, what is answered.

use crate::parcel::{Answer, PARCEL, ask, get, post, service, service_on};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use chassis::store::{Entry, Inserted, Outbox, Page, Pending, Saved, Store};
use std::sync::Arc;
use testkit::{Behaviour, Peer, refused_addr};
use uuid::Uuid;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Posts a parcel in the course of [`TRACE`].
async fn post_traced(router: &Router, body: &str) -> Answer {
    let request = Request::post("/create")
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .header("tracestate", "other=1")
        .body(Body::from(body.to_owned()));
    ask(router, request.expect("a request")).await
}

#[tokio::test]
async fn the_next_service_goes_on_with_the_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let router = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
    let answer = post_traced(&router, PARCEL).await;
    assert_eq!(answer.header("x-trace-id"), TRACE);
    let sent = &peer.requests()[0];
    let parent = sent.header("traceparent").expect("always sent");
    assert!(parent.starts_with(&format!("00-{TRACE}-")) && parent.ends_with("-01"), "{parent}");
    assert!(!parent.contains("00f067aa0ba902b7"), "the hop is a span of its own");
    assert_eq!(sent.header("tracestate"), Some("retail=watch,other=1"));
}

#[tokio::test]
async fn a_trace_begins_where_none_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let router = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
    let answers = [post(&router, "/create", PARCEL).await, post(&router, "/create", PARCEL).await];
    assert_ne!(answers[0].header("x-trace-id"), answers[1].header("x-trace-id"));
    for (answer, sent) in answers.iter().zip(peer.requests()) {
        let parent = sent.header("traceparent").expect("always sent");
        assert_eq!(parent.split('-').nth(1), Some(answer.header("x-trace-id")));
    }
}

#[tokio::test]
async fn a_problem_names_its_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let answer = post_traced(&router, "{").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (400, "application/problem+json"));
    assert_eq!((answer.header("x-trace-id"), &answer.json()["trace_id"]), (TRACE, &TRACE.into()));
    for path in ["/parcels?limit=0", "/nothing"] {
        let answer = get(&router, path).await;
        assert_eq!(answer.json()["trace_id"], answer.header("x-trace-id"), "{path}");
        assert_eq!(answer.header("x-trace-id").len(), 32);
    }
}

/// The names of a `Server-Timing`, and what stands behind them with digits as `0`.
fn timing(answer: &Answer) -> String {
    let zeros = answer.header("server-timing").replace(|c: char| c.is_ascii_digit(), "0");
    let mut short = zeros.replace("00", "0");
    while short.contains("00") {
        short = short.replace("00", "0");
    }
    short
}

#[tokio::test]
async fn an_answer_says_where_its_time_went() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(500, "{}")).await;
    let flags = ["--chain-svc", &peer.url("/"), "--chain-name", "the next"];
    let router = service(folder.path(), &flags).await.router();
    let hop = |state| format!("store;dur=0.0, breaker;desc=\"{state}\", the_next;dur=0.0, total;dur=0.0");
    assert_eq!(timing(&post(&router, "/create", PARCEL).await), hop("closed"));
    assert_eq!(timing(&post(&router, "/create", PARCEL).await), hop("open"), "a refusal takes time too");
    assert_eq!(timing(&post(&router, "/create?count=9", PARCEL).await), "store;dur=0.0, total;dur=0.0");
    assert_eq!(timing(&post(&router, "/create", "{").await), "total;dur=0.0");
}

#[tokio::test]
async fn a_strict_answer_names_its_trace_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("http://{}/create", refused_addr());
    let flags = ["--chain-svc", &url, "--strict-status", "--fallback", "none"];
    let router = service(folder.path(), &flags).await.router();
    let answer = post_traced(&router, PARCEL).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["trace_id"]), (502, &TRACE.into()));
    assert!(timing(&answer).starts_with("store;dur="), "{}", answer.header("server-timing"));
}

/// A store that panics.
#[derive(Debug)]
struct Broken;

impl Outbox for Broken {}

impl Store for Broken {
    fn insert(&self, _: Arc<Entry>) -> Pending<'_, Inserted> {
        panic!("this store is broken")
    }

    fn get(&self, _: Uuid) -> Pending<'_, Option<Saved>> {
        panic!("this store is broken")
    }

    fn list(&self, _: u32, _: Option<Uuid>) -> Pending<'_, Page> {
        panic!("this store is broken")
    }

    fn ping(&self) -> Pending<'_, ()> {
        panic!("this store is broken")
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn a_request_that_panics_is_answered_and_named_like_another() {
    let router = service_on(Arc::new(Broken), &[]).router();
    let answer = post_traced(&router, PARCEL).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["trace_id"]), (500, &TRACE.into()));
    assert!(answer.header("server-timing").contains("total;dur="), "it was told of");
}
