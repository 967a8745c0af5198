//! The circuit, looked at and changed over HTTP, on real sockets.

/// What may be changed, by whom, and what it does.
mod change;

use crate::parcel::PARCEL;
use crate::running::{Running, client};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use testkit::{Behaviour, Peer, eventually};

const LIMIT: Duration = Duration::from_secs(20);

/// A service, and the one after it.
struct Pair {
    running: Running,
    peer: Peer,
    _folder: TempDir,
}

impl Pair {
    async fn start(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let peer = Peer::start(Behaviour::json(200, "{}")).await;
        let url = peer.url("/");
        let flags = [&["--chain-svc", &url, "--chain-name", "next"], flags].concat();
        let running = Running::start(folder.path(), &flags).await;
        Self { running, peer, _folder: folder }
    }

    async fn order(&self) {
        let request = client().post(self.running.url("/create")).header("content-type", "application/json");
        let answer = request.body(PARCEL).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }

    async fn orders(&self, status: u16, times: usize) {
        self.peer.set(Behaviour::json(status, "{}"));
        for _ in 0..times {
            self.order().await;
        }
    }

    async fn circuit(&self) -> Value {
        let answer = client().get(self.running.url("/circuit")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        answer.json().await.expect("JSON")
    }

    async fn put(&self, body: impl Into<reqwest::Body>) -> Response {
        let request = client().put(self.running.url("/circuit")).header("content-type", "application/json");
        request.body(body).send().await.expect("an answer")
    }

    async fn change(&self, change: Value) -> Value {
        let answer = self.put(change.to_string()).await;
        assert_eq!(answer.status(), 200, "{change}");
        answer.json().await.expect("JSON")
    }
}

/// The names of all fields, with those that they are in.
fn fields(value: &Value, within: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = format!("{within}.{name}");
                fields(value, &path, into);
                into.push(path);
            }
        }
        Value::Array(items) => {
            for item in items.iter().take(1) {
                fields(item, &format!("{within}[]"), into);
            }
        }
        _ => {}
    }
}

