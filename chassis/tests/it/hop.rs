//! The hop to a next service that misbehaves in every way. Each time the order was taken, so the answer is 200 and says
//! what happened; with strict statuses it is 502, 503 or 504.

use crate::parcel::{Answer, PARCEL, post, post_for_text, service, timeless};
use axum::Router;
use serde_json::json;
use tempfile::TempDir;
use testkit::{Behaviour, Peer, eventually, refused_addr};

use std::time::Duration;

/// As in the original: nothing is delivered later.
const NO_QUEUE: [&str; 2] = ["--fallback", "none"];

/// A service whose next one is `url`, lenient and strict; both circuits are kept closed.
async fn pair(folder: &TempDir, url: &str, timeout: &str) -> (Router, Router) {
    let flags = ["--chain-svc", url, "--chain-name", "next", "--breaker-error-threshold", "100"];
    let flags = [&flags[..], &["--breaker-timeout-ms", timeout]].concat();
    let lenient = service(folder.path(), &flags).await.router();
    let flags = [&flags[..], &NO_QUEUE, &["--strict-status"]].concat();
    let strict = service(folder.path(), &flags).await.router();
    (lenient, strict)
}

async fn assert_missed(url: &str, code: &str, message: &str, strict_status: u16) -> (Answer, Answer) {
    // The usual time where time is what this is about; else more than a busy machine needs.
    let timeout = if code == "ETIMEDOUT" { "300" } else { "20000" };
    let folder = tempfile::tempdir().expect("a folder");
    let (lenient, strict) = pair(&folder, url, timeout).await;

    let answer = post(&lenient, "/create", PARCEL).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-degraded"), "next");
    let json = answer.json();
    assert_eq!(json["data"]["id"], "1", "what was saved");
    assert_eq!(json["error"]["code"], code, "{json}");
    assert_eq!(json["error"]["message"], message);

    let text = post_for_text(&lenient, "/create", PARCEL).await;
    assert_eq!((text.status.as_u16(), text.header("x-degraded")), (200, "next"));
    let error = text.text.split_once(" -> Next ").expect("the original's form").1;
    assert_eq!(serde_json::from_str::<serde_json::Value>(error).expect("JSON")["code"], code);

    let refused = post(&strict, "/create", PARCEL).await;
    assert_eq!(refused.status.as_u16(), strict_status);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    let problem = refused.json();
    assert_eq!(problem["detail"], message);
    assert_eq!(problem["error"]["code"], code);
    assert_eq!(problem["data"]["id"], "1", "the order was taken all the same");
    assert_eq!(timeless(problem["location"].as_str().expect("a text")), "This is parcel @00:00");
    (answer, refused)
}

#[tokio::test]
async fn it_refuses_the_connection() {
    let url = format!("http://{}/create", refused_addr());
    let (answer, _) = assert_missed(&url, "ECONNECT", "next could not be reached", 502).await;
    assert!(!answer.text.contains("127.0.0.1"), "addresses are for the log: {}", answer.text);
}

#[tokio::test]
async fn it_hangs() {
    let peer = Peer::start(Behaviour::Hang).await;
    assert_missed(&peer.url("/"), "ETIMEDOUT", "next did not answer within 300 ms", 504).await;
}

#[tokio::test]
async fn it_answers_garbage() {
    let peer = Peer::start(Behaviour::Garbage).await;
    assert_missed(&peer.url("/"), "ECONNECT", "next could not be reached", 502).await;
}

#[tokio::test]
async fn it_answers_something_that_is_no_json() {
    let body = "<html>".to_owned();
    let peer = Peer::start(Behaviour::Answer { status: 200, content_type: "text/html", body }).await;
    let (answer, _) = assert_missed(&peer.url("/"), "EUPSTREAM", "next: the answer is not JSON", 502).await;
    assert_eq!(answer.json()["error"]["status"], 200);
}

#[tokio::test]
async fn it_closes_before_it_answers() {
    let peer = Peer::start(Behaviour::CloseBeforeAnswer).await;
    assert_missed(&peer.url("/"), "ECONNECT", "next could not be reached", 502).await;
}

