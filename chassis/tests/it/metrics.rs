//! `GET /metrics`: every series from the start, what moves them, and that Prometheus' own checker finds nothing.

use crate::parcel::{Answer, PARCEL, ask, get, post, service};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use tempfile::TempDir;
use testkit::{Behaviour, Peer, promtool};

/// Every series of a scrape, with its value.
pub(crate) fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.map(|line| line.rsplit_once(' ').expect("a series and a value"));
    pairs.map(|(series, value)| (series.to_owned(), value.parse().expect("a number"))).collect()
}

async fn scrape(router: &Router) -> BTreeMap<String, f64> {
    let answer = get(router, "/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.header("access-control-allow-origin"), "", "not for pages of others");
    series(&answer.text)
}

async fn start(peer: &Peer, flags: &[&str]) -> (TempDir, Router) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = peer.url("/");
    let flags = [&["--chain-svc", &url, "--chain-name", "next"], flags].concat();
    let router = service(folder.path(), &flags).await.router();
    (folder, router)
}

async fn refused(router: &Router) -> Answer {
    post(router, "/create", "{").await
}

#[tokio::test]
async fn every_series_is_there_before_the_first_call() {
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let flags = ["--breaker-reset-ms", "3600000", "--admin-token", "sesame"];
    let (_folder, router) = start(&peer, &flags).await;
    let before = scrape(&router).await;
    let moved: Vec<_> = before
        .iter()
        .filter(|(series, value)| {
            let counts = series.contains("_total{") || series.contains("_count{") || series.contains("_sum{");
            counts && **value != 0.0
        })
        .collect();
    assert!(moved.is_empty(), "{moved:#?}");

    post(&router, "/create", PARCEL).await;
    post(&router, "/create?count=9", PARCEL).await;
    peer.set(Behaviour::json(500, "{}"));
    post(&router, "/create", PARCEL).await;
    post(&router, "/create", PARCEL).await;
    post(&router, "/create", PARCEL).await;
    refused(&router).await;
    let key = get(&router, "/parcels?limit=1").await.json()["parcels"][0]["key"].clone();
    get(&router, &format!("/parcels/{}", key.as_str().expect("a key"))).await;
    let queued = get(&router, "/queue").await.json()["queue"][0]["key"].clone();
    let queued = format!("/queue/{}", queued.as_str().expect("what failed waits"));
    for (method, path, status) in [("POST", format!("{queued}/retry"), 202), ("DELETE", queued, 204)] {
        let request = Request::builder().method(method).uri(path).header("authorization", "Bearer sesame");
        assert_eq!(ask(&router, request.body(Body::empty()).expect("a request")).await.status, status);
    }
    for path in ["/", "/livez", "/readyz", "/metrics", "/no/such/path"] {
        get(&router, path).await;
    }
    let after = scrape(&router).await;
    let new: Vec<_> = after.keys().filter(|series| !before.contains_key(*series)).collect();
    assert!(new.is_empty(), "{new:#?}");
    assert!(after.len() == before.len(), "none goes away");
}

#[tokio::test]
async fn a_circuit_that_opens_is_seen_in_every_figure() {
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let (_folder, router) = start(&peer, &["--breaker-reset-ms", "3600000", "--breaker-capacity", "5"]).await;
    post(&router, "/create", PARCEL).await;
    peer.set(Behaviour::json(500, "{}"));
    for _ in 0..3 {
        post(&router, "/create", PARCEL).await;
    }
    let seen = scrape(&router).await;
    let value = |name: &str, labels: &str| {
        let series = format!("{name}{{circuit=\"parcel→next\"{labels}}}");
        *seen.get(&series).unwrap_or_else(|| panic!("no {series}"))
    };
    for (state, is) in [("closed", 0.0), ("open", 1.0), ("half-open", 0.0)] {
        assert_eq!(value("circuit_breaker_state", &format!(",state=\"{state}\"")), is, "{state}");
    }
    assert_eq!(value("circuit_breaker_mode", ",mode=\"auto\""), 1.0);
    assert_eq!(value("circuit_breaker_mode", ",mode=\"forced-open\""), 0.0);
    // Two of three failed: 67 %. The one after that was refused.
    for (outcome, calls) in
        [("success", 1.0), ("failure", 2.0), ("timeout", 0.0), ("rejected", 1.0), ("full", 0.0)]
    {
        let told = value("circuit_breaker_calls_total", &format!(",outcome=\"{outcome}\""));
        assert_eq!(told, calls, "{outcome}");
    }
    assert_eq!(value("circuit_breaker_call_duration_seconds_count", ""), 3.0, "a refusal is no call");
    assert_eq!(value("circuit_breaker_transitions_total", ",from=\"closed\",to=\"open\""), 1.0);
    assert_eq!(value("circuit_breaker_transitions_total", ",from=\"open\",to=\"closed\""), 0.0);
    assert_eq!(value("circuit_breaker_failure_ratio", ""), 0.5);
    assert_eq!(value("circuit_breaker_window_calls", ""), 4.0);
    assert_eq!(value("circuit_breaker_in_flight_calls", ""), 0.0);
    let wait = value("circuit_breaker_next_probe_seconds", "");
    assert!((3500.0..=3600.0).contains(&wait), "{wait}");
    assert_eq!(value("circuit_breaker_threshold_ratio", ""), 0.5);
    assert_eq!(value("circuit_breaker_minimum_calls", ""), 0.0);
    assert_eq!(value("circuit_breaker_timeout_seconds", ""), 20.0);
    assert_eq!(value("circuit_breaker_reset_seconds", ""), 3600.0);
    assert_eq!(value("circuit_breaker_capacity_calls", ""), 5.0);
}

