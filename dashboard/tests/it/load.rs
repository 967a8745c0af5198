//! Orders, one or many: counted where they arrive.

use crate::place::{Page, Running, until};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use testkit::{Behaviour, Peer, refused_addr};

/// All documents that a service keeps.
async fn documents(service: &Running) -> Vec<Value> {
    let (mut found, mut path) = (Vec::new(), "/orders?limit=100".to_owned());
    loop {
        let page = service.get(&path).await.json();
        found.extend(page["orders"].as_array().expect("a page").iter().cloned());
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut path),
            None => return found,
        }
    }
}

async fn set(dashboard: &Running, rate: u16) {
    let answer = dashboard.send(Method::PUT, "/api/load", format!(r#"{{"rate":{rate}}}"#)).await;
    assert_eq!((answer.status, &answer.json()["rate"]), (200, &json!(rate)), "{}", answer.text);
}

#[tokio::test]
async fn every_order_of_a_load_arrives_and_is_counted() {
    let (order, _folder) = Running::service(&[]).await;
    let dashboard = Running::dashboard(&format!("order={}", order.url("")), &[]).await;
    let mut page = Page::open(&dashboard).await;
    page.until("load", |data| data["rate"] == 0).await;
    set(&dashboard, 200).await;
    page.until("load", |data| data["rate"] == 200).await;
    page.until("load", |data| data["answered"].as_u64() > Some(150)).await;
    set(&dashboard, 0).await;
    until("all are answered and counted", async || {
        let figures = dashboard.get("/api/load").await.json();
        let kept = u64::try_from(documents(&order).await.len()).ok();
        figures["sent"] == figures["answered"] && figures["sent"].as_u64() == kept
    })
    .await;
    let settled = dashboard.get("/api/load").await.json();
    assert_eq!((&settled["failed"], &settled["degraded"]), (&json!(0), &json!(0)));
    let (p50, p99) = (settled["p50_ms"].as_f64().expect("some"), settled["p99_ms"].as_f64().expect("some"));
    assert!(0.0 < p50 && p50 <= p99, "{settled}");
    page.until("load", |data| data["rate"] == 0 && data["sent"] == settled["sent"]).await;

    let documents = documents(&order).await;
    let different: HashSet<_> = documents.iter().map(|document| document["payment"].to_string()).collect();
    assert!(different.len() > documents.len() / 2, "they differ");

    // Begun anew, it counts anew.
    set(&dashboard, 1).await;
    let figures = dashboard.get("/api/load").await.json();
    assert!(figures["sent"].as_u64() < Some(20), "{figures}");
    dashboard.stop().await;
    order.stop().await;
}

#[tokio::test]
async fn what_cannot_be_sent_in_time_is_skipped() {
    let order = Peer::start(Behaviour::Hang).await;
    let dashboard = Running::dashboard(&format!("order={}", order.url("")), &[]).await;
    set(&dashboard, 200).await;
    until("some are skipped", async || {
        dashboard.get("/api/load").await.json()["skipped"].as_u64() > Some(20)
    })
    .await;
    let figures = dashboard.get("/api/load").await.json();
    let gone = figures["failed"].as_u64().expect("a count");
    assert!(figures["sent"].as_u64() <= Some(256 + gone), "256 may be under way: {figures}");
    dashboard.stop().await;
    let after = order.count();
    assert!(after >= 200, "{after}");
}

#[tokio::test]
async fn a_load_into_nothing_fails_and_goes_on() {
    let dashboard = Running::dashboard(&format!("order=http://{}", refused_addr()), &[]).await;
    set(&dashboard, 100).await;
    until("some have failed", async || dashboard.get("/api/load").await.json()["failed"].as_u64() > Some(10))
        .await;
    dashboard.stop().await;
}

#[tokio::test]
async fn one_order_is_answered_with_what_became_of_it() {
    let next = format!("http://{}/create", refused_addr());
    let (order, _folder) = Running::service(&["--chain-svc", &next, "--chain-name", "payment"]).await;
    let dashboard = Running::dashboard(&format!("order={}", order.url("")), &[]).await;
    let answer = dashboard.send(Method::POST, "/api/order", "").await;
    let told = answer.json();
    assert_eq!((answer.status, &told["status"], &told["degraded"]), (200, &json!(200), &json!("payment")));
    assert!(told["took_ms"].as_f64() > Some(0.0), "{told}");
    let trace = told["trace"].as_str().expect("a text");
    assert!(trace.len() == 32 && trace.bytes().all(|digit| digit.is_ascii_hexdigit()), "{trace}");
    assert_eq!(told["body"]["error"]["code"], "ECONNECT");
    let document = &documents(&order).await[0];
    assert_eq!(told["body"]["data"]["id"], document["id"]);

    // Further down the chain.
    let told = dashboard.send(Method::POST, "/api/order", r#"{"count":5}"#).await.json();
    assert_eq!((&told["body"]["data"], &told["degraded"]), (&json!("Last"), &json!(null)));
    dashboard.stop().await;
    order.stop().await;
}

#[tokio::test]
async fn an_order_is_marked_so_that_it_is_shown() {
    let order =
        Peer::start(Behaviour::Answer { status: 502, content_type: "text/plain", body: "no".to_owned() })
            .await;
    let dashboard = Running::dashboard(&format!("order={}", order.url("")), &[]).await;
    let told = dashboard.send(Method::POST, "/api/order", "").await.json();
    assert_eq!(
        (&told["status"], &told["body"], &told["degraded"]),
        (&json!(502), &json!("no"), &json!(null))
    );
    let request = &order.requests()[0];
    assert_eq!(request.path, "/create?count=0");
    assert_eq!(request.header("tracestate"), Some("retail=watch"));
    let parent = request.header("traceparent").expect("one");
    let parts: Vec<_> = parent.split('-').collect();
    assert_eq!(
        (parts[0], parts[1], parts[2].len(), parts[3]),
        ("00", told["trace"].as_str().expect("text"), 16, "01")
    );
    dashboard.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let order = Peer::start(Behaviour::CloseHalfWay).await;
    let dashboard = Running::dashboard(&format!("order={}", order.url("")), &[]).await;
    for (method, path, body, status, says) in [
        (Method::PUT, "/api/load", "", 400, r#"expected something like {"rate": 20}"#),
        (Method::PUT, "/api/load", "{", 400, r#"expected something like {"rate": 20}"#),
        (Method::PUT, "/api/load", r#"{"rate":201}"#, 422, "rate: expected a whole number from 0 to 200"),
        (Method::PUT, "/api/load", r#"{"rate":-1}"#, 422, "rate"),
        (Method::PUT, "/api/load", r#"{"rate":1.5}"#, 422, "expected something like"),
        (Method::PUT, "/api/load", r#"{"rate":1,"for":2}"#, 422, "for"),
        (Method::PUT, "/api/lesson", "{}", 422, r#"expected something like {"page": "3f2a"}"#),
        (Method::PUT, "/api/lesson", r#"{"page":""}"#, 422, "page: expected 1 to 64 bytes"),
        (Method::POST, "/api/order", r#"{"count":-1}"#, 422, "expected something like"),
        (Method::POST, "/api/order", "null", 422, "expected something like"),
        (Method::POST, "/api/order", "", 502, "the answer of order broke off"),
    ] {
        let answer = dashboard.send(method, path, body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        let detail = answer.json()["detail"].as_str().expect("a sentence").to_owned();
        assert!(detail.contains(says), "{body}: {detail}");
    }
    order.set(Behaviour::Endless);
    let answer = dashboard.send(Method::POST, "/api/order", "").await;
    assert_eq!(answer.json()["detail"], "the answer of order is too large");
    assert_eq!(dashboard.get("/api/load").await.json()["sent"], 0);
    dashboard.stop().await;
}
