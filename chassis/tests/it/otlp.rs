//! Traces as a collector gets them. The collector is made here; what it is sent is read by OpenTelemetry's own types.

use crate::parcel::{PARCEL, post, service};
use crate::running::Running;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode as Code};
use prost::Message as _;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::{Behaviour, Peer, eventually, refused_addr};
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(30);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const NESTED: &str = r#"{"id":"1","weight":1,"inner":{"id":"2","weight":1,"inner":{}}}"#;

/// A span, and the service that sent it.
#[derive(Debug, Clone)]
struct Seen {
    service: String,
    span: Span,
}

impl Seen {
    fn id(&self) -> &[u8] {
        &self.span.span_id
    }

    fn attribute(&self, key: &str) -> String {
        attributes(&self.span.attributes).remove(key).unwrap_or_default()
    }

    fn failed(&self) -> bool {
        self.span.status.as_ref().is_some_and(|status| status.code == Code::Error as i32)
    }
}

fn attributes(list: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let pairs = list.iter().map(|pair| {
        let value = pair.value.as_ref().and_then(|value| value.value.as_ref()).map(text);
        (pair.key.clone(), value.unwrap_or_default())
    });
    pairs.collect()
}

type Got = Arc<Mutex<Vec<Seen>>>;

/// A collector, and what it got.
async fn collector() -> (String, Got) {
    async fn take(State(got): State<Got>, headers: HeaderMap, body: Bytes) -> StatusCode {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
        for resource in request.resource_spans {
            let about = attributes(&resource.resource.expect("a resource").attributes);
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            let seen = spans.map(|span| Seen { service: about["service.name"].clone(), span });
            got.lock().expect("not poisoned").extend(seen);
        }
        StatusCode::OK
    }
    let got = Got::default();
    let router = Router::new().route("/v1/traces", routing::post(take)).with_state(Arc::clone(&got));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        let mut connections =
            hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
        connections.http1().keep_alive(true);
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper_util::service::TowerToHyperService::new(router.clone());
            let (connections, stream) = (connections.clone(), hyper_util::rt::TokioIo::new(stream));
            tokio::spawn(async move { connections.serve_connection(stream, service).await.map_err(drop) });
        }
    });
    (url, got)
}

async fn post_traced(url: &str) {
    let answer = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .body(NESTED)
        .send()
        .await
        .expect("an answer");
    assert!(answer.status().is_success(), "{answer:?}");
}

#[tokio::test]
async fn one_trace_over_the_whole_chain() {
    let (collector, got) = collector().await;
    let (folders, peer) = (
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")),
        Peer::start(Behaviour::json(500, "{}")).await,
    );
    let otlp = ["--otel-exporter-otlp-endpoint", &collector];
    let url = peer.url("/");
    let flags =
        ["--id", "back", "--chain-svc", &url, "--chain-name", "peer", "--breaker-reset-ms", "3600000"];
    let back = Running::start(folders.1.path(), &[&flags[..], &otlp].concat()).await;
    let next = back.url("/create");
    let flags = ["--id", "front", "--chain-svc", &next, "--chain-name", "back"];
    let front = Running::start(folders.0.path(), &[&flags[..], &otlp].concat()).await;

    post_traced(&front.url("/create")).await;
    post_traced(&front.url("/create")).await;
    // What is not sent yet is sent before they end.
    front.stopped().await;
    back.stopped().await;

    let seen = got.lock().expect("not poisoned").clone();
    assert_eq!(seen.len(), 12, "two requests through two services, three spans each: {seen:#?}");
    for span in &seen {
        assert_eq!(u128::from_str_radix(TRACE, 16).expect("hex").to_be_bytes(), *span.span.trace_id);
        assert!(span.span.start_time_unix_nano <= span.span.end_time_unix_nano);
    }
    let of = |service: &str, kind: SpanKind| -> Vec<Seen> {
        seen.iter().filter(|one| one.service == service && one.span.kind == kind as i32).cloned().collect()
    };
    let roots = of("front", SpanKind::Server);
    assert_eq!(roots.len(), 2);
    for (at, root) in roots.iter().enumerate() {
        assert_eq!(root.span.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes(), "the caller's span");
        let child = |of: &Seen, service: &str, kind: SpanKind| -> Seen {
            let mut children = seen.iter().filter(|one| {
                one.span.parent_span_id == of.id() && one.service == service && one.span.kind == kind as i32
            });
            let only = children.next().unwrap_or_else(|| panic!("no {kind:?} of {service} below {of:?}"));
            assert!(children.next().is_none(), "more than one {kind:?} of {service}");
            only.clone()
        };
        let hop = child(root, "front", SpanKind::Client);
        assert_eq!(child(root, "front", SpanKind::Internal).span.name, "store insert");
        assert_eq!(
            (hop.attribute("peer.service"), hop.attribute("circuit_breaker.name"), hop.failed()),
            ("back".to_owned(), "front→back".to_owned(), false)
        );
        assert_eq!(hop.attribute("circuit_breaker.verdict"), "permitted");
        assert_eq!(
            (root.attribute("retail.outcome"), root.attribute("retail.degraded")),
            ("passed".into(), "peer".into())
        );

        let inner = child(&hop, "back", SpanKind::Server);
        assert_eq!(inner.attribute("retail.hop"), "2");
        child(&inner, "back", SpanKind::Internal);
        let last = child(&inner, "back", SpanKind::Client);
        assert!(last.failed());
        let told =
            ["circuit_breaker.state", "circuit_breaker.verdict", "error.type"].map(|key| last.attribute(key));
        let wait = last.attribute("circuit_breaker.retry_after");
        if at == 0 {
            assert_eq!((told, wait.as_str()), (["closed", "permitted", "EUPSTREAM"].map(String::from), ""));
        } else {
            assert_eq!(told, ["open", "refused", "EOPENBREAKER"].map(String::from));
            let wait: f64 = wait.parse().expect("seconds");
            assert!((3500.0..=3600.0).contains(&wait), "{wait}");
        }
    }
    let sent = peer.requests();
    assert_eq!(sent.len(), 1, "the second call was refused");
    let parent = sent[0].header("traceparent").expect("always sent");
    let hops = of("back", SpanKind::Client);
    assert!(
        hops.iter().any(|hop| {
            let id: String = hop.id().iter().map(|byte| format!("{byte:02x}")).collect();
            parent.contains(&id)
        }),
        "the peer is told the hop's span: {parent}"
    );
}

