//! What is wrong with a request is named, and nothing is saved of it.

use crate::parcel::{Answer, PARCEL, ask, get, post, service};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode};
use http_body_util::channel::Channel;
use serde_json::json;
use std::io;

/// Checks the form of every refusal.
fn assert_problem(answer: &Answer, status: u16, detail: &str) {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["type"], "about:blank");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["title"], answer.status.canonical_reason().expect("a known status"));
    let found = problem["detail"].as_str().expect("a sentence");
    assert!(found.contains(detail), "{found:?} should tell of {detail:?}");
}

async fn nothing_saved(router: &Router) {
    assert_eq!(get(router, "/parcels").await.json()["parcels"], json!([]));
}

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let deep = format!(r#"{{"id":"1","weight":1,"inner":{}1{}}}"#, r#"{"a":"#.repeat(1000), "}".repeat(1000));
    let cases: [(&[u8], u16, &str); 9] = [
        (b"", 400, "empty"),
        (b"   ", 400, "EOF"),
        (br#"{"id":"#, 400, "EOF"),
        (b"{\"id\":\"\xff\"}", 400, "unicode"),
        (deep.as_bytes(), 400, "recursion limit"),
        (br#"{"id":"1","weight":1e400,"inner":{}}"#, 400, "number out of range"),
        (b"[]", 422, "not a JSON object"),
        (b"null", 422, "not a JSON object"),
        (b"\"{}\"", 422, "not a JSON object"),
    ];
    for (body, status, detail) in cases {
        assert_problem(&post(&router, "/create", body.to_vec()).await, status, detail);
    }
    nothing_saved(&router).await;
}

#[tokio::test]
async fn fields_that_are_missing_or_wrong_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let just_too_deep =
        format!(r#"{{"id":"1","weight":1,"inner":{}1{}}}"#, r#"{"a":"#.repeat(64), "}".repeat(64));
    let many = format!(r#"{{"id":"1","weight":1,"labels":[{}0],"inner":{{}}}}"#, "0,".repeat(10_000));
    let cases = [
        (many.as_str(), "labels", "more than 10000 values"),
        (r#"{"weight":1,"inner":{}}"#, "id", "is missing"),
        (r#"{"id":1,"weight":1,"inner":{}}"#, "id", "expected a string"),
        (r#"{"id":null,"weight":1,"inner":{}}"#, "id", "expected a string"),
        (r#"{"id":"1","inner":{}}"#, "weight", "is missing"),
        (r#"{"id":"1","weight":"1","inner":{}}"#, "weight", "expected a JSON number"),
        (r#"{"id":"1","weight":1}"#, "inner", "is missing"),
        (r#"{"id":"1","weight":1,"inner":null}"#, "inner", "null, expected an object"),
        (r#"{"id":"1","weight":1,"inner":[]}"#, "inner", "array, expected an object"),
        (r#"{"id":"1","weight":1,"labels":{},"inner":{}}"#, "labels", "expected a sequence"),
        (r#"{"id":"1","weight":1,"inner":{"x":[{"a\u0000b":1}]}}"#, "inner.x.0.a\0b", "NUL"),
        (
            r#"{"id":"1","weight":1,"inner":{"x":18446744073709551615}}"#,
            "inner.x",
            "at most 9223372036854775807",
        ),
        (just_too_deep.as_str(), "inner", "more than 64 levels"),
    ];
    for (body, field, detail) in cases {
        let answer = post(&router, "/create", body.to_owned()).await;
        assert_problem(&answer, 422, detail);
        assert_eq!(answer.json()["field"], field, "{body}");
    }
    nothing_saved(&router).await;
}

#[tokio::test]
async fn odd_names_are_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let inner =
        json!({ "$where": "1", "a.b": { "$oid": "x" }, "": { "$gt": "" }, "__proto__": 1, "ключ": "🍀" });
    let body = json!({ "id": "$ne", "weight": 1, "labels": [], "inner": inner });
    assert_eq!(post(&router, "/create?count=9", body.to_string()).await.status, StatusCode::OK);
    let saved = get(&router, "/parcels").await.json();
    assert_eq!(saved["parcels"][0]["inner"], body["inner"]);
    assert_eq!(saved["parcels"][0]["id"], "$ne");
}

#[tokio::test]
async fn sizes() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let of_size = |size: usize| {
        let frame = r#"{"id":"","weight":1,"inner":{}}"#.len();
        json!({ "id": "x".repeat(size - frame), "weight": 1, "inner": {} }).to_string()
    };
    let limit = 256 * 1024;
    assert_eq!(of_size(limit).len(), limit);
    assert_eq!(post(&router, "/create?count=9", of_size(limit)).await.status, StatusCode::OK);
    assert_problem(&post(&router, "/create", of_size(limit + 1)).await, 413, "larger than 256 KiB");
    assert_problem(&post(&router, "/create", of_size(300 * 1024)).await, 413, "larger than 256 KiB");
}

#[tokio::test]
async fn content_types() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let of_type = |kind: Option<&str>| {
        let mut request = Request::post("/create?count=9");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        request.body(Body::from(PARCEL)).expect("a request")
    };
    for kind in [None, Some("text/plain"), Some("application/jsonp"), Some("text/json"), Some("")] {
        assert_problem(&ask(&router, of_type(kind)).await, 415, "Content-Type: application/json");
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.parcel+json"] {
        assert_eq!(ask(&router, of_type(Some(kind))).await.status, StatusCode::OK, "{kind}");
    }
}

#[tokio::test]
async fn counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    for count in ["abc", "-5", "1e3", "1.5", "18446744073709551616", "4294967296", "", "%00", "１"] {
        let count = count.replace('１', "%EF%BC%91");
        let answer = post(&router, &format!("/create?count={count}"), PARCEL).await;
        assert_problem(&answer, 400, "expected a whole number from 0 to 4294967295");
        assert_eq!(answer.json()["parameter"], "count");
    }
    let twice = post(&router, "/create?count=1&count=2", PARCEL).await;
    assert_problem(&twice, 400, "count is given more than once");
    nothing_saved(&router).await;
    for path in ["/create", "/create?other=abc", "/create?count=0", "/create?count=4294967295"] {
        assert_eq!(post(&router, path, PARCEL).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn paths_and_methods() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    assert_problem(&get(&router, "/nowhere").await, 404, "nothing at /nowhere");
    assert_problem(&get(&router, "/create/").await, 404, "nothing at /create/");
    for (method, path, allow) in [
        (Method::GET, "/create", "POST"),
        (Method::DELETE, "/parcels", "GET,HEAD"),
        (Method::PUT, "/", "GET,HEAD"),
    ] {
        let request = Request::builder().method(&method).uri(path).body(Body::empty()).expect("a request");
        let answer = ask(&router, request).await;
        assert_problem(&answer, 405, &format!("{path} does not take {method}"));
        assert_eq!(answer.header("allow"), allow);
    }
    assert_problem(&get(&router, "/parcels/nonsense").await, 400, "is no key");
    assert_problem(&get(&router, "/parcels/%FF").await, 400, "UTF-8");
    let long = get(&router, &format!("/parcels/{}", "x".repeat(10_000))).await;
    assert_problem(&long, 400, "xxx");
    assert!(long.text.len() < 1_000, "what was sent is not sent back as a whole");
    assert_problem(&get(&router, "/parcels/019a0000-0000-7000-8000-000000000000").await, 404, "no document");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let (mut sender, body) = Channel::<Bytes, io::Error>::new(1);
    sender.send_data(Bytes::from_static(b"{")).await.expect("there is room");
    // The clock jumps past the ten seconds that a body may take.
    assert_problem(&post(&router, "/create", Body::new(body)).await, 408, "not complete within 10 s");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_mistake_of_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let (sender, body) = Channel::<Bytes, io::Error>::new(1);
    sender.abort(io::Error::other("line cut"));
    let answer = post(&router, "/create", Body::new(body)).await;
    assert_problem(&answer, 400, "broke off");
    assert!(!answer.text.contains("line cut"), "the cause is not for the client");
}
