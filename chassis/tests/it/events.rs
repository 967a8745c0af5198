//! What happens, as a stream of events: what each holds, when it comes, who may read, how it ends. On real sockets where
//! time is not what it is about.

use crate::parcel::{PARCEL, get, post, service};
use crate::running::{Event, Running, Stream, client};
use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Behaviour, Peer, eventually, refused_addr};
use tokio::time::Instant;
use tower::ServiceExt as _;

const LIMIT: Duration = Duration::from_secs(20);
const READERS: usize = 64;

/// Posts one order that is not watched.
async fn order(running: &Running) {
    let request = client()
        .post(running.url("/create"))
        .header("content-type", "application/json")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .header("tracestate", "retail=pass");
    assert_eq!(request.body(PARCEL).send().await.expect("an answer").status(), 200);
}

/// Posts one order, which fails and so opens the circuit, and waits until it has half-opened.
async fn turn_twice(running: &Running, stream: &mut Stream) -> [Event; 2] {
    order(running).await;
    [stream.next_of("transition").await, stream.next_of("transition").await]
}

#[tokio::test]
async fn a_reader_is_told_how_things_are_and_then_what_happens() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(500, "{}")).await;
    let flags = ["--chain-svc", &peer.url("/"), "--chain-name", "next", "--breaker-reset-ms", "200"];
    let running = Running::start(folder.path(), &[&flags[..], &["--id", "parcel-2"]].concat()).await;
    let mut stream = Stream::open(&running.url("/events"), None).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.headers()["cache-control"], "no-cache, no-store, max-age=0, must-revalidate");
    assert_eq!(stream.next().await.expect("a beginning").raw, "retry: 2000");

    let first = stream.next().await.expect("a snapshot");
    assert_eq!(first.name, "snapshot");
    assert_eq!((&first.data["service"], &first.data["id"]), (&json!("parcel"), &json!("parcel-2")));
    let mut circuit: Value =
        client().get(running.url("/circuit")).send().await.expect("an answer").json().await.expect("JSON");
    let names = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    // What waits for the circuit stands beside it here.
    let queue = circuit.as_object_mut().expect("an object").shift_remove("queue");
    assert_eq!(first.data["queue"], queue.expect("what waits"));
    assert_eq!(names(&first.data["circuit"]), names(&circuit), "the same as over HTTP");
    assert_eq!(first.data["circuit"]["turns"], 0);

    let [opened, half_opened] = turn_twice(&running, &mut stream).await;
    let data = &opened.data;
    assert_eq!((&data["service"], &data["circuit"]), (&json!("parcel"), &json!("parcel-2→next")));
    assert_eq!((&data["from"], &data["to"], &data["turns"]), (&json!("closed"), &json!("open"), &json!(1)));
    assert_eq!(data["reason"], "1 of 1 calls failed (100.0 %), and the circuit opens above 50 %");
    assert_eq!(data["failures"][0]["kind"], "error");
    assert!(data["failures"][0]["ago_ms"].is_number() && data["at"].is_string(), "{data}");
    let line = r#"🔌 status:: opened circuit="parcel-2→next" rate=100% failures=1 calls=1 probe_in=0.2s"#;
    assert_eq!(data["line"], line);
    let data = &half_opened.data;
    assert_eq!(
        (&data["from"], &data["to"], &data["turns"]),
        (&json!("open"), &json!("half-open"), &json!(2))
    );
    assert_eq!((&data["reason"], &data["failures"]), (&json!("the open time was over"), &json!([])));
    assert_eq!(half_opened.id, opened.id.map(|id| id + 1));

    let now = stream.next_of("snapshot").await;
    assert_eq!((now.id, &now.data["circuit"]["state"]), (half_opened.id, &json!("half-open")));
    running.stopped().await;
}

