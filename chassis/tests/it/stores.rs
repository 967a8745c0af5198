//! One suite for both stores. What it asks of a store is all that the services rely on.

use chassis::settings::Secret;
use chassis::store::{Entry, MongoStore, Page, Pending, Saved, SqliteStore, Store};
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;
use testkit::{Mongod, Proxy, eventually};
use tokio::task::JoinSet;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(20);

fn saved(document: Value) -> Arc<Saved> {
    Arc::new(Saved::new(&document).expect("an object"))
}

fn entry(saved: &Saved) -> Arc<Entry> {
    Arc::new(saved.clone().into())
}

pub(crate) fn sqlite(folder: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(folder, "parcels").expect("a folder of ours"))
}

pub(crate) async fn mongo(url: &str) -> Arc<dyn Store> {
    Arc::new(MongoStore::new(&Secret::from(url.to_owned()), "parcels").await.expect("a URL of ours"))
}

#[tokio::test]
async fn sqlite_keeps_what_it_is_given() {
    let folder = tempfile::tempdir().expect("a folder");
    suite(sqlite(folder.path())).await;
}

#[tokio::test]
async fn mongodb_keeps_what_it_is_given() {
    let mongod = Mongod::start().await;
    suite(mongo(&mongod.url()).await).await;
}

async fn suite(store: Arc<dyn Store>) {
    store.ping().await.expect("it is there");
    gives_back_what_it_was_given(&*store).await;
    lists_newest_first(&*store).await;
    takes_many_at_once(&store).await;
    store.close().await.expect("it closes");
    assert!(store.ping().await.is_err(), "a closed store says so");
}

async fn gives_back_what_it_was_given(store: &dyn Store) {
    assert_eq!(store.list(100, None).await.expect("an empty page"), Page::default());
    assert_eq!(store.get(Uuid::nil()).await.expect("an answer"), None);
    let documents = [
        json!({}),
        json!({ "z": 1, "a": 2, "m": { "z": 1, "a": 2 } }),
        json!({ "null": null, "true": true, "text": "", "list": [1, [2, [3]], {}], "object": {} }),
        json!({ "numbers": [0, -1, i32::MAX, i64::from(i32::MAX) + 1, i64::MIN, i64::MAX, 0.1, -2.5, 1e300, 1.0, 31.245_270_191_439_438] }),
        json!({ "text": "🍀 \u{0} \u{1} \\ \" ' \n \u{202e}", "ключ": "名" }),
        // What MongoDB's extended JSON and query language would mean something by.
        json!({ "a": { "$oid": "0123456789ab0123456789ab" }, "b": { "$date": "2026-11-21T00:00:00Z" } }),
        json!({ "a": { "$numberLong": "1" }, "b": { "$gt": "" }, "c.d": 1, "$where": { "$ne": null }, "": 1 }),
    ];
    for document in documents {
        let one = saved(document);
        store.insert(entry(&one)).await.expect("it is kept");
        let found = store.get(one.key).await.expect("an answer").expect("it is there");
        assert_eq!(found, *one);
        let text = |saved: &Saved| serde_json::to_string(saved).expect("JSON");
        let (ours, theirs) = (text(&one), text(&found));
        assert_eq!(ours, theirs, "with the fields in their order");
    }
}

async fn lists_newest_first(store: &dyn Store) {
    let same_id: Vec<_> = (0..5).map(|number| saved(json!({ "id": "same", "number": number }))).collect();
    for one in &same_id {
        store.insert(entry(one)).await.expect("several documents may bear one id");
    }
    let keys = |page: &Page| page.documents.iter().map(|one| one.key).collect::<Vec<_>>();
    let newest = store.list(2, None).await.expect("a page");
    assert_eq!(keys(&newest), [same_id[4].key, same_id[3].key]);
    let before = store.list(2, Some(same_id[3].key)).await.expect("a page");
    assert_eq!(keys(&before), [same_id[2].key, same_id[1].key]);
    assert_eq!(before.documents[0].document["number"], 2);
}

