//! The relay where calls have few places: it takes no more than there are, and leaves some to clients.

use crate::parcel::NESTED;
use crate::running::{Running, client};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Behaviour, Peer, Proxy, eventually};

const LIMIT: Duration = Duration::from_secs(30);
const ORDERS: usize = 12;

async fn ask(front: &Running, path: &str) -> Value {
    client().get(front.url(path)).send().await.expect("an answer").json().await.expect("JSON")
}

async fn create(front: &Running) -> Value {
    let request = client().post(front.url("/create")).header("accept", "application/json");
    let request = request.header("content-type", "application/json").body(NESTED);
    request.send().await.expect("an answer").json().await.expect("JSON")
}

async fn put(front: &Running, change: Value) {
    let answer = client().put(front.url("/circuit")).json(&change).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

/// Fills the queue, lets `change` happen, and has the relay deliver all of it; then no call was without a place, and
/// the circuit has not opened again.
async fn drains_without_opening(flags: &[&str], change: Option<Value>) {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let line = Proxy::start(peer.addr()).await;
    let url = format!("http://{}/create", line.addr());
    let flags = [&["--chain-svc", &url, "--breaker-reset-ms", "100"], flags].concat();
    let front = Running::start(folder.path(), &flags).await;
    line.cut();
    for _ in 0..ORDERS {
        assert_eq!(create(&front).await["queued"], true);
    }
    if let Some(change) = change {
        put(&front, change).await;
    }
    line.mend();
    eventually("the queue is empty", LIMIT, async || {
        ask(&front, "/queue").await["queue"].as_array().is_some_and(Vec::is_empty).then_some(())
    })
    .await;
    let circuit = ask(&front, "/circuit").await;
    assert_eq!(circuit["totals"]["semaphore_rejections"], 0, "{flags:?}: {circuit}");
    assert_eq!((&circuit["state"], &circuit["last"]["from"]), (&"closed".into(), &"half-open".into()));
    assert_eq!(peer.count(), ORDERS, "each was sent once");
    front.stopped().await;
}

#[tokio::test]
async fn the_relay_keeps_within_the_capacity() {
    for capacity in ["1", "3"] {
        drains_without_opening(&["--breaker-capacity", capacity], None).await;
    }
}

#[tokio::test]
async fn the_relay_keeps_within_the_bulkhead() {
    drains_without_opening(&["--bulkhead", "1"], None).await;
}

#[tokio::test]
async fn the_relay_keeps_within_a_capacity_that_is_set_while_it_runs() {
    drains_without_opening(&[], Some(json!({ "settings": { "capacity": 2 } }))).await;
}

#[tokio::test]
async fn the_relay_waits_for_a_place_that_a_client_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::Hang).await;
    let url = peer.url("/");
    let flags = ["--chain-svc", &url, "--breaker-capacity", "1", "--breaker-error-threshold", "100"];
    let front = Running::start(folder.path(), &flags).await;
    let first = {
        let url = front.url("/create");
        let request = client().post(url).header("content-type", "application/json").body(NESTED);
        tokio::spawn(request.send())
    };
    eventually("it has the only place", LIMIT, async || (peer.count() == 1).then_some(())).await;
    let second = create(&front).await;
    assert_eq!((&second["error"]["code"], &second["queued"]), (&"ESEMLOCKED".into(), &true.into()));
    // The relay looks for work as often as it counts the queue.
    let counted = async || {
        let text = client().get(front.url("/metrics")).send().await.expect("an answer").text().await;
        let series = "store_operation_duration_seconds_count{operation=\"backlog\",outcome=\"done\"} ";
        let text = text.expect("a text");
        let count = text.lines().find_map(|line| line.strip_prefix(series)).expect("a series");
        count.parse::<u64>().expect("a number")
    };
    let before = counted().await;
    eventually("time has passed", LIMIT, async || (counted().await >= before + 3).then_some(())).await;
    let circuit = ask(&front, "/circuit").await;
    assert_eq!(circuit["totals"]["semaphore_rejections"], 1, "the client's: {circuit}");
    assert_eq!(peer.count(), 1);
    drop(peer);
    assert_eq!(first.await.expect("no panic").expect("an answer").status(), 200);
    front.stopped().await;
}

#[tokio::test]
async fn a_claim_outlasts_a_call_without_a_time_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::Hang).await;
    let url = peer.url("/");
    let front = Running::start(folder.path(), &["--chain-svc", &url, "--breaker-timeout-ms", "200"]).await;
    put(&front, json!({ "mode": "disabled" })).await;
    let order = {
        let url = front.url("/create");
        let request = client().post(url).header("content-type", "application/json").body(NESTED);
        tokio::spawn(request.send())
    };
    eventually("it is under way", LIMIT, async || (peer.count() == 1).then_some(())).await;
    let told = peer.requests()[0].header("x-deadline-ms").map(ToOwned::to_owned);
    assert_eq!(told.as_deref(), Some("30000"), "the next one is not hurried either");
    let listed = ask(&front, "/queue").await;
    let time = |name: &str| {
        let text = listed["queue"][0][name].as_str().expect("a time");
        text.parse::<jiff::Timestamp>().expect("a time")
    };
    let lease = time("due_at").duration_since(time("created_at"));
    assert!(lease > jiff::SignedDuration::from_secs(30), "{lease}");
    drop(peer);
    assert_eq!(order.await.expect("no panic").expect("an answer").status(), 200);
    front.stopped().await;
}
