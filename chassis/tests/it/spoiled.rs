//! Documents of which somebody has made by hand what is none of ours: they are set aside, and hold nobody up.

use crate::outbox::{at, backlog, claim, due, entry, keep, settle};
use crate::stores::{begin, mongo, sqlite};
use chassis::store::{Backlog, End, Entry, Inserted, Place, Saved, Store};
use mongodb::bson::{Document, doc};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use testkit::Mongod;
use uuid::Uuid;

/// What a shell of SQLite can put in place of a document: no JSON, JSON as bytes, and no UTF-8.
const SPOILS: [&str; 3] = ["'{'", "x'7b7d'", "CAST(x'7b22ff227d' AS TEXT)"];

fn file(folder: &Path) -> Connection {
    Connection::open(folder.join("parcels.sqlite")).expect("a file of ours")
}

fn spoil(file: &Connection, change: &str, key: Uuid) {
    let sql = format!("UPDATE {change} WHERE key = ?1");
    assert_eq!(file.execute(&sql, [key.to_string()]).expect("it is written"), 1);
}

async fn set_aside(store: &dyn Store, broken: Uuid) {
    let queued = store.queued(Some(Place::SetAside), 10, None).await.expect("the store is there");
    let [one] = &queued[..] else { panic!("it is there to be looked at: {queued:?}") };
    let error = one.error.as_ref().expect("why");
    assert_eq!((one.key, &error["code"]), (broken, &"EDOCUMENT".into()));
    let message = error["message"].as_str().expect("a text");
    assert!(message.starts_with("the document cannot be read: "), "{message}");
}

async fn shown(store: &dyn Store) -> Vec<Uuid> {
    let page = store.list(10, None).await.expect("a page");
    page.documents.iter().map(|one| one.key).collect()
}

#[tokio::test]
async fn in_sqlite_a_document_that_cannot_be_read_holds_nobody_up() {
    for spoiled in SPOILS {
        let folder = tempfile::tempdir().expect("a folder");
        let store = sqlite(folder.path());
        let (broken, whole) = (due(&*store, 1, 0).await, due(&*store, 2, 0).await);
        spoil(&file(folder.path()), &format!("documents SET document = {spoiled}"), broken);
        assert_eq!(claim(&*store, 0, 10).await, [whole], "{spoiled}");
        settle(&*store, whole, End::Taken(None)).await;
        set_aside(&*store, broken).await;
        assert_eq!(shown(&*store).await, [whole], "the others are shown");
        assert!(store.get(broken).await.is_err());
    }
}

#[tokio::test]
async fn in_sqlite_a_hand_over_that_cannot_be_read_holds_nobody_up() {
    for spoiled in ["hop = 'three'", "attempts = 'many'", "traceparent = x'00'"] {
        let folder = tempfile::tempdir().expect("a folder");
        let store = sqlite(folder.path());
        let (broken, whole) = (due(&*store, 1, 0).await, due(&*store, 2, 0).await);
        spoil(&file(folder.path()), &format!("handovers SET {spoiled}"), broken);
        assert_eq!(claim(&*store, 0, 10).await, [whole], "{spoiled}");
        settle(&*store, whole, End::Taken(None)).await;
        set_aside(&*store, broken).await;
        // Why, too, may be spoiled.
        spoil(&file(folder.path()), "handovers SET error = '{'", broken);
        let whole = due(&*store, 3, 0).await;
        let queued = store.queued(None, 10, None).await.expect("the store is there");
        assert_eq!(queued.iter().map(|one| one.key).collect::<Vec<_>>(), [whole]);
    }
}