#[tokio::test]
async fn it_closes_half_way() {
    let peer = Peer::start(Behaviour::CloseHalfWay).await;
    assert_missed(&peer.url("/"), "EUPSTREAM", "next: the answer broke off", 502).await;
}

#[tokio::test]
async fn it_never_stops_answering() {
    let peer = Peer::start(Behaviour::Endless).await;
    assert_missed(&peer.url("/"), "EUPSTREAM", "next: the answer is too large", 502).await;
}

#[tokio::test]
async fn it_sends_somewhere_else() {
    let peer = Peer::start(Behaviour::json(302, "{}")).await;
    assert_missed(&peer.url("/"), "EUPSTREAM", "next: answered 302 Found", 502).await;
}

#[tokio::test]
async fn it_fails() {
    let peer = Peer::start(Behaviour::json(502, r#"{"error":{"code":"EINJECTED"}}"#)).await;
    let (answer, _) = assert_missed(&peer.url("/"), "EUPSTREAM", "next: answered 502 Bad Gateway", 502).await;
    let error = &answer.json()["error"];
    assert_eq!(error["status"], 502);
    assert_eq!(error["response"], json!({ "error": { "code": "EINJECTED" } }), "its answer is passed on");
}

#[tokio::test]
async fn it_finds_fault_with_what_the_client_sent() {
    let peer = Peer::start(Behaviour::json(422, r#"{"field":"amount"}"#)).await;
    let (answer, _) =
        assert_missed(&peer.url("/"), "EUPSTREAM", "next: answered 422 Unprocessable Entity", 502).await;
    assert_eq!(answer.json()["error"]["response"]["field"], "amount");
}

#[tokio::test]
async fn a_fault_of_the_client_does_not_count_against_the_circuit() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(400, "{}")).await;
    let router = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
    for status in [400, 401, 404, 409, 413, 415, 422] {
        peer.set(Behaviour::json(status, "{}"));
        assert_eq!(post(&router, "/create", PARCEL).await.json()["error"]["status"], status);
    }
    assert_eq!(peer.count(), 7, "none was refused");
    for status in [408, 425, 429] {
        // A circuit of its own each time: the first failure opens it.
        let router = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
        peer.set(Behaviour::json(status, "{}"));
        assert_eq!(post(&router, "/create", PARCEL).await.json()["error"]["status"], status);
        assert_eq!(post(&router, "/create", PARCEL).await.json()["error"]["code"], "EOPENBREAKER");
    }
}

#[tokio::test]
async fn with_strict_statuses_a_fault_of_the_client_counts_nowhere_in_the_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(422, r#"{"field":"directions"}"#)).await;
    let flags = ["--chain-svc", &peer.url("/"), "--strict-status"];
    let middle = service(folder.path(), &[&flags[..], &NO_QUEUE].concat()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/create", listener.local_addr().expect("bound"));
    let stop = tokio_util::sync::CancellationToken::new();
    let served = tokio::spawn(middle.serve(listener, stop.clone()));

    let flags = ["--chain-svc", &url, "--strict-status"];
    let front = service(folder.path(), &[&flags[..], &NO_QUEUE].concat()).await.router();
    let body = r#"{"id":"1","weight":1,"inner":{"id":"2","weight":1,"inner":{}}}"#;
    for _ in 0..3 {
        let answer = post(&front, "/create", body).await;
        assert_eq!(answer.status, 502);
        let error = answer.json()["error"].take();
        assert_eq!((&error["code"], &error["status"]), (&json!("EUPSTREAM"), &json!(502)));
        assert_eq!(error["response"]["error"]["response"]["field"], "directions", "{error}");
    }
    // Its failures do: more than half of all calls, after four.
    peer.set(Behaviour::json(500, "{}"));
    for _ in 0..4 {
        assert_eq!(post(&front, "/create", body).await.json()["error"]["code"], "EUPSTREAM");
    }
    assert_eq!(post(&front, "/create", body).await.json()["error"]["code"], "EOPENBREAKER");
    stop.cancel();
    served.await.expect("it stops");
}

#[tokio::test]
async fn a_service_further_down_that_failed_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let dead = format!("http://{}/", refused_addr());
    let middle = service(folder.path(), &["--chain-svc", &dead, "--chain-name", "last"]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/create", listener.local_addr().expect("bound"));
    let stop = tokio_util::sync::CancellationToken::new();
    let served = tokio::spawn(middle.serve(listener, stop.clone()));

    let front = service(folder.path(), &["--chain-svc", &url, "--chain-name", "middle"]).await.router();
    let body = r#"{"id":"1","weight":1,"inner":{"id":"2","weight":1,"inner":{}}}"#;
    let answer = post(&front, "/create", body).await;
    assert_eq!(answer.header("x-degraded"), "last");
    assert_eq!(answer.json()["data"]["response"]["error"]["code"], "ECONNECT");
    stop.cancel();
    served.await.expect("it stops");
}

#[tokio::test]
async fn an_open_circuit_refuses_without_asking_and_heals_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(500, "{}")).await;
    let flags = ["--chain-svc", &peer.url("/"), "--chain-name", "next", "--breaker-reset-ms", "100"];
    let router = service(folder.path(), &flags).await.router();
    assert_eq!(post(&router, "/create", PARCEL).await.json()["error"]["code"], "EUPSTREAM");
    peer.set(Behaviour::json(200, "{}"));
    let first = eventually("the circuit closes", Duration::from_secs(10), async || {
        let answer = post(&router, "/create", PARCEL).await;
        answer.header("x-degraded").is_empty().then_some(peer.count())
    });
    assert_eq!(first.await, 2, "of all calls while it was open none was sent, and of those after it one");
}

#[tokio::test]
async fn a_refusal_says_how_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(500, "{}")).await;
    let flags = ["--chain-svc", &peer.url("/"), "--chain-name", "next", "--breaker-reset-ms", "3600000"];
    let lenient = service(folder.path(), &flags).await.router();
    post(&lenient, "/create", PARCEL).await;
    let error = post(&lenient, "/create", PARCEL).await.json()["error"].take();
    assert_eq!(error["code"], "EOPENBREAKER");
    assert_eq!(error["message"], "the circuit to next is open: nothing was sent");
    let wait = error["retry_after_ms"].as_u64().expect("a time");
    assert!((3_500_000..=3_600_000).contains(&wait), "{wait} ms");

    let flags = [&flags[..], &NO_QUEUE, &["--strict-status"]].concat();
    let strict = service(folder.path(), &flags).await.router();
    post(&strict, "/create", PARCEL).await;
    let refused = post(&strict, "/create", PARCEL).await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), "3600", "whole seconds, rounded up");
    assert_eq!(peer.count(), 2);
}

