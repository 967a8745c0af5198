//! Faults as those see them who call the service: raw clients, HTTP/2, the hop of another service.

use crate::live::Live;
use crate::parcel::PARCEL;
use crate::running::Stream;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::time::Duration;
use testkit::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(20);

/// A client that sends an order and shows what becomes of its connection.
async fn raw_order(live: &Live) -> TcpStream {
    let mut client = TcpStream::connect(live.address).await.expect("connected");
    let body = nested();
    let head = format!(
        "POST /create HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.to_string().len()
    );
    client.write_all(format!("{head}{body}").as_bytes()).await.expect("sent");
    client
}

/// A parcel in a parcel.
fn nested() -> Value {
    let inner: Value = serde_json::from_str(PARCEL).expect("JSON");
    json!({ "id": "1", "weight": 1, "inner": inner })
}

fn connection(how: &str) -> Value {
    json!({ "abort": { "connection": how } })
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let live = Live::start(&[]).await;
    live.rule("x", connection("reset")).await;
    let mut client = raw_order(&live).await;
    let error = client.read(&mut [0; 1]).await.expect_err("no end in order");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "ECONNRESET");
    assert_eq!(live.saved(), 0);
    live.stopped().await;
}

#[tokio::test]
async fn a_close_is_an_end_in_order_without_an_answer() {
    let live = Live::start(&[]).await;
    live.rule("x", connection("close")).await;
    let mut answer = Vec::new();
    raw_order(&live).await.read_to_end(&mut answer).await.expect("an end in order");
    assert_eq!(answer, b"");
    assert_eq!(live.saved(), 0);
    live.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_hang_is_silence_for_a_minute() {
    let live = Live::start(&[]).await;
    live.rule("x", connection("hang")).await;
    let begun = Instant::now();
    let mut answer = Vec::new();
    raw_order(&live).await.read_to_end(&mut answer).await.expect("an end in order");
    assert_eq!((answer, begun.elapsed().as_secs(), live.saved()), (Vec::new(), 60, 0));
}

#[tokio::test]
async fn a_hang_that_is_taken_back_was_but_a_delay() {
    let live = Live::start(&[]).await;
    for phase in ["before", "after"] {
        live.rule("x", json!({ "phase": phase, "abort": { "connection": "hang" } })).await;
        let mut client = raw_order(&live).await;
        struck(&live, 1).await;
        live.ask(Method::DELETE, "/chaos/rules/x", Value::Null).await;
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200", "{phase}");
    }
    assert_eq!(live.saved(), 2);
}

/// Waits until the one rule has struck so often.
async fn struck(live: &Live, times: u64) {
    eventually("the rule has struck", LIMIT, async || {
        let now = live.get("/chaos").await.json["rules"][0]["now"].clone();
        (now["injected"] == times).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_hangs_no_more() {
    let live = Live::start(&[]).await;
    live.rule("x", connection("hang")).await;
    // As many as may hang at once, and they leave.
    let mut clients = Vec::new();
    for _ in 0..256 {
        clients.push(raw_order(&live).await);
    }
    struck(&live, 256).await;
    let through = live.order().await;
    assert_eq!((through.status, through.fault()), (StatusCode::OK, ""), "one more than may be");
    drop(clients);
    eventually("there is room again", LIMIT, async || {
        let _client = raw_order(&live).await;
        let now = live.get("/chaos").await.json["rules"][0]["now"].clone();
        (now["injected"].as_u64() > Some(256)).then_some(())
    })
    .await;
    live.stopped().await;
}

#[tokio::test]
async fn after_the_save_the_document_is_there_whatever_becomes_of_the_answer() {
    let live = Live::start(&[]).await;
    for (index, how) in ["reset", "close"].into_iter().enumerate() {
        live.rule("x", json!({ "phase": "after", "abort": { "connection": how } })).await;
        live.try_order().await.expect_err("no answer");
        assert_eq!(live.saved(), index + 1, "{how}");
    }
    live.rule("x", json!({ "phase": "after", "abort": { "httpStatus": 504 } })).await;
    let answer = live.order().await;
    assert_eq!((answer.status, answer.fault()), (StatusCode::GATEWAY_TIMEOUT, "x;abort=504"));
    assert_eq!(live.saved(), 3);
}

#[tokio::test]
async fn an_order_that_is_held_up_after_its_save_goes_on_though_its_client_leaves() {
    let next = Live::start(&[]).await;
    let live = Live::start(&["--chain-svc", &next.url("/create")]).await;
    live.rule("x", json!({ "phase": "after", "delay": { "fixedDelay": "60s" } })).await;
    let client = raw_order(&live).await;
    struck(&live, 1).await;
    assert_eq!((live.saved(), next.saved()), (1, 0));
    drop(client);
    eventually("it is handed on", LIMIT, async || (next.saved() == 1).then_some(())).await;
    live.stopped().await;
}

#[tokio::test]
async fn on_http_2_the_stream_is_reset_and_the_connection_stays() {
    let mut live = Live::start(&[]).await;
    live.client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().expect("a client");
    for how in ["reset", "close"] {
        live.rule("x", connection(how)).await;
        // The one connection that the client has carries another request meanwhile.
        let (struck, greeted) = tokio::join!(live.try_order(), live.get("/"));
        let error = struck.expect_err("no answer");
        let mut causes = vec![error.to_string()];
        let mut cause: &dyn std::error::Error = &error;
        while let Some(deeper) = cause.source() {
            causes.push(deeper.to_string());
            cause = deeper;
        }
        assert!(causes.iter().any(|cause| cause.contains("stream error")), "{how}: {causes:?}");
        assert_eq!(greeted.status, StatusCode::OK, "{how}");
    }
    live.ask(Method::DELETE, "/chaos/rules/x", Value::Null).await;
    assert_eq!(live.order().await.status, StatusCode::OK);
    live.stopped().await;
}

#[tokio::test]
async fn the_hop_and_its_circuit_see_what_a_real_failure_looks_like() {
    let next = Live::start(&[]).await;
    let live = Live::start(&["--chain-svc", &next.url("/create"), "--breaker-volume", "4"]).await;
    for (abort, code, status) in [
        (json!({ "httpStatus": 503 }), "EUPSTREAM", json!(503)),
        (json!({ "httpStatus": 500 }), "EUPSTREAM", json!(500)),
        (json!({ "connection": "reset" }), "ECONNECT", Value::Null),
        (json!({ "connection": "close" }), "ECONNECT", Value::Null),
    ] {
        next.rule("x", json!({ "abort": abort })).await;
        let error = live.order_of(nested()).await.json["error"].clone();
        assert_eq!((&error["code"], &error["status"]), (&json!(code), &status), "{abort}: {error}");
    }
    let error = live.order_of(nested()).await.json["error"].clone();
    assert_eq!(error["code"], "EOPENBREAKER", "all of them have counted: {error}");
}

#[tokio::test(start_paused = true)]
async fn a_hop_that_hangs_is_a_time_out() {
    let next = Live::start(&[]).await;
    let live = Live::start(&["--chain-svc", &next.url("/create"), "--breaker-timeout-ms", "300"]).await;
    next.rule("x", connection("hang")).await;
    let begun = Instant::now();
    let answer = live.order_of(nested()).await;
    assert_eq!(answer.json["error"]["code"], "ETIMEDOUT");
    assert!((300..400).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_slow_window_is_seen_by_the_calls_from_8_to_14() {
    let live = Live::start(&["--chaos-preset", "slow-window"]).await;
    for call in 1..=20 {
        let begun = Instant::now();
        let answer = live.order().await;
        assert_eq!(answer.status, StatusCode::OK);
        let (expected, mark) = match call {
            8..=14 => (1_000, "slow-window;delay=100ms, slow-window-peak;delay=900ms"),
            _ => (100, "slow-window;delay=100ms"),
        };
        assert_eq!(answer.fault(), mark, "call {call}");
        let taken = begun.elapsed().as_millis();
        assert!((expected..expected + 50).contains(&taken), "call {call} took {taken} ms");
    }
    assert_eq!(live.saved(), 20);
}

#[tokio::test]
async fn faults_and_changes_are_told_to_those_who_read_events() {
    let live = Live::start(&[]).await;
    let mut events = Stream::open(&live.url("/events"), None).await;
    let first = events.next_of("snapshot").await.data["chaos"].clone();
    assert_eq!(first, json!({ "service": "parcel", "enabled": true, "preset": null, "rules": [] }));
    live.post("/chaos/presets/outage").await;
    let change = events.next_of("config").await.data;
    assert_eq!(
        (&change["what"], &change["text"]),
        (&json!("chaos"), &json!("preset outage: all are answered 503"))
    );
    let answer = live.order().await;
    let fault = events.next_of("fault").await.data;
    let told = (&fault["rule"], &fault["kind"], &fault["status"]);
    assert_eq!(told, (&json!("outage"), &json!("abort"), &json!(503)), "{fault}");
    assert_eq!(fault["trace"], answer.headers["x-trace-id"].to_str().expect("ASCII"));
    let snapshot = eventually("it is counted", LIMIT, async || {
        let snapshot = events.next_of("snapshot").await.data;
        (snapshot["requests"]["failed"] == 1).then_some(snapshot)
    });
    let snapshot = snapshot.await;
    assert_eq!(snapshot["chaos"]["preset"], "outage");
    assert_eq!(snapshot["chaos"]["rules"][0]["now"]["injected"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stops_waits_for_no_fault() {
    let live = Live::start(&[]).await;
    live.rule("x", connection("hang")).await;
    let mut hanging = raw_order(&live).await;
    struck(&live, 1).await;
    live.rule("y", json!({ "match": { "path": "/" }, "delay": { "fixedDelay": "60s" } })).await;
    let slow = tokio::spawn(live.client.get(live.url("/")).send());
    eventually("it is held up", LIMIT, async || {
        let now = live.get("/chaos").await.json["rules"][1]["now"].clone();
        (now["injected"] == 1).then_some(())
    })
    .await;
    let begun = Instant::now();
    live.stopped().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let mut answer = Vec::new();
    hanging.read_to_end(&mut answer).await.expect("an end in order");
    assert_eq!(answer, b"", "who hangs is let go without an answer");
    let slow = slow.await.expect("no panic").expect("an answer");
    assert_eq!(slow.status(), StatusCode::OK, "who is held up is answered");
}