#[tokio::test]
async fn requests_are_counted_by_route_and_outcome() {
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let (_folder, router) = start(&peer, &[]).await;
    post(&router, "/create", PARCEL).await;
    post(&router, "/create?count=9", PARCEL).await;
    refused(&router).await;
    get(&router, "/parcels/019a0000-0000-7000-8000-000000000000").await;
    get(&router, "/no/such/path").await;
    get(&router, "/nor/this").await;
    ask(&router, Request::delete("/create").body(Body::empty()).expect("a request")).await;
    let seen = scrape(&router).await;
    for (method, route, status, count) in [
        ("POST", "/create", 200, 2.0),
        ("POST", "/create", 400, 1.0),
        ("GET", "/parcels/{key}", 404, 1.0),
        ("GET", "unknown", 404, 2.0),
        ("DELETE", "/create", 405, 1.0),
    ] {
        let series = format!(
            "http_server_request_duration_seconds_count{{http_request_method=\"{method}\",http_route=\"{route}\",http_response_status_code=\"{status}\"}}"
        );
        assert_eq!(seen.get(&series), Some(&count), "{series}");
    }
    for (outcome, count) in [
        ("last", 1.0),
        ("ended", 0.0),
        ("passed", 1.0),
        ("degraded", 0.0),
        ("queued", 0.0),
        ("fault", 0.0),
        ("refused", 1.0),
    ] {
        assert_eq!(seen[&format!("create_requests_total{{outcome=\"{outcome}\"}}")], count, "{outcome}");
    }
    let store = |operation: &str, outcome: &str| {
        seen[&format!(
            "store_operation_duration_seconds_count{{operation=\"{operation}\",outcome=\"{outcome}\"}}"
        )]
    };
    assert_eq!((store("insert", "done"), store("get", "done"), store("insert", "failed")), (2.0, 1.0, 0.0));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(seen[&format!("service_build_info{{service=\"parcel\",version=\"{version}\"}}")], 1.0);
}

#[tokio::test]
async fn prometheus_own_checker_finds_nothing() {
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let (_folder, router) = start(&peer, &[]).await;
    let text = get(&router, "/metrics").await.text;
    let mut check = Command::new(promtool())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    check.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let output = check.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[tokio::test]
async fn open_metrics_is_for_those_who_ask() {
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let (_folder, router) = start(&peer, &[]).await;
    let request = Request::get("/metrics")
        .header("accept", "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2")
        .body(Body::empty());
    let answer = ask(&router, request.expect("a request")).await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(answer.text.ends_with("# EOF\n"));
    assert!(answer.text.contains("# TYPE circuit_breaker_calls counter\n"));
    let newer: BTreeSet<_> = series(&answer.text).into_keys().collect();
    assert_eq!(newer, scrape(&router).await.into_keys().collect(), "the same series in both");
}

/// Name, kind and labels of every metric of a scrape, as the table of the README has them.
fn described(text: &str) -> BTreeSet<String> {
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    kinds
        .map(|(name, kind)| {
            let series = text.lines().find(|line| line.starts_with(name)).expect("no family is empty");
            let labels = series.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'));
            let labels = labels.map_or("", |(labels, _)| labels);
            let names = labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name);
            let names: Vec<_> = names.filter(|name| *name != "le").map(|name| format!("`{name}`")).collect();
            format!("| `{name}` | {kind} | {} |", names.join(", ")).replace("|  |", "| |")
        })
        .collect()
}

#[tokio::test]
async fn the_readme_tells_of_every_metric_and_of_no_other() {
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let (_folder, router) = start(&peer, &["--inject-err", "--inject-err-percent", "100"]).await;
    post(&router, "/create", PARCEL).await;
    let seen = described(&get(&router, "/metrics").await.text);
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("a README");
    let metrics =
        readme.split("## Metrics").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a chapter");
    let rows = metrics.lines().filter(|line| line.starts_with("| `"));
    let told: BTreeSet<_> =
        rows.map(|row| format!("{} |", row.rsplit_once(" | ").expect("columns").0)).collect();
    assert_eq!(told, seen);
}