#[tokio::test]
async fn a_full_circuit_refuses() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::Hang).await;
    let flags = [
        "--chain-svc",
        &peer.url("/"),
        "--chain-name",
        "next",
        "--breaker-capacity",
        "1",
        "--breaker-timeout-ms",
        "60000",
        "--strict-status",
        "--fallback",
        "none",
    ];
    let router = service(folder.path(), &flags).await.router();
    let first = tokio::spawn({
        let router = router.clone();
        async move { post(&router, "/create", PARCEL).await }
    });
    eventually("the first call is under way", Duration::from_secs(10), async || {
        (peer.count() == 1).then_some(())
    })
    .await;
    let refused = post(&router, "/create", PARCEL).await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.json()["error"]["code"], "ESEMLOCKED");
    assert_eq!(
        refused.json()["detail"],
        "as many calls to next are under way as may be, 1: nothing was sent"
    );
    assert_eq!(peer.count(), 1);
    first.abort();
}

#[tokio::test]
async fn a_name_is_made_of_the_url_where_none_is_given() {
    let folder = tempfile::tempdir().expect("a folder");
    for (url, name) in [
        ("http://127.0.0.1:1/create", "127.0.0.1:1"),
        ("http://localhost:1/create", "localhost:1"),
        ("http://no-such-host.invalid:1/create", "no-such-host.invalid"),
    ] {
        let router =
            service(folder.path(), &["--chain-svc", url, "--breaker-timeout-ms", "5000"]).await.router();
        assert_eq!(post(&router, "/create", PARCEL).await.header("x-degraded"), name);
    }
}
