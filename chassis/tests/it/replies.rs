//! What `POST /create` answers, to the letter.

use crate::parcel::{PARCEL, get, post, post_for_text, service, timeless};
use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{Behaviour, Peer};

/// The document as it was sent, without what was added to it.
fn bare(mut document: Value) -> Value {
    let fields = document.as_object_mut().expect("a document");
    let key = fields.remove("key").expect("a key");
    assert_eq!(key.as_str().map(str::len), Some(36));
    let created_at = fields.remove("created_at").expect("a time");
    assert_eq!(created_at.as_str().map(str::len), Some("2026-11-21T10:00:00.000Z".len()), "{created_at}");
    document
}

fn sent() -> Value {
    serde_json::from_str(PARCEL).expect("JSON")
}

#[tokio::test]
async fn at_the_limit_the_chain_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let router =
        service(folder.path(), &["--jumps", "3", "--chain-svc", &peer.url("/create")]).await.router();
    for count in [2, 3, 1_000, u32::MAX] {
        let path = format!("/create?count={count}");
        let json = post(&router, &path, PARCEL).await;
        assert_eq!(json.status, StatusCode::OK);
        assert_eq!(timeless(&json.text), r#"{"location":"This is parcel @00:00","data":"Last"}"#);
        assert_eq!(post_for_text(&router, &path, PARCEL).await.text, "\nLast");
    }
    assert_eq!(peer.count(), 0, "nothing is handed on");
    let saved = get(&router, "/parcels").await.json();
    assert_eq!(saved["parcels"].as_array().map(Vec::len), Some(8), "but all are saved");
}

#[tokio::test]
async fn without_a_next_service_the_transaction_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &["--id", "north"]).await.router();
    let mut answer = post(&router, "/create", PARCEL).await.json();
    assert_eq!(timeless(answer["location"].as_str().expect("a text")), "This is north @00:00");
    assert_eq!(answer["data"]["msg"], "Ended Transaction");
    answer["data"].as_object_mut().expect("a document").remove("msg");
    assert_eq!(bare(answer["data"].take()), sent());

    let text = post_for_text(&router, "/create", PARCEL).await;
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    let text = timeless(&text.text);
    let data = text.strip_prefix("\nThis is north @00:00 -> Next ").expect("the original's form");
    assert_eq!(serde_json::from_str::<Value>(data).expect("JSON")["msg"], "Ended Transaction");
}

#[tokio::test]
async fn the_next_ones_answer_is_wrapped() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(200, r#"{"location":"This is next @1:2","data":"Last"}"#)).await;
    let router = service(folder.path(), &["--chain-svc", &peer.url("/create?tag=a")]).await.router();

    let mut answer = post(&router, "/create?count=3", PARCEL).await;
    assert_eq!(answer.header("x-degraded"), "");
    assert_eq!(answer.header("vary"), "accept");
    let mut answer = std::mem::take(&mut answer.text);
    let mut json: Value = serde_json::from_str(&answer).expect("JSON");
    let response = json["data"].as_object_mut().expect("a document").remove("response");
    assert_eq!(response, Some(json!({ "location": "This is next @1:2", "data": "Last" })));
    assert_eq!(bare(json["data"].take()), sent());
    assert_eq!(
        json.as_object().map(|fields| fields.len()),
        Some(2),
        "location and data, nothing else: {answer}"
    );
    answer.clear();

    let text = post_for_text(&router, "/create", PARCEL).await.text;
    assert_eq!(
        timeless(text.split(" -> ").next().expect("a text"))
            + " -> "
            + text.split_once(" -> ").expect("an arrow").1,
        "\nThis is parcel @00:00 -> Next {\"location\":\"This is next @1:2\",\"data\":\"Last\"}"
    );

    let requests = peer.requests();
    let (method, path) = (requests[0].method.as_str(), requests[0].path.as_str());
    assert_eq!((method, path), ("POST", "/create?tag=a&count=4"), "one hop more");
    assert_eq!(requests[0].header("accept"), Some("application/json"));
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[0].body, r#"{"b":1,"a":2}"#, "the nested part, in its own order");
    assert_eq!(requests[1].path, "/create?tag=a&count=1");
}