#[tokio::test]
async fn an_injected_fault_and_a_problem_are_spans_that_failed_and_did_not() {
    let (collector, got) = collector().await;
    let folder = tempfile::tempdir().expect("a folder");
    let flags = ["--otel-exporter-otlp-endpoint", &collector, "--inject-err", "--inject-err-percent", "100"];
    let running = Running::start(folder.path(), &flags).await;
    let client = reqwest::Client::new();
    for body in [PARCEL, "{"] {
        let request = client.post(running.url("/create")).header("content-type", "application/json");
        request.body(body).send().await.expect("an answer");
    }
    running.stopped().await;
    let seen = got.lock().expect("not poisoned").clone();
    let find =
        |outcome: &str| seen.iter().find(|one| one.attribute("retail.outcome") == outcome).expect(outcome);
    let fault = find("fault");
    assert_eq!((fault.attribute("chaos.fault"), fault.failed()), ("inject-err".to_owned(), true));
    assert!(fault.span.parent_span_id.is_empty(), "the trace begins here");
    let refused = find("refused");
    assert_eq!((refused.attribute("http.response.status_code"), refused.failed()), ("400".to_owned(), false));
}

#[tokio::test]
async fn what_is_not_sampled_is_not_sent() {
    let (collector, got) = collector().await;
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(folder.path(), &["--otel-exporter-otlp-endpoint", &collector]).await;
    let request =
        reqwest::Client::new().post(running.url("/create")).header("content-type", "application/json");
    let request = request.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-00"));
    assert!(request.body(PARCEL).send().await.expect("an answer").status().is_success());
    running.stopped().await;
    assert!(got.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn a_collector_that_is_away_costs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in [format!("http://{}", refused_addr()), Peer::start(Behaviour::Hang).await.url("")] {
        let running = Running::start(folder.path(), &["--otel-exporter-otlp-endpoint", &url]).await;
        let client = reqwest::Client::new();
        for _ in 0..5 {
            let request = client.post(running.url("/create")).header("content-type", "application/json");
            assert!(request.body(PARCEL).send().await.expect("an answer").status().is_success());
        }
        running.stopped().await;
    }
}

#[tokio::test]
async fn more_than_there_is_room_for_is_let_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("http://{}", refused_addr());
    // Nobody sends, since it does not serve: the queue fills up, and requests are answered all the same.
    let router = service(folder.path(), &["--otel-exporter-otlp-endpoint", &url]).await.router();
    for _ in 0..1100 {
        assert_eq!(post(&router, "/create", "{").await.status, 400);
    }
}

#[tokio::test]
async fn a_late_delivery_is_a_span_of_its_order() {
    let (collector, got) = collector().await;
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(500, "{}")).await;
    let url = peer.url("/");
    let flags = ["--chain-svc", &url, "--chain-name", "peer", "--breaker-reset-ms", "100"];
    let flags = [&flags[..], &["--otel-exporter-otlp-endpoint", &collector]].concat();
    let front = Running::start(folder.path(), &flags).await;
    post_traced(&front.url("/create")).await;
    eventually("the relay has tried it, in vain", LIMIT, async || (peer.count() >= 2).then_some(())).await;
    peer.set(Behaviour::json(200, "{}"));
    let tried = eventually("it is delivered", LIMIT, async || {
        let queue = reqwest::get(front.url("/queue")).await.expect("an answer");
        let queue: serde_json::Value = queue.json().await.expect("JSON");
        (queue["delivered"] == 1).then(|| peer.count())
    });
    let tried = tried.await;
    front.stopped().await;

    let seen = got.lock().expect("not poisoned").clone();
    let server = seen.iter().find(|one| one.span.kind == SpanKind::Server as i32).expect("the order's");
    let late: Vec<_> = seen.iter().filter(|one| one.span.name == "POST (late)").collect();
    for one in &late {
        assert_eq!(u128::from_str_radix(TRACE, 16).expect("hex").to_be_bytes(), *one.span.trace_id);
        assert_eq!(
            (one.span.parent_span_id.as_slice(), one.span.kind),
            (server.id(), SpanKind::Client as i32)
        );
        assert!(one.span.start_time_unix_nano >= server.span.end_time_unix_nano);
        assert_eq!(one.attribute("peer.service"), "peer");
        assert_eq!(one.attribute("retail.hop"), "1");
    }
    let ends: Vec<_> = late.iter().filter(|one| !one.failed()).collect();
    assert_eq!(ends.len(), 1, "it went well once: {late:#?}");
    assert_eq!(ends[0].attribute("circuit_breaker.verdict"), "permitted");
    let resent: u32 = ends[0].attribute("http.request.resend_count").parse().expect("a number");
    assert_eq!(resent as usize, tried - 1, "all tries before it");
    let failed = late.iter().find(|one| one.attribute("error.type") == "EUPSTREAM").expect("the one in vain");
    assert!(failed.failed());
}
