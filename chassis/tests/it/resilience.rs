//! What goes around the hop beside its circuit: retries, a bulkhead, and a deadline that is passed on.

use crate::parcel::{PARCEL, get, post, post_with, service};
use axum::Router;
use std::time::Duration;
use testkit::{Behaviour, Peer, eventually};

const LIMIT: Duration = Duration::from_secs(20);

async fn within(router: &Router, milliseconds: &str) -> crate::parcel::Answer {
    post_with(router, "/create", PARCEL, &[("x-deadline-ms", milliseconds)]).await
}

async fn saved(router: &Router) -> usize {
    get(router, "/parcels").await.json()["parcels"].as_array().expect("a page").len()
}

/// What each request that came to a peer says of the time that is left.
fn deadlines(peer: &Peer) -> Vec<u64> {
    let of = |request: &testkit::Request| request.header("x-deadline-ms").and_then(|left| left.parse().ok());
    peer.requests().iter().map(|request| of(request).expect("each has one")).collect()
}

#[tokio::test]
async fn a_hop_is_tried_again_as_often_as_is_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(500, "{}")).await;
    let flags = ["--chain-svc", &peer.url("/"), "--retries", "2", "--breaker-error-threshold", "100"];
    let router = service(folder.path(), &flags).await.router();
    let answer = post(&router, "/create", PARCEL).await;
    assert_eq!((answer.status.as_u16(), peer.count()), (200, 3));
    assert_eq!(answer.json()["error"]["status"], 500);
    let keys: Vec<_> = peer.requests();
    let keys: Vec<_> = keys.iter().map(|request| request.header("idempotency-key")).collect();
    assert!(keys[0].is_some() && keys.iter().all(|key| *key == keys[0]), "under one key: {keys:?}");

    // What is the client's own fault is not.
    peer.set(Behaviour::json(422, "{}"));
    post(&router, "/create", PARCEL).await;
    assert_eq!(peer.count(), 4);
}

#[tokio::test]
async fn retries_have_a_budget_and_stop_at_an_open_circuit() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(500, "{}")).await;
    let flags = ["--chain-svc", &peer.url("/"), "--retries", "10"];
    let opens = service(folder.path(), &flags).await.router();
    post(&opens, "/create", PARCEL).await;
    assert_eq!(peer.count(), 1, "the first failure opens it");
}

#[tokio::test]
async fn a_bulkhead_bounds_the_calls_under_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::Hang).await;
    let flags = ["--chain-svc", &peer.url("/"), "--chain-name", "next", "--bulkhead", "1"];
    let router = service(folder.path(), &flags).await.router();
    let first = tokio::spawn({
        let router = router.clone();
        async move { post(&router, "/create", PARCEL).await }
    });
    eventually("the first call is under way", LIMIT, async || (peer.count() == 1).then_some(())).await;
    let second = post(&router, "/create", PARCEL).await.json();
    assert_eq!((&second["error"]["code"], &second["queued"]), (&"ESEMLOCKED".into(), &true.into()));
    assert_eq!(peer.count(), 1, "nothing was sent");
    first.abort();
}

#[tokio::test]
async fn a_request_whose_time_is_over_does_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let router = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
    let spent = within(&router, "0").await;
    assert_eq!((spent.status.as_u16(), spent.header("content-type")), (504, "application/problem+json"));
    assert!(spent.text.contains("nothing was saved"), "{}", spent.text);
    assert_eq!((saved(&router).await, peer.count()), (0, 0));
    for wrong in ["", "-1", "1.5", "soon", "99999999999"] {
        let refused = within(&router, wrong).await;
        assert_eq!(refused.status, 400, "{wrong:?}");
        assert!(refused.text.contains("x-deadline-ms cannot be read"), "{}", refused.text);
    }
    assert_eq!((saved(&router).await, peer.count()), (0, 0));
}

#[tokio::test]
async fn the_next_one_is_told_the_smaller_of_two_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let router = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
    post(&router, "/create", PARCEL).await;
    within(&router, "3600000").await;
    within(&router, "10000").await;
    let told = deadlines(&peer);
    assert_eq!(told[..2], [20_000, 20_000], "the circuit's own");
    assert!((1..=9_900).contains(&told[2]), "the caller's, less what our own answer needs: {told:?}");
}

#[tokio::test]
async fn a_hop_gives_up_before_its_caller_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::Hang).await;
    let flags = ["--chain-svc", &peer.url("/"), "--chain-name", "next", "--breaker-timeout-ms", "60000"];
    let router = service(folder.path(), &flags).await.router();
    let answer = within(&router, "400").await;
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!((&json["error"]["code"], &json["queued"]), (&"ETIMEDOUT".into(), &true.into()));
    assert_eq!(saved(&router).await, 1);
    // It had less than half of its usual time: that is its caller's affair, and no circuit opens.
    for _ in 0..3 {
        let again = within(&router, "400").await.json();
        assert_eq!(again["error"]["code"], "ETIMEDOUT");
    }
    assert_eq!(peer.count(), 4);
    assert_eq!(get(&router, "/circuit").await.json()["totals"]["failures"], 0);

    // With about its usual time, it speaks against it, and as a time-out.
    let flags = ["--chain-svc", &peer.url("/"), "--breaker-timeout-ms", "2000"];
    let router = service(folder.path(), &flags).await.router();
    assert_eq!(within(&router, "2000").await.json()["error"]["code"], "ETIMEDOUT");
    let circuit = get(&router, "/circuit").await.json();
    let counted = ["fires", "failures", "timeouts"].map(|name| circuit["totals"][name].as_u64());
    assert_eq!(counted, [Some(1); 3], "{circuit}");
    assert_eq!(circuit["last"]["failures"][0]["kind"], "timeout", "{circuit}");
    let metrics = get(&router, "/metrics").await.text;
    assert!(metrics.lines().any(|line| line.contains(r#"outcome="timeout"} 1"#)), "{metrics}");
    assert_eq!(within(&router, "2000").await.json()["error"]["code"], "EOPENBREAKER");
}

#[tokio::test]
async fn where_no_time_is_left_nothing_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let router =
        service(folder.path(), &["--chain-svc", &peer.url("/"), "--chain-name", "next"]).await.router();
    // Of 5 ms all are kept back for the answer; whether it is saved before they are over is a matter of luck.
    let answer = within(&router, "5").await;
    if answer.status == 200 {
        assert_eq!(answer.json()["error"]["message"], "no time was left for next: nothing was sent");
        assert_eq!(answer.header("x-queued"), "1");
    } else {
        assert_eq!((answer.status.as_u16(), saved(&router).await), (504, 0));
    }
    assert_eq!(peer.count(), 0);
}
