//! The same request under the same key is taken once, and answered by what is true of it by then.

use crate::parcel::{Answer, PARCEL, Parcel, get, post, post_with, service, settings, timeless};
use axum::Router;
use chassis::Service;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use testkit::{Behaviour, Mongod, Peer, eventually};

const LIMIT: Duration = Duration::from_secs(20);
const KEY: (&str, &str) = ("idempotency-key", "\"order 1\"");

async fn keyed(router: &Router, body: &'static str) -> Answer {
    post_with(router, "/create", body, &[KEY]).await
}

async fn count(router: &Router) -> usize {
    get(router, "/parcels?limit=100").await.json()["parcels"].as_array().expect("a page").len()
}

fn shown(answer: &Answer) -> (u16, String, &str) {
    (answer.status.as_u16(), timeless(&answer.text), answer.header("x-degraded"))
}

#[tokio::test]
async fn a_repeated_request_is_answered_and_not_taken_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(200, r#"{"location":"somewhere","data":1.0}"#)).await;
    let router = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
    let first = keyed(&router, PARCEL).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (200, ""));
    assert_eq!(first.json()["data"]["response"]["data"], 1.0);
    for key in ["\"order 1\"", "  \"order 1\""] {
        let again = post_with(&router, "/create", PARCEL, &[("idempotency-key", key)]).await;
        assert_eq!(shown(&again), shown(&first));
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
    let spaced = PARCEL.replace(',', " , ");
    let again = post_with(&router, "/create", spaced, &[KEY]).await;
    assert_eq!(shown(&again), shown(&first), "the document is the same");
    assert_eq!((count(&router).await, peer.count()), (1, 1));

    let other = post_with(&router, "/create", PARCEL, &[("idempotency-key", "another-one")]).await;
    assert_ne!(other.json()["data"]["key"], first.json()["data"]["key"]);
    post(&router, "/create", PARCEL).await;
    post(&router, "/create", PARCEL).await;
    assert_eq!(count(&router).await, 4, "without a key each is one of its own");
}

#[tokio::test]
async fn a_repeated_request_is_known_at_every_end_of_the_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    for path in ["/create?count=0", "/create?count=9"] {
        let key = [("idempotency-key", path)];
        let first = post_with(&router, path, PARCEL, &key).await;
        let again = post_with(&router, path, PARCEL, &key).await;
        assert_eq!(shown(&again), shown(&first), "{path}");
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
    assert_eq!(count(&router).await, 2);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    keyed(&router, PARCEL).await;
    let other_body = keyed(&router, r#"{"id":"1","weight":2.5,"labels":[],"inner":{"b":1,"a":3}}"#).await;
    let other_count = post_with(&router, "/create?count=1", PARCEL, &[KEY]).await;
    for refused in [other_body, other_count] {
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert_eq!(refused.header("content-type"), "application/problem+json");
        assert!(refused.json()["detail"].as_str().expect("a text").contains("take a new one"));
    }
    assert_eq!(count(&router).await, 1);
}

#[tokio::test]
async fn a_key_that_cannot_be_read_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    for keys in [&["\"open"][..], &["a b"], &["\"\""], &["a", "b"]] {
        let headers: Vec<_> = keys.iter().map(|key| ("idempotency-key", *key)).collect();
        let refused = post_with(&router, "/create", PARCEL, &headers).await;
        assert_eq!(refused.status, 400, "{keys:?}");
        assert!(refused.json()["detail"].as_str().expect("a text").starts_with("Idempotency-Key "));
    }
    assert_eq!(count(&router).await, 0);
}

#[tokio::test]
async fn a_request_that_is_under_way_is_not_taken_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::Hang).await;
    let router = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
    let first = tokio::spawn({
        let router = router.clone();
        async move { keyed(&router, PARCEL).await }
    });
    eventually("the first is under way", LIMIT, async || (peer.count() == 1).then_some(())).await;
    let refused = keyed(&router, PARCEL).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (409, "1"));
    assert_eq!(refused.header("content-type"), "application/problem+json");
    // Another instance on the same data: it knows by the record.
    let elsewhere = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
    assert_eq!(keyed(&elsewhere, PARCEL).await.status, 409);
    first.abort();
    assert_eq!((count(&router).await, peer.count()), (1, 1));
}

#[tokio::test]
async fn keys_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let mongod = Mongod::start().await;
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let url = peer.url("/");
    let on = async |flags: &[&str]| {
        let mut settings = settings(&[flags, &["--chain-svc", &url]].concat());
        settings.storage.data_dir = folder.path().to_owned();
        Service::new::<Parcel>(&settings).await.expect("these settings are right").router()
    };
    for flags in [&[][..], &["--mongo-url", &mongod.url()]] {
        let first = keyed(&on(flags).await, PARCEL).await;
        // What became of the hand-over is noted a moment later; nobody but the first one could know before.
        let later = on(flags).await;
        let again = eventually("it is noted", LIMIT, async || {
            let again = keyed(&later, PARCEL).await;
            (again.status != 409).then_some(again)
        });
        let again = again.await;
        assert_eq!(shown(&again), shown(&first));
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
    assert_eq!(peer.count(), 2);
}