#[tokio::test]
async fn one_who_comes_back_is_told_what_it_has_missed() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("http://{}/", refused_addr());
    let running = Running::start(folder.path(), &["--chain-svc", &url, "--breaker-reset-ms", "1"]).await;
    let mut stream = Stream::open(&running.url("/events"), None).await;
    let [opened, half_opened] = turn_twice(&running, &mut stream).await;
    let [opened_again, half_opened_again] = turn_twice(&running, &mut stream).await;
    drop(stream);

    let all = [&opened, &half_opened, &opened_again, &half_opened_again];
    let before_the_service = "1".to_owned();
    let of_another_time = u64::MAX.to_string();
    let last = |event: &Event| event.id.expect("every event has one").to_string();
    for (last, missed) in [
        (last(&opened), &all[1..]),
        (last(&opened_again), &all[3..]),
        (last(&half_opened_again), &[]),
        (before_the_service, &all[..]),
        (of_another_time, &all[..]),
    ] {
        let mut stream = Stream::open(&running.url("/events"), Some(&last)).await;
        stream.next().await.expect("how long to wait");
        for event in missed {
            assert_eq!(stream.next().await.expect("what was missed").raw, event.raw, "to the letter");
        }
        let snapshot = stream.next().await.expect("a snapshot");
        assert_eq!((&*snapshot.name, snapshot.id), ("snapshot", half_opened_again.id));
    }
    running.stopped().await;
}

#[tokio::test]
async fn what_became_of_a_watched_request_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(500, "{}")).await;
    let flags = ["--chain-svc", &peer.url("/"), "--chain-name", "next", "--breaker-reset-ms", "3600000"];
    let running = Running::start(folder.path(), &flags).await;
    let mut stream = Stream::open(&running.url("/events"), None).await;
    let none = json!({ "total": 0, "failed": 0, "degraded": 0, "in_flight": 0 });
    assert_eq!(stream.next_of("snapshot").await.data["requests"], none);

    let mut told = async |path: &str, body: &'static str| {
        let request = client().post(running.url(path)).header("content-type", "application/json").body(body);
        let trace = request.send().await.expect("an answer").headers()["x-trace-id"].clone();
        let data = stream.next_of("request").await.data;
        assert_eq!(
            (&data["service"], &data["trace"]),
            (&json!("parcel"), &json!(trace.to_str().expect("ASCII")))
        );
        assert!(data["at"].is_string() && data["took_ms"].is_number(), "{data}");
        data
    };
    let failed = told("/create?count=2", PARCEL).await;
    let expected = json!({ "hop": 3, "outcome": "queued", "status": 200, "next": "next", "error": "EUPSTREAM", "degraded": "next", "fault": null, "state": "closed" });
    assert_parts(&failed, &expected);
    assert!(failed["next_ms"].as_f64() <= failed["took_ms"].as_f64(), "{failed}");
    let refused = told("/create", PARCEL).await;
    let expected = json!({ "hop": 1, "outcome": "queued", "status": 200, "next": "next", "error": "EOPENBREAKER", "degraded": "next", "state": "open" });
    assert_parts(&refused, &expected);
    let last = told("/create?count=5", PARCEL).await;
    let expected = json!({ "hop": 6, "outcome": "last", "status": 200, "next": null, "next_ms": null, "error": null, "degraded": null, "fault": null, "state": null });
    assert_parts(&last, &expected);
    assert_parts(&told("/create", "{").await, &json!({ "outcome": "refused", "status": 400, "next": null }));

    let counted = json!({ "total": 4, "failed": 0, "degraded": 2, "in_flight": 0 });
    assert_eq!(stream.next_of("snapshot").await.data["requests"], counted);
    running.stopped().await;
}

#[tokio::test]
async fn a_fault_is_told_as_one_and_counts_as_failed() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(folder.path(), &["--inject-err", "--inject-err-percent", "100"]).await;
    let mut stream = Stream::open(&running.url("/events"), None).await;
    let request = client().post(running.url("/create")).header("content-type", "application/json");
    request.body(PARCEL).send().await.expect("an answer");
    let told = stream.next_of("request").await.data;
    assert_parts(
        &told,
        &json!({ "outcome": "fault", "status": 502, "error": "EINJECTED", "fault": "inject-err" }),
    );
    let counted = json!({ "total": 1, "failed": 1, "degraded": 0, "in_flight": 0 });
    assert_eq!(stream.next_of("snapshot").await.data["requests"], counted);
    running.stopped().await;
}