#[tokio::test]
async fn an_injected_fault_comes_after_the_save() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = ["--inject-err", "--inject-err-percent", "100"];
    let router = service(folder.path(), &flags).await.router();
    let json = post(&router, "/create", PARCEL).await;
    assert_eq!(json.status, StatusCode::BAD_GATEWAY);
    assert_eq!(
        timeless(&json.text),
        r#"{"location":"This is parcel @00:00","error":{"code":"EINJECTED","message":"parcel @00:00 -> unavailable"}}"#
    );
    let text = post_for_text(&router, "/create", PARCEL).await;
    assert_eq!(text.status, StatusCode::BAD_GATEWAY);
    assert_eq!(timeless(&text.text), "\nparcel @00:00 -> unavailable");
    let saved = get(&router, "/parcels").await.json();
    assert_eq!(saved["parcels"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn faults_hit_as_many_as_they_should() {
    let folder = tempfile::tempdir().expect("a folder");
    for (percent, least, most) in [("0", 0, 0), ("40", 40, 120), ("100", 200, 200)] {
        let flags = ["--inject-err", "1", "--inject-err-percent", percent];
        let router = service(folder.path(), &flags).await.router();
        let mut faults = 0;
        for _ in 0..200 {
            faults += u32::from(post(&router, "/create", PARCEL).await.status == StatusCode::BAD_GATEWAY);
        }
        // 40 % of 200 lies outside 40 to 120 once in a hundred million runs.
        assert!((least..=most).contains(&faults), "{faults} of 200 at {percent} %");
    }
    let off = service(folder.path(), &["--inject-err-percent", "100"]).await.router();
    assert_eq!(post(&off, "/create", PARCEL).await.status, StatusCode::OK, "INJECT_ERR is not set");
}

#[tokio::test]
async fn json_is_for_those_who_name_it() {
    use axum::body::Body;
    use axum::http::Request;
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let asks = [
        ("application/json", true),
        ("text/html, Application/JSON;q=0.1", true),
        ("application/json; q=0", false),
        ("application/json;q=0.0, */*", false),
        ("*/*", false),
        ("application/*", false),
        ("application/jsonp", false),
        ("", false),
    ];
    for (accept, is_json) in asks {
        let request = Request::post("/create?count=9")
            .header("content-type", "application/json")
            .header("accept", accept)
            .body(Body::from(PARCEL))
            .expect("a request");
        let answer = crate::parcel::ask(&router, request).await;
        assert_eq!(answer.header("content-type") == "application/json", is_json, "{accept:?}");
    }
}

#[tokio::test]
async fn greeting_and_health() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &["--id", "north"]).await.router();
    assert_eq!(get(&router, "/").await.text, "hello from north\n");
    for path in ["/livez", "/readyz"] {
        let answer = get(&router, path).await;
        assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    }
}

#[tokio::test]
async fn any_web_page_may_use_the_routes() {
    use axum::body::Body;
    use axum::http::Request;
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let preflight = Request::options("/create")
        .header("origin", "http://elsewhere.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .body(Body::empty())
        .expect("a request");
    let answer = crate::parcel::ask(&router, preflight).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("access-control-allow-methods").contains("POST"));
    assert_eq!(answer.header("access-control-allow-headers"), "*");
    let page = Request::get("/").header("origin", "http://elsewhere.example").body(Body::empty());
    let answer = crate::parcel::ask(&router, page.expect("a request")).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let other = get(&router, "/").await;
    assert_eq!(other.header("access-control-allow-origin"), "", "nobody else needs to be told");
    assert_eq!((answer.header("vary"), other.header("vary")), ("origin", "origin"), "caches are");
    let exposed = "x-degraded,x-queued,idempotency-replayed,retry-after,x-trace-id,x-chaos-fault";
    assert_eq!(answer.header("access-control-expose-headers"), exposed);
}