fn fields_of(value: &Value) -> Vec<String> {
    let mut names = Vec::new();
    fields(value, "", &mut names);
    names
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[tokio::test]
async fn the_readme_shows_the_fields_of_a_real_answer() {
    let pair = Pair::start(&["--breaker-reset-ms", "3600000"]).await;
    pair.orders(500, 1).await;
    let readme = include_str!("../../README.md");
    let shown =
        readme.split("```json").find(|block| block.contains("\"current_state\"")).expect("it is shown");
    let shown: Value = serde_json::from_str(shown.split("```").next().expect("its end")).expect("JSON");
    assert_eq!(fields_of(&pair.circuit().await), fields_of(&shown));
}

#[tokio::test]
async fn all_that_is_known_of_a_circuit_is_shown() {
    let flags = ["--breaker-reset-ms", "3600000", "--breaker-capacity", "9", "--breaker-volume", "3"];
    let pair = Pair::start(&flags).await;
    pair.orders(200, 1).await;
    pair.orders(500, 2).await;
    pair.orders(200, 1).await;

    let circuit = pair.circuit().await;
    assert_eq!((&circuit["service"], &circuit["next"]), (&json!("parcel"), &json!("next")));
    assert_eq!(circuit["circuit"], "parcel→next");
    assert_eq!((&circuit["current_state"], &circuit["state"]), (&json!("open"), &json!("open")));
    assert_eq!(
        (&circuit["mode"], &circuit["turns"], &circuit["fail_counter"]),
        (&json!("auto"), &json!(1), &json!(2))
    );
    assert_eq!(
        (&circuit["rate"], &circuit["threshold"]),
        (&json!(50.0), &json!(50.0)),
        "refused calls dilute it"
    );
    assert_eq!((&circuit["volume"], &circuit["min_volume"]), (&json!(4), &json!(3)));
    assert_eq!(
        (&circuit["in_flight"], &circuit["probes"], &circuit["probes_allowed"]),
        (&json!(0), &json!(0), &json!(1))
    );
    let counts = json!({
        "fires": 4, "successes": 1, "failures": 2, "timeouts": 0, "rejects": 1, "fallbacks": 0,
        "semaphore_rejections": 0, "slow": 0,
    });
    assert_eq!((&circuit["counts"], &circuit["totals"]), (&counts, &counts));
    let settings = json!({
        "timeout_ms": 20_000, "error_threshold": 50.0, "reset_ms": 3_600_000, "volume": 3, "capacity": 9,
    });
    assert_eq!(circuit["settings"], settings);

    let since = number(&circuit["since_ms"]);
    assert!((3_500_000.0..=3_600_000.0 - since).contains(&number(&circuit["probe_in_ms"])), "{circuit}");
    let last = &circuit["last"];
    assert_eq!((&last["from"], &last["to"]), (&json!("closed"), &json!("open")));
    assert_eq!(last["reason"], "2 of 3 calls failed (66.7 %), and the circuit opens above 50 %");
    assert_eq!(number(&last["ago_ms"]), since);
    assert!(last["at"].as_str() <= circuit["at"].as_str(), "RFC 3339 sorts: {circuit}");
    assert_eq!(circuit["at"].as_str().expect("a text").len(), "2026-11-25T12:00:00.000Z".len());
    let failures = last["failures"].as_array().expect("a list");
    assert_eq!(failures.iter().map(|failure| &failure["kind"]).collect::<Vec<_>>(), ["error", "error"]);
    assert!(number(&failures[0]["ago_ms"]) >= number(&failures[1]["ago_ms"]), "oldest first");
    assert!(number(&failures[1]["ago_ms"]) >= since);

    let latency = &circuit["latency"];
    assert_eq!(latency["calls"], 3);
    let times = ["p50_ms", "p90_ms", "p95_ms", "p99_ms"].map(|name| number(&latency[name]));
    assert!(0.0 < times[0] && times.is_sorted() && number(&latency["mean_ms"]) > 0.0, "{latency}");
}

#[tokio::test]
async fn the_window_is_shown_whole() {
    let pair = Pair::start(&["--breaker-error-threshold", "100"]).await;
    pair.orders(200, 2).await;
    pair.orders(500, 3).await;
    let circuit = pair.circuit().await;
    let window = &circuit["window"];
    assert_eq!((&window["length_ms"], &window["bucket_ms"]), (&json!(10_000), &json!(1_000)));
    let buckets = window["buckets"].as_array().expect("a list");
    assert_eq!(buckets.len(), 10, "the empty ones too");
    let ages: Vec<_> = buckets.iter().map(|bucket| number(&bucket["age_ms"])).collect();
    for (older, newer) in ages.iter().zip(&ages[1..]) {
        assert!((older - newer - 1_000.0).abs() < 0.01, "{ages:?}");
    }
    assert!((0.0..1_000.0).contains(&ages[9]), "{ages:?}");
    for name in ["fires", "successes", "failures", "timeouts", "rejects", "semaphore_rejections", "slow"] {
        let sum: u64 = buckets.iter().filter_map(|bucket| bucket[name].as_u64()).sum();
        assert_eq!(sum, circuit["counts"][name], "{name}");
    }
    assert_eq!(circuit["counts"]["fires"], 5);
}

#[tokio::test]
async fn failures_in_a_row_are_counted_though_the_rule_is_a_rate() {
    let pair = Pair::start(&["--breaker-error-threshold", "100"]).await;
    let fail_counter = async || pair.circuit().await["fail_counter"].clone();
    assert_eq!(fail_counter().await, 0);
    pair.orders(500, 2).await;
    assert_eq!(fail_counter().await, 2);
    pair.orders(422, 1).await;
    assert_eq!(fail_counter().await, 0, "a fault of the client's is a success of the next service's");
    pair.orders(500, 3).await;
    assert_eq!(fail_counter().await, 3);
    pair.orders(200, 1).await;
    assert_eq!(fail_counter().await, 0);

    let pair = Pair::start(&["--breaker-reset-ms", "1"]).await;
    let turns = async |wanted: u64| {
        eventually("it has half-opened", LIMIT, async || {
            let circuit = pair.circuit().await;
            (circuit["turns"] == wanted && circuit["state"] == "half-open").then_some(circuit)
        })
        .await
    };
    pair.orders(500, 1).await;
    assert_eq!(turns(2).await["fail_counter"], 1, "an open circuit has failed so often");
    pair.orders(500, 1).await;
    assert_eq!(turns(4).await["fail_counter"], 2, "a probe that fails counts too");
    pair.orders(200, 1).await;
    let circuit = pair.circuit().await;
    assert_eq!((&circuit["current_state"], &circuit["fail_counter"]), (&json!("closed"), &json!(0)));
}

#[tokio::test]
async fn looking_changes_nothing() {
    let pair = Pair::start(&["--breaker-reset-ms", "3600000"]).await;
    pair.orders(500, 1).await;
    let steady = async || {
        let mut circuit = pair.circuit().await;
        // All but the times.
        let circuit = circuit.as_object_mut().expect("an object");
        circuit
            .retain(|name, _| ["state", "turns", "counts", "totals", "mode", "settings"].contains(&&**name));
        circuit.clone()
    };
    let before = steady().await;
    for _ in 0..20 {
        assert_eq!(steady().await, before);
    }
    assert_eq!(pair.peer.count(), 1);
}

#[tokio::test]
async fn without_a_next_service_there_is_no_circuit() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(folder.path(), &["--id", "last-1"]).await;
    for method in [Method::GET, Method::PUT] {
        let request = client().request(method, running.url("/circuit")).body(r#"{"mode":"open"}"#);
        let answer = request.header("content-type", "application/json").send().await.expect("an answer");
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = answer.json().await.expect("JSON");
        assert_eq!(problem["detail"], "last-1 has no next service, and so no circuit");
    }
    running.stopped().await;
}