#[tokio::test]
async fn the_readme_names_what_events_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("http://{}/", refused_addr());
    let running = Running::start(folder.path(), &["--chain-svc", &url]).await;
    let mut stream = Stream::open(&running.url("/events"), None).await;
    let mut told = vec![stream.next_of("snapshot").await];
    let json = |request: reqwest::RequestBuilder| request.header("content-type", "application/json");
    json(client().put(running.url("/circuit")))
        .body(r#"{"settings":{"volume":1}}"#)
        .send()
        .await
        .expect("an answer");
    told.push(stream.next_of("config").await);
    json(client().post(running.url("/create"))).body(PARCEL).send().await.expect("an answer");
    told.push(stream.next_of("transition").await);
    told.push(stream.next_of("request").await);
    let rule = json(client().put(running.url("/chaos/rules/away"))).body(r#"{"abort":{"httpStatus":503}}"#);
    rule.send().await.expect("an answer");
    json(client().post(running.url("/create"))).body(PARCEL).send().await.expect("an answer");
    told.push(stream.next_of("fault").await);

    for event in told {
        let start = format!("| `{}` |", event.name);
        let mut rows = include_str!("../../README.md").lines().filter(|line| line.starts_with(&start));
        let row = rows.next().unwrap_or_else(|| panic!("no row for {}", event.name));
        let fields = row.rsplit('|').nth(1).expect("a last column");
        let named: Vec<_> = fields.split('`').skip(1).step_by(2).collect();
        let data = event.data.as_object().expect("an object");
        for name in data.keys().filter(|name| !["service", "at"].contains(&name.as_str())) {
            assert!(named.contains(&name.as_str()), "{name} of {} is not in the README", event.name);
        }
    }
    running.stopped().await;
}

fn assert_parts(whole: &Value, parts: &Value) {
    for (name, part) in parts.as_object().expect("an object") {
        assert_eq!(whole.get(name), Some(part), "{name} of {whole}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_watched_requests_some_are_told_each_second_and_of_others_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let (mut events, _) = begin(&router).await;
    let many = async |mark: &str| {
        for number in 1..=30 {
            let request = Request::post("/create")
                .header("traceparent", format!("00-{number:032x}-00f067aa0ba902b7-01"))
                .header("tracestate", mark)
                .header("content-type", "application/json");
            let refused = request.body(Body::from("{")).expect("a request");
            assert_eq!(router.clone().oneshot(refused).await.expect("a router does not fail").status(), 400);
        }
    };
    many("retail=pass").await;
    many("retail=watch").await;
    many("retail=watch").await;
    for number in 1..=20 {
        let told = next(&mut events).await;
        assert!(told.contains("event: request") && told.contains(&format!("{number:032x}")), "{told}");
    }
    assert!(next(&mut events).await.contains("event: snapshot"));
    tokio::time::advance(Duration::from_secs(1)).await;
    many("retail=watch").await;
    let mut told = 0;
    while told < 20 {
        told += usize::from(next(&mut events).await.contains("event: request"));
    }
}

/// A stream without a socket, after its beginning, and the first snapshot.
async fn begin(router: &Router) -> (BodyDataStream, String) {
    let request = Request::get("/events").body(Body::empty()).expect("a path");
    let answer = router.clone().oneshot(request).await.expect("a router does not fail");
    let mut stream = answer.into_body().into_data_stream();
    assert_eq!(next(&mut stream).await, "retry: 2000\n\n");
    let snapshot = next(&mut stream).await;
    assert!(snapshot.contains("event: snapshot"), "{snapshot}");
    (stream, snapshot)
}

async fn next(stream: &mut BodyDataStream) -> String {
    let piece = stream.next().await.expect("it goes on").expect("it does not break");
    String::from_utf8(piece.into()).expect("UTF-8")
}

#[tokio::test(start_paused = true)]
async fn all_readers_share_one_snapshot_each_half_second() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let (mut one, snapshot) = begin(&router).await;
    let (mut other, _) = begin(&router).await;
    let data = |event: &str| event.split_once("\ndata: ").expect("data").1.to_owned();
    let snapshot: Value = serde_json::from_str(&data(&snapshot)).expect("JSON");
    assert_eq!(snapshot["circuit"], Value::Null, "there is no next service");
    let begun = Instant::now();
    for times in 1..=29 {
        let shown = next(&mut one).await;
        assert!(shown.contains("event: snapshot"), "{shown}");
        assert_eq!(begun.elapsed().as_millis(), times * 500);
        assert_eq!(next(&mut other).await, shown);
    }
    let mut both = [next(&mut one).await, next(&mut one).await];
    both.sort();
    assert_eq!(both[0], ": keep-alive\n\n", "each 15 s");
    assert_eq!(begun.elapsed().as_secs(), 15);
}

#[tokio::test]
async fn more_readers_than_may_are_refused_until_one_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(folder.path(), &[]).await;
    let url = running.url("/events");
    let mut readers = Vec::new();
    for number in 0..READERS {
        // Those of the other stream are among them.
        let path = if number % 2 == 0 { "/events" } else { "/hystrix.stream" };
        readers.push(Stream::open(&running.url(path), None).await);
    }
    for path in ["/events", "/hystrix.stream"] {
        let refused = client().get(running.url(path)).send().await.expect("an answer");
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (503, &"2".parse().expect("a value"))
        );
    }
    readers.pop();
    eventually("a place is free again", LIMIT, async || {
        client().get(&url).send().await.ok().filter(|answer| answer.status() == 200)
    })
    .await;
    running.stopped().await;
}