/// Begins all at once: inserts that must fail, inserts that must not, and ends.
async fn one_fails_and_the_others_do_not(folder: &Path, store: &dyn Store, bad: impl Fn() -> Entry) {
    let mut waiting = Vec::new();
    for number in 0..8 {
        waiting.push(due(store, number, 0).await);
    }
    // While another holds the file, work gathers. Wherever the store's thread begins with it, some of each kind share a
    // transaction.
    let other = file(folder);
    other.execute_batch("BEGIN IMMEDIATE").expect("it is free");
    let mut inserts = Vec::new();
    for key in &waiting {
        for is_bad in [true, false] {
            let entry = if is_bad { bad() } else { entry(1, None, None) };
            let mut insert = store.insert(Arc::new(entry));
            begin(&mut insert);
            inserts.push((is_bad, insert));
        }
        settle(store, *key, End::Taken(None)).await;
    }
    other.execute_batch("ROLLBACK").expect("ours");
    for (is_bad, insert) in inserts {
        let inserted = insert.await;
        assert_eq!(inserted.is_err(), is_bad, "{inserted:?}");
        assert!(is_bad || inserted.is_ok_and(|inserted| inserted == Inserted::Kept));
    }
    assert_eq!(backlog(store, 0).await, Backlog::default(), "all ends were noted");
}

#[tokio::test]
async fn in_sqlite_a_known_request_that_cannot_be_read_fails_alone() {
    for spoiled in SPOILS {
        let folder = tempfile::tempdir().expect("a folder");
        let store = sqlite(folder.path());
        let first = entry(0, Some("a"), None);
        let broken = keep(&*store, &first).await;
        spoil(&file(folder.path()), &format!("documents SET document = {spoiled}"), broken);
        let again = || {
            let saved = Saved { key: Uuid::now_v7(), ..Saved::clone(&first.saved) };
            Entry { saved: Arc::new(saved), ..first.clone() }
        };
        one_fails_and_the_others_do_not(folder.path(), &*store, again).await;
    }
}

#[tokio::test]
async fn in_sqlite_an_insert_that_fails_leaves_nothing_and_takes_nothing_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = sqlite(folder.path());
    let there = entry(0, None, None);
    keep(&*store, &there).await;
    // Its request is written before its document, which is there already.
    let twice = || Entry { request: entry(0, Some("b"), None).request, ..there.clone() };
    one_fails_and_the_others_do_not(folder.path(), &*store, twice).await;
    let anew = entry(1, Some("b"), None);
    keep(&*store, &anew).await;
}

#[tokio::test]
async fn in_mongodb_a_document_that_cannot_be_read_holds_nobody_up() {
    let mongod = Mongod::start().await;
    let client = mongodb::Client::with_uri_str(mongod.url()).await.expect("a URL of ours");
    let spoils = [
        doc! { "$set": { "created_at": "yesterday" } },
        doc! { "$unset": { "created_at": "" } },
        doc! { "$set": { "_handover.hop": "three" } },
        doc! { "$set": { "_handover.attempts": -1 } },
    ];
    for (number, spoiled) in spoils.into_iter().enumerate() {
        let database = format!("spoiled-{number}");
        let store = mongo(&format!("{}/{database}", mongod.url())).await;
        let (broken, whole) = (due(&*store, 1, 0).await, due(&*store, 2, 0).await);
        let theirs = client.database(&database).collection::<Document>("parcels");
        let changed = theirs.update_one(doc! { "_id": broken.to_string() }, spoiled).await;
        assert_eq!(changed.expect("it is written").modified_count, 1);
        assert_eq!(claim(&*store, 0, 10).await, [whole]);
        settle(&*store, whole, End::Taken(None)).await;
        set_aside(&*store, broken).await;
        assert_eq!(backlog(&*store, 1_000).await, Backlog { waiting: 0, oldest: None, set_aside: 1 });
        // Mended, it is delivered like any other.
        let mend = doc! { "$set": { "created_at": mongodb::bson::DateTime::now(), "_handover.hop": 3_i64 } };
        theirs.update_one(doc! { "_id": broken.to_string() }, mend).await.expect("it is written");
        assert!(store.retry(broken, at(0)).await.expect("the store is there"));
        assert_eq!(claim(&*store, 0, 10).await, [broken]);
    }
}