async fn takes_many_at_once(store: &Arc<dyn Store>) {
    let mut inserts = JoinSet::new();
    for number in 0..500 {
        let store = Arc::clone(store);
        inserts.spawn(async move {
            let one = saved(json!({ "number": number }));
            store.insert(entry(&one)).await.expect("it is kept");
            let found = store.get(one.key).await.expect("an answer");
            assert_eq!(found.expect("acknowledged, so it is there").document["number"], number);
        });
    }
    while let Some(insert) = inserts.join_next().await {
        insert.expect("no panic");
    }
}

#[tokio::test]
async fn sqlite_survives_being_closed_and_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = saved(json!({ "id": "1" }));
    let store = sqlite(folder.path());
    store.insert(entry(&one)).await.expect("it is kept");
    store.close().await.expect("it closes");
    let again = sqlite(folder.path());
    assert_eq!(again.get(one.key).await.expect("an answer").as_ref(), Some(&*one));
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("ours")
        .map(|entry| entry.expect("ours").file_name())
        .collect();
    assert!(left.iter().any(|name| name == "parcels.sqlite"), "{left:?}");
}

#[tokio::test]
async fn sqlite_can_be_read_by_others_while_it_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other) = (sqlite(folder.path()), sqlite(folder.path()));
    for number in 0..20 {
        let document = saved(json!({ "number": number }));
        one.insert(entry(&document)).await.expect("it is kept");
        assert!(other.get(document.key).await.expect("an answer").is_some());
        other.insert(entry(&saved(json!({})))).await.expect("both may write");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").expect("ours");
    let error = SqliteStore::open(&file, "parcels").expect_err("a file is no folder").to_string();
    assert!(error.contains(&*file.to_string_lossy()), "{error}");

    let garbage = folder.path().join("parcels.sqlite");
    std::fs::write(&garbage, "no database at all, but long enough to look like one".repeat(100))
        .expect("ours");
    let error = SqliteStore::open(folder.path(), "parcels").expect_err("garbage is no database").to_string();
    assert!(error.contains("parcels.sqlite") && error.contains("not a database"), "{error}");
}

#[tokio::test]
async fn mongodb_keeps_documents_as_people_look_for_them() {
    let mongod = Mongod::start().await;
    let client = mongodb::Client::with_uri_str(mongod.url()).await.expect("a URL of ours");
    for (url, database) in [(mongod.url(), "retail"), (format!("{}/shop", mongod.url()), "shop")] {
        let one = saved(json!({ "id": "1", "inner": { "weight": 2.5 } }));
        mongo(&url).await.insert(entry(&one)).await.expect("it is kept");
        let found: Document = client
            .database(database)
            .collection("parcels")
            .find_one(doc! { "inner.weight": 2.5 })
            .await
            .expect("an answer")
            .expect("in the database that the URL names, else in retail");
        assert_eq!(found.get_str("_id").expect("a text"), one.key.to_string());
        assert_eq!(found.get_str("id").expect("a text"), "1");
        let time = found.get_datetime("created_at").expect("a time");
        assert_eq!(time.timestamp_millis(), one.created_at.as_millisecond());
    }
}

#[tokio::test]
async fn mongodb_passes_over_what_others_wrote() {
    let mongod = Mongod::start().await;
    let store = mongo(&mongod.url()).await;
    let client = mongodb::Client::with_uri_str(mongod.url()).await.expect("a URL of ours");
    let theirs = client.database("retail").collection::<Document>("parcels");
    theirs.insert_one(doc! { "id": "with an ObjectId" }).await.expect("it is kept");
    theirs
        .insert_one(doc! { "_id": "legacy-1", "id": "with a key of another form" })
        .await
        .expect("it is kept");
    let ours = saved(json!({ "id": "ours" }));
    store.insert(entry(&ours)).await.expect("it is kept");
    assert_eq!(store.list(10, None).await.expect("a page").documents, [(*ours).clone()]);
}