#[tokio::test]
async fn stopping_ends_the_streams_and_does_not_wait_for_their_readers() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(folder.path(), &[]).await;
    let mut streams = Vec::new();
    for path in ["/events", "/hystrix.stream"] {
        let mut stream = Stream::open(&running.url(path), None).await;
        stream.next().await.expect("it has begun");
        streams.push(stream);
    }
    let h2 = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().expect("a client");
    let mut over_h2 = h2.get(running.url("/events")).send().await.expect("an answer");
    over_h2.chunk().await.expect("whole").expect("it has begun");
    // Nobody reads this one.
    let _idle = Stream::open(&running.url("/events"), None).await;

    running.stop.cancel();
    for mut stream in streams {
        while stream.next().await.is_some() {}
    }
    while over_h2.chunk().await.expect("a clean end").is_some() {}
    running.served.await.expect("it stops");
}

#[tokio::test]
async fn pages_of_other_origins_read_the_business_routes_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let router = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
    let ask = async |method: Method, path: &str, headers: &[(&str, &str)]| {
        let mut request =
            Request::builder().method(method).uri(path).header("origin", "http://elsewhere.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        router.clone().oneshot(request).await.expect("a router does not fail")
    };
    let cors = |answer: &axum::response::Response| {
        answer.headers().keys().any(|name| name.as_str().starts_with("access-control-"))
    };
    for path in ["/", "/livez", "/parcels"] {
        assert!(cors(&ask(Method::GET, path, &[]).await), "{path} is open");
    }
    for path in ["/circuit", "/events", "/hystrix.stream"] {
        let answer = ask(Method::GET, path, &[]).await;
        assert_eq!((answer.status().as_u16(), cors(&answer)), (200, false), "{path}");
        for method in ["GET", "PUT"] {
            let preflight = ask(Method::OPTIONS, path, &[("access-control-request-method", method)]).await;
            assert!(!preflight.status().is_success() && !cors(&preflight), "{method} {path}");
        }
    }
    // The routes are as closed to the wrong method as the others, and say so as these do.
    let wrong = post(&router, "/events", "{}").await;
    assert_eq!((wrong.status.as_u16(), wrong.header("allow")), (405, "GET,HEAD"));
    assert_eq!(wrong.header("content-type"), "application/problem+json");
    assert_eq!(get(&router, "/event").await.status, 404);
}
