//! How hand-overs ended: noted late, in any number and size, and told of where that could not be.

use crate::metrics::series;
use crate::outbox::{again, at, backlog, due, entry, keep, settle};
use crate::parcel::{NESTED, Parcel, settings};
use crate::queue::{ask, create, delivered, drained, parcels, queue};
use crate::running::{Running, client};
use crate::stores::{mongo, sqlite};
use chassis::Service;
use chassis::store::{Backlog, End, Standing, Store};
use futures_util::future::join_all;
use mongodb::bson::{DateTime, Document, doc};
use serde_json::json;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;
use testkit::{Behaviour, Mongod, Peer, Proxy, eventually};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(20);

async fn front(url: &str, database: &str) -> Running {
    let flags = ["--chain-svc", url, "--mongo-url", database];
    Running::of(Service::new::<Parcel>(&settings(&flags)).await.expect("these settings are right")).await
}

/// Waits until the metrics tell of ends that were not noted.
async fn told_of_one(front: &Running) {
    let failed = r#"store_operation_duration_seconds_count{operation="settle",outcome="failed"}"#;
    eventually("it is told that an end was not noted", LIMIT, async || {
        let answer = client().get(front.url("/metrics")).send().await.expect("an answer");
        let told = series(&answer.text().await.expect("a text"))[failed];
        assert!(told <= 1.0, "{told} of one");
        (told == 1.0).then_some(())
    })
    .await;
}

async fn collection(mongod: &Mongod) -> mongodb::Collection<Document> {
    let client = mongodb::Client::with_uri_str(mongod.url()).await.expect("a URL of ours");
    client.database("retail").collection("parcels")
}

/// As when the time is over that the request had for it.
async fn make_due(mongod: &Mongod) {
    let past = doc! { "$set": { "_handover.due": DateTime::from_millis(0) } };
    let waiting = doc! { "_handover": { "$exists": true } };
    let changed = collection(mongod).await.update_many(waiting, past).await.expect("it is written");
    assert_eq!(changed.modified_count, 1);
}

#[tokio::test]
async fn what_an_open_circuit_will_refuse_is_queued_in_the_same_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(502, "{}")).await;
    let url = peer.url("/");
    let front = Running::start(folder.path(), &["--chain-name", "next", "--chain-svc", &url]).await;
    let settled = async || {
        let text = client().get(front.url("/metrics")).send().await.expect("an answer").text().await;
        let done = r#"store_operation_duration_seconds_count{operation="settle",outcome="done"}"#;
        series(&text.expect("a text"))[done]
    };
    assert_eq!(create(&front, NESTED).await["error"]["status"], 502, "it opens the circuit");
    assert_eq!(settled().await, 1.0);
    let refused = create(&front, NESTED).await;
    assert_eq!((&refused["queued"], &refused["error"]["code"]), (&true.into(), &"EOPENBREAKER".into()));
    let listed = queue(&front).await;
    let second = &listed["queue"][1];
    assert_eq!((&second["key"], &second["attempts"]), (&refused["data"]["key"], &1.into()));
    assert_eq!((&second["state"], &second["error"]["code"]), (&"waiting".into(), &"EOPENBREAKER".into()));
    assert_eq!((settled().await, &listed["waiting"]), (1.0, &2.into()), "it took no second write");

    peer.set(Behaviour::json(200, "{}"));
    let closed = client().put(front.url("/circuit")).json(&json!({ "mode": "closed" })).send();
    assert!(closed.await.expect("an answer").status().is_success());
    drained(&front).await;
    assert_eq!(delivered(&front).await, 2);
    front.stopped().await;
}

#[tokio::test]
async fn an_end_that_was_lost_with_the_line_is_found_out_again() {
    let (mongod, folder) = (Mongod::start().await, tempfile::tempdir().expect("a folder"));
    let next = Running::start(folder.path(), &[]).await;
    let (line, hop) = (Proxy::start(mongod.addr()).await, Proxy::start(next.address).await);
    let front = front(&format!("http://{}/create", hop.addr()), &format!("mongodb://{}", line.addr())).await;
    hop.freeze();
    let (answer, ()) = tokio::join!(create(&front, NESTED), async {
        eventually("it is saved, and on its way", LIMIT, async || (hop.connections() > 0).then_some(()))
            .await;
        line.cut();
        hop.mend();
    });
    assert!(answer["data"]["response"].is_object(), "the next one has answered: {answer}");
    told_of_one(&front).await;
    line.mend();
    eventually("it is not over", LIMIT, async || {
        (queue(&front).await["queue"][0]["key"] == answer["data"]["key"]).then_some(())
    })
    .await;
    make_due(&mongod).await;
    drained(&front).await;
    assert_eq!(delivered(&front).await, 1, "it is handed on once more");
    assert_eq!((parcels(&front).await, parcels(&next).await), (1, 1), "and was taken once");
    front.stopped().await;
    next.stopped().await;
}