#[tokio::test]
async fn a_mongodb_url_that_cannot_be_used_is_told_without_its_password() {
    for url in [
        "nonsense",
        "http://user:hunter2@host",
        "mongodb://user:hunter2",
        "mongodb://user:hunter2/retail",
        "mongodb://user:hunter2@",
        "mongodb://user:hunter2@host:port",
        "mongodb://user:hunt@er2@host",
        "mongodb://host/?w=1&readConcernLevel=hunter2&noSuchOption=hunter2&journal=hunter2",
    ] {
        let refused = MongoStore::new(&Secret::from(url.to_owned()), "parcels").await;
        let error = refused.expect_err("this URL cannot be used");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("er2"), "{shown}");
        assert!(shown.contains("mongodb://user:password@host"), "{shown}");
    }
    assert_eq!(format!("{:?}", Secret::from("hunter2".to_owned())), "Secret(..)");
}

/// Asks for it, and waits for nothing.
pub(crate) fn begin<T>(pending: &mut Pending<'_, T>) {
    let polled = pending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "it takes a while");
}

/// Commands by which documents were inserted so far.
async fn insert_commands(mongod: &Mongod) -> i64 {
    let client = mongodb::Client::with_uri_str(mongod.url()).await.expect("a URL of ours");
    let status = client.database("admin").run_command(doc! { "serverStatus": 1 }).await.expect("an answer");
    let commands = status.get_document("metrics").and_then(|metrics| metrics.get_document("commands"));
    let insert = commands.and_then(|commands| commands.get_document("insert")).expect("a count");
    insert.get_i64("total").expect("a count")
}

#[tokio::test]
async fn mongodb_writes_together_what_gathers_and_answers_for_each() {
    let mongod = Mongod::start().await;
    let line = Proxy::start(mongod.addr()).await;
    let store = mongo(&format!("mongodb://{}", line.addr())).await;
    let there = saved(json!({ "number": "there already" }));
    store.insert(entry(&there)).await.expect("an idle store writes at once");
    let before = insert_commands(&mongod).await;

    line.freeze();
    let mut documents: Vec<_> = (0..100).map(|number| saved(json!({ "number": number }))).collect();
    documents[50] = Arc::new(Saved { key: there.key, ..(*documents[50]).clone() });
    let mut inserts: Vec<_> = documents.iter().map(|one| store.insert(entry(one))).collect();
    inserts.iter_mut().for_each(begin);
    line.mend();
    for (number, (insert, one)) in inserts.into_iter().zip(&documents).enumerate() {
        let (written, found) = (insert.await, store.get(one.key).await.expect("an answer"));
        if number == 50 {
            let error = written.expect_err("its key is there already").to_string();
            assert!(error.contains("duplicate key"), "{error}");
            assert_eq!(found.as_ref(), Some(&*there), "and what is there stays");
        } else {
            written.expect("nothing is wrong with this one");
            assert_eq!(found.as_ref(), Some(&**one));
        }
    }
    let commands = insert_commands(&mongod).await - before;
    assert!((1..=3).contains(&commands), "100 documents in {commands} commands");
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_done_by_mongodb() {
    let mongod = Mongod::start().await;
    let line = Proxy::start(mongod.addr()).await;
    let store = mongo(&format!("mongodb://{}", line.addr())).await;
    store.insert(entry(&saved(json!({})))).await.expect("it is kept");
    line.freeze();
    let (first, last) = (saved(json!({ "number": 0 })), saved(json!({ "number": 51 })));
    let mut under_way = store.insert(entry(&first));
    begin(&mut under_way);
    let forsaken: Vec<_> = (1..=50).map(|number| saved(json!({ "number": number }))).collect();
    for one in &forsaken {
        begin(&mut store.insert(entry(one)));
    }
    line.mend();
    under_way.await.expect("it is kept");
    store.insert(entry(&last)).await.expect("after all that was asked before");
    for one in forsaken {
        assert_eq!(store.get(one.key).await.expect("an answer"), None);
    }
    for one in [first, last] {
        assert!(store.get(one.key).await.expect("an answer").is_some());
    }
}

#[tokio::test]
async fn mongodb_tries_again_where_the_line_broke() {
    let mongod = Mongod::start().await;
    let line = Proxy::start(mongod.addr()).await;
    let store = mongo(&format!("mongodb://{}", line.addr())).await;
    for number in 0..10 {
        let one = saved(json!({ "number": number }));
        store.insert(entry(&one)).await.expect("the driver's connection was dead, but the server is there");
        assert_eq!(store.get(one.key).await.expect("an answer").as_ref(), Some(&*one));
        line.cut();
        line.mend();
    }
}

#[tokio::test]
async fn a_page_of_large_documents_is_shorter() {
    let folder = tempfile::tempdir().expect("a folder");
    let mongod = Mongod::start().await;
    for store in [sqlite(folder.path()), mongo(&mongod.url()).await] {
        for _ in 0..10 {
            store.insert(entry(&saved(json!({ "text": "x".repeat(200 * 1024) })))).await.expect("it is kept");
        }
        let first = store.list(100, None).await.expect("a page");
        assert_eq!((first.documents.len(), first.more), (3, true), "as soon as it holds more than 512 KiB");
        let before = Some(first.documents[2].key);
        assert_eq!(
            store.list(1, before).await.expect("a page").documents.len(),
            1,
            "and the next one follows"
        );
    }
}

#[tokio::test]
async fn sqlite_acknowledges_nothing_where_its_file_was_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = sqlite(folder.path());
    store.insert(entry(&saved(json!({})))).await.expect("it is kept");
    for entry in std::fs::read_dir(folder.path()).expect("ours") {
        std::fs::remove_file(entry.expect("ours").path()).expect("ours to remove");
    }
    let error =
        store.insert(entry(&saved(json!({})))).await.expect_err("nobody would find it again").to_string();
    assert!(error.contains("parcels.sqlite was removed while in use"), "{error}");
    assert!(store.ping().await.is_err(), "not ready");
}