#[tokio::test]
async fn what_is_answered_is_true_at_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(500, r#"{"sorry":true}"#)).await;
    let flags = ["--chain-svc", &peer.url("/"), "--chain-name", "next"];
    let router = service(folder.path(), &flags).await.router();
    let first = keyed(&router, PARCEL).await;
    let again = keyed(&router, PARCEL).await;
    assert_eq!(shown(&again), shown(&first), "it still waits");
    assert_eq!((&again.json()["queued"], again.header("x-queued")), (&true.into(), "1"));
    assert_eq!(again.json()["error"]["response"]["sorry"], true);

    // The next one finds fault with it; that stays so.
    peer.set(Behaviour::json(422, r#"{"field":"weight"}"#));
    let other = fresh(&folder.path().join("other"), &flags).await;
    let refused = keyed(&other, PARCEL).await;
    let again = keyed(&other, PARCEL).await;
    assert_eq!(shown(&again), shown(&refused));
    assert_eq!(again.json()["error"]["response"]["field"], "weight");
    assert_eq!((again.json().get("queued"), again.header("x-queued")), (None, ""));
    assert_eq!(again.header("idempotency-replayed"), "true");
}

async fn fresh(folder: &Path, flags: &[&str]) -> Router {
    service(folder, flags).await.router()
}

#[tokio::test]
async fn without_a_queue_a_repeated_request_tries_the_rest_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(500, "{}")).await;
    let flags = ["--chain-svc", &peer.url("/"), "--fallback", "none", "--breaker-error-threshold", "100"];
    let router = service(folder.path(), &flags).await.router();
    let first = keyed(&router, PARCEL).await;
    assert_eq!((&first.json()["error"]["code"], first.json().get("queued")), (&"EUPSTREAM".into(), None));
    peer.set(Behaviour::json(200, r#"{"at":"last"}"#));
    let again = keyed(&router, PARCEL).await;
    assert_eq!(again.json()["data"]["response"]["at"], "last");
    assert_eq!(again.json()["data"]["key"], first.json()["data"]["key"]);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(count(&router).await, 1);
    let keys: Vec<_> = peer.requests().iter().map(key_of).collect();
    assert_eq!(keys[0], keys[1], "the next one knows it, too");
}

fn key_of(request: &testkit::Request) -> String {
    request.header("idempotency-key").expect("each hand-over has a key").to_owned()
}

#[tokio::test]
async fn each_document_is_handed_on_under_a_key_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let router = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
    for _ in 0..3 {
        post(&router, "/create", PARCEL).await;
    }
    let mut keys: Vec<_> = peer.requests().iter().map(key_of).collect();
    keys.dedup();
    assert_eq!(keys.len(), 3);
    for key in keys {
        let text: Value = serde_json::from_str(&key).expect("a quoted string");
        text.as_str().expect("a text").parse::<uuid::Uuid>().expect("a UUID");
    }
}

#[tokio::test]
async fn a_store_that_is_away_leaves_the_key_free() {
    let mut mongod = Mongod::start().await;
    let settings = settings(&["--mongo-url", &mongod.url()]);
    let router = Service::new::<Parcel>(&settings).await.expect("a URL of ours").router();
    mongod.kill().await;
    assert_eq!(keyed(&router, PARCEL).await.status, 503);
    mongod.restart().await;
    let taken = eventually("the store is back", LIMIT, async || {
        let answer = keyed(&router, PARCEL).await;
        (answer.status == 200).then_some(answer)
    });
    assert_eq!(taken.await.header("idempotency-replayed"), "");
    assert_eq!(count(&router).await, 1);
}

#[tokio::test]
async fn a_fault_that_was_injected_is_no_answer_to_keep() {
    let folder = tempfile::tempdir().expect("a folder");
    let faulty = service(folder.path(), &["--inject-err", "--inject-err-percent", "100"]).await.router();
    assert_eq!(keyed(&faulty, PARCEL).await.status, 502);
    assert_eq!(keyed(&faulty, PARCEL).await.status, 502, "faults strike repetitions, too");
    let mended = service(folder.path(), &[]).await.router();
    let answer = keyed(&mended, PARCEL).await;
    assert_eq!((answer.status.as_u16(), answer.header("idempotency-replayed")), (200, "true"));
    assert_eq!(count(&mended).await, 1, "it was saved the first time");
}