#[tokio::test]
async fn an_end_that_the_server_refuses_is_told_of() {
    let mongod = Mongod::start().await;
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let database = collection(&mongod).await.client().database("retail");
    // Somebody's rule, which every document keeps until its hand-over is over.
    let rule = doc! { "create": "parcels", "validator": { "_handover": { "$exists": true } } };
    database.run_command(rule).await.expect("there is none yet");
    let front = front(&peer.url("/"), &mongod.url()).await;
    create(&front, NESTED).await;
    told_of_one(&front).await;
    database.run_command(doc! { "collMod": "parcels", "validator": {} }).await.expect("no rule any more");
    make_due(&mongod).await;
    drained(&front).await;
    let keys: Vec<_> =
        peer.requests().iter().map(|one| one.header("idempotency-key").map(str::to_owned)).collect();
    assert!(keys.len() == 2 && keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
    assert_eq!(ask(&front.url("/queue")).await["set_aside"], 0);
    front.stopped().await;
}

#[tokio::test]
async fn sqlite_tells_how_many_ends_it_could_not_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = sqlite(folder.path());
    let key = due(&*store, 1, 0).await;
    std::fs::remove_file(folder.path().join("parcels.sqlite")).expect("ours to remove");
    assert_eq!(store.unnoted(), 0);
    settle(&*store, key, End::Taken(None)).await;
    let _ = store.ping().await;
    assert_eq!(store.unnoted(), 1);
}

/// More than are written at once, and more than may wait.
async fn more_ends_than_one_batch_holds(store: &dyn Store, line: Option<&Proxy>) {
    let mut keys = Vec::new();
    for some in 0..3 {
        keys.extend(join_all((0..500).map(|number| due(store, 500 * some + number, 0))).await);
    }
    assert_eq!(
        backlog(store, 0).await,
        Backlog { waiting: 1_500, oldest: keys.iter().min().copied(), set_aside: 0 }
    );
    let settles = keys.iter().map(|key| settle(store, *key, End::Taken(None)));
    let mut settled = Box::pin(join_all(settles));
    if let Some(line) = line {
        // They gather, and the last of them wait for a place.
        line.freeze();
        assert!(settled.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        line.mend();
    }
    settled.await;
    assert_eq!((backlog(store, 0).await, store.unnoted()), (Backlog::default(), 0));
}

/// Each is larger than all that may be gathered, and together they are more than a server takes.
async fn large_ones_go_one_by_one(store: &dyn Store) {
    let large = || "x".repeat(9 * 1024 * 1024);
    let (mut entries, mut inserts) = (Vec::new(), Vec::new());
    for number in 0..6 {
        let mut one = entry(number, Some(&format!("key {number}")), None);
        Arc::make_mut(&mut one.saved).document.insert("text".to_owned(), large().into());
        entries.push(one);
    }
    inserts.extend(entries.iter().map(|one| keep(store, one)));
    for (key, one) in join_all(inserts).await.into_iter().zip(&entries) {
        assert!(
            store.get(key).await.expect("an answer").as_ref() == Some(&*one.saved),
            "it is there, and whole"
        );
    }
    let end = json!({ "answer": large() });
    let mut small = Vec::new();
    for number in 10..16 {
        small.push(entry(number, Some(&format!("key {number}")), Some(at(0))));
    }
    for one in &small {
        keep(store, one).await;
    }
    let settles = small.iter().map(|one| settle(store, one.saved.key, End::Taken(Some(end.to_string()))));
    timeout(LIMIT, join_all(settles)).await.expect("each gets its turn");
    for one in &small {
        assert!(again(store, one, 1).await.standing == Standing::Over(end.clone()), "it is there, and whole");
    }
    assert_eq!((backlog(store, 0).await, store.unnoted()), (Backlog::default(), 0));
}

#[tokio::test]
async fn sqlite_notes_ends_in_any_number_and_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = sqlite(folder.path());
    more_ends_than_one_batch_holds(&*store, None).await;
    large_ones_go_one_by_one(&*store).await;
}

#[tokio::test]
async fn mongodb_notes_ends_in_any_number_and_size() {
    let mongod = Mongod::start().await;
    let line = Proxy::start(mongod.addr()).await;
    let store = mongo(&format!("mongodb://{}", line.addr())).await;
    more_ends_than_one_batch_holds(&*store, Some(&line)).await;
    large_ones_go_one_by_one(&*store).await;
}