#[tokio::test]
async fn sqlite_is_not_ready_while_another_holds_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = sqlite(folder.path());
    let other = rusqlite::Connection::open(folder.path().join("parcels.sqlite")).expect("a file of ours");
    let mode: String = other.query_row("PRAGMA journal_mode", [], |row| row.get(0)).expect("an answer");
    assert_eq!(mode, "wal");
    other.execute_batch("BEGIN IMMEDIATE").expect("it is free");
    assert!(store.ping().await.is_err());
    other.execute_batch("ROLLBACK").expect("ours");
    store.ping().await.expect("ready again");
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_done_by_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = sqlite(folder.path());
    let other = rusqlite::Connection::open(folder.path().join("parcels.sqlite")).expect("a file of ours");
    other.execute_batch("BEGIN IMMEDIATE").expect("it is free");
    // The first keeps the thread busy; the others wait in the queue, and are given up there.
    let busy = tokio::spawn({
        let (store, one) = (Arc::clone(&store), saved(json!({ "number": 0 })));
        async move { store.insert(entry(&one)).await }
    });
    eventually("the first is under way", LIMIT, async || {
        let mut probe = store.get(Uuid::nil());
        probe.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending().then_some(())
    })
    .await;
    let forsaken: Vec<_> = (1..20).map(|number| saved(json!({ "number": number }))).collect();
    for one in &forsaken {
        let mut insert = store.insert(entry(one));
        assert!(insert.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    other.execute_batch("ROLLBACK").expect("ours");
    let _ = busy.await.expect("no panic");
    store.ping().await.expect("after all that was asked before");
    for one in forsaken {
        assert_eq!(store.get(one.key).await.expect("an answer"), None);
    }
}

#[tokio::test]
async fn an_acknowledged_document_survives_the_death_of_the_server() {
    let mut mongod = Mongod::start().await;
    let store = mongo(&mongod.url()).await;
    let mut acknowledged = Vec::new();
    for number in 0..50 {
        let one = saved(json!({ "number": number }));
        store.insert(entry(&one)).await.expect("it is kept");
        acknowledged.push(one);
    }
    mongod.kill().await;
    mongod.restart().await;
    for one in acknowledged {
        let found =
            eventually("the driver finds the server again", LIMIT, async || store.get(one.key).await.ok());
        assert!(found.await.is_some(), "acknowledged, so it is there");
    }
}
