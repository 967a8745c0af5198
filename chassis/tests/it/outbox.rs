//! One suite for both stores: what is to be handed on, and the keys of requests.

use crate::stores::{mongo, sqlite};
use chassis::store::{
    Backlog, End, Entry, HandOver, Inserted, Known, Place, RequestKey, Saved, Standing, Store, StoredTrace,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use testkit::Mongod;
use tokio::task::JoinSet;
use uuid::Uuid;

#[tokio::test]
async fn sqlite_keeps_what_is_to_be_handed_on() {
    let folder = tempfile::tempdir().expect("a folder");
    suite(async || {
        let name = tempfile::tempdir_in(folder.path()).expect("a folder").keep();
        (sqlite(&name), sqlite(&name))
    })
    .await;
}

#[tokio::test]
async fn mongodb_keeps_what_is_to_be_handed_on() {
    let mongod = Mongod::start().await;
    suite(async || {
        let url = format!("{}/{}", mongod.url(), Uuid::now_v7().simple());
        (mongo(&url).await, mongo(&url).await)
    })
    .await;
}

/// Each part on a fresh store, through two doors to it.
async fn suite(mut fresh: impl AsyncFnMut() -> (Arc<dyn Store>, Arc<dyn Store>)) {
    let (store, other) = fresh().await;
    the_oldest_that_are_due_are_claimed_once(&*store, &*other).await;
    let (store, other) = fresh().await;
    a_claim_that_has_run_out_is_taken_over(&*store, &*other).await;
    let (store, other) = fresh().await;
    many_who_claim_at_once_share(store, other).await;
    let (store, _) = fresh().await;
    what_failed_waits_and_what_was_refused_is_set_aside(&*store).await;
    let (store, other) = fresh().await;
    a_hand_over_keeps_its_trace(&*store, &*other).await;
    let (store, _) = fresh().await;
    what_is_done_by_hand(&*store).await;
    let (store, other) = fresh().await;
    a_key_is_taken_once(store, other).await;
    let (store, _) = fresh().await;
    a_known_request_tells_how_far_it_has_come(&*store).await;
    let (store, _) = fresh().await;
    a_key_is_forgotten_in_time(&*store).await;
}

const NONE: [Uuid; 0] = [];

/// A time so many seconds after the one at which this suite takes place.
pub(crate) fn at(seconds: i64) -> Timestamp {
    "2026-11-25T12:00:00Z".parse::<Timestamp>().expect("a time") + SignedDuration::from_secs(seconds)
}

pub(crate) fn entry(number: u32, key: Option<&str>, due: Option<Timestamp>) -> Entry {
    let mut saved = Saved::new(&json!({ "id": "1", "number": number })).expect("an object");
    saved.created_at = at(0);
    let request = key.map(|key| RequestKey { key: key.to_owned(), expires_at: at(3_600) });
    let hand_over = due.map(|due| HandOver { due, foreseen: None, trace: None });
    Entry { saved: Arc::new(saved), hop: 3, request, hand_over }
}

pub(crate) async fn keep(store: &dyn Store, entry: &Entry) -> Uuid {
    let inserted = store.insert(Arc::new(entry.clone())).await.expect("the store is there");
    assert_eq!(inserted, Inserted::Kept);
    entry.saved.key
}

pub(crate) async fn due(store: &dyn Store, number: u32, seconds: i64) -> Uuid {
    keep(store, &entry(number, None, Some(at(seconds)))).await
}

pub(crate) async fn claim(store: &dyn Store, now: i64, limit: u32) -> Vec<Uuid> {
    let claimed = store.claim(at(now), at(now + 5), limit).await.expect("the store is there");
    claimed.into_iter().map(|one| one.saved.key).collect()
}

pub(crate) async fn backlog(store: &dyn Store, now: i64) -> Backlog {
    store.backlog(at(now)).await.expect("the store is there")
}

/// Seen by who asks the same store after it.
pub(crate) async fn settle(store: &dyn Store, key: Uuid, end: End) {
    store.settle(key, end).await.expect("the store is there");
}

/// Seen by who asks another one, too.
async fn settle_for_all(store: &dyn Store, key: Uuid, end: End) {
    settle(store, key, end).await;
    backlog(store, 0).await;
}

fn missed(attempts: u32, due: i64) -> End {
    End::Missed { attempts, due: at(due), error: json!({ "code": "ECONNECT" }) }
}

pub(crate) async fn again(store: &dyn Store, entry: &Entry, body: u32) -> Known {
    let mut repeated = entry.clone();
    let mut saved = Saved::new(&json!({ "id": "1", "number": body })).expect("an object");
    saved.created_at = at(60);
    repeated.saved = Arc::new(saved);
    match store.insert(Arc::new(repeated)).await.expect("the store is there") {
        Inserted::Known(known) => *known,
        Inserted::Kept => panic!("it was kept a second time"),
    }
}

async fn the_oldest_that_are_due_are_claimed_once(store: &dyn Store, other: &dyn Store) {
    assert_eq!(claim(store, 1_000, 10).await, NONE);
    assert_eq!(backlog(store, 1_000).await, Backlog::default());
    keep(store, &entry(0, None, None)).await;
    let mut keys = Vec::new();
    for number in 1..=5 {
        keys.push(due(store, number, 10).await);
    }
    let later = due(store, 6, 100).await;
    assert_eq!(claim(store, 9, 10).await, NONE, "their own requests hold them");
    assert_eq!(backlog(store, 9).await.waiting, 0, "which is no waiting");
    assert_eq!(backlog(store, 10).await, Backlog { waiting: 5, oldest: Some(keys[0]), set_aside: 0 });

    let first = store.claim(at(10), at(15), 2).await.expect("the store is there");
    assert_eq!(first.iter().map(|one| one.saved.key).collect::<Vec<_>>(), keys[..2]);
    let one = &first[0];
    assert_eq!((one.hop, one.attempts, one.keyed), (3, 0, false));
    assert_eq!(Value::Object(one.saved.document.clone()), json!({ "id": "1", "number": 1 }));
    assert_eq!(
        store.get(keys[0]).await.expect("an answer").as_ref(),
        Some(&one.saved),
        "and nothing of ours"
    );
    assert_eq!(claim(other, 10, 10).await, keys[2..], "not those that another has");
    assert_eq!(claim(other, 10, 10).await, NONE);

    for key in &keys {
        settle_for_all(store, *key, End::Taken(None)).await;
    }
    assert_eq!(claim(other, 50, 10).await, NONE, "what was taken is gone");
    assert_eq!(claim(other, 100, 10).await, [later]);
    settle_for_all(other, later, End::Taken(None)).await;
    assert_eq!(backlog(store, 1_000).await, Backlog::default());
    assert_eq!(store.list(100, None).await.expect("a page").documents.len(), 7, "the documents stay");
}

async fn a_hand_over_keeps_its_trace(store: &dyn Store, other: &dyn Store) {
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned();
    let trace = StoredTrace { traceparent, tracestate: "retail=watch,other=1".to_owned() };
    let hand_over = HandOver { due: at(0), foreseen: None, trace: Some(trace.clone()) };
    let with = Entry { hand_over: Some(hand_over), ..entry(1, None, None) };
    let (with, without) = (keep(store, &with).await, due(store, 2, 0).await);
    // After a failure, too.
    for now in [0, 10] {
        let claimed = other.claim(at(now), at(now + 5), 10).await.expect("the store is there");
        let traces: Vec<_> = claimed.into_iter().map(|one| (one.saved.key, one.trace)).collect();
        assert_eq!(traces, [(with, Some(trace.clone())), (without, None)]);
        settle(other, with, missed(1, 10)).await;
    }
    assert!(
        !store.get(with).await.expect("an answer").expect("a document").document.contains_key("_handover")
    );
}

async fn a_claim_that_has_run_out_is_taken_over(store: &dyn Store, other: &dyn Store) {
    let key = due(store, 1, 0).await;
    assert_eq!(claim(store, 0, 1).await, [key]);
    assert_eq!(claim(other, 4, 1).await, NONE);
    assert_eq!(claim(other, 5, 1).await, [key], "whoever had it has died");
    // Or has not: then it is late, and does no harm.
    settle_for_all(other, key, End::Taken(None)).await;
    settle_for_all(store, key, missed(1, 6)).await;
    settle_for_all(store, key, End::Refused { attempts: 1, error: json!({}) }).await;
    assert_eq!(claim(store, 100, 1).await, NONE);
    assert_eq!(backlog(store, 100).await, Backlog::default());
}

async fn many_who_claim_at_once_share(store: Arc<dyn Store>, other: Arc<dyn Store>) {
    let mut keys = HashSet::new();
    for number in 0..60 {
        keys.insert(due(&*store, number, 0).await);
    }
    let mut claims = JoinSet::new();
    for number in 0..20 {
        let store = Arc::clone(if number % 2 == 0 { &store } else { &other });
        claims.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let some = claim(&*store, 0, 4).await;
                if some.is_empty() {
                    return mine;
                }
                mine.extend(some);
            }
        });
    }
    let mut claimed = Vec::new();
    while let Some(mine) = claims.join_next().await {
        claimed.extend(mine.expect("no panic"));
    }
    assert_eq!(claimed.len(), 60, "none twice");
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>(), keys, "and none forgotten");
}

async fn what_failed_waits_and_what_was_refused_is_set_aside(store: &dyn Store) {
    let (failed, refused, fresh) = (due(store, 1, 5).await, due(store, 2, 5).await, due(store, 3, 5).await);
    let error = json!({ "code": "EUPSTREAM", "status": 422, "response": { "$gt": "", "field": "amount" } });
    settle(store, failed, missed(1, 20)).await;
    settle(store, refused, End::Refused { attempts: 1, error: error.clone() }).await;
    assert_eq!(backlog(store, 0).await, Backlog { waiting: 1, oldest: Some(failed), set_aside: 1 });

    let all = store.queued(None, 10, None).await.expect("an answer");
    assert_eq!(all.iter().map(|one| one.key).collect::<Vec<_>>(), [failed, refused, fresh]);
    assert_eq!(all.iter().map(|one| one.attempts).collect::<Vec<_>>(), [1, 1, 0]);
    assert_eq!((all[0].place, all[0].due), (Place::Waiting, at(20)));
    assert_eq!(all[0].error, Some(json!({ "code": "ECONNECT" })));
    assert_eq!((all[1].place, &all[1].error), (Place::SetAside, &Some(error)));
    assert_eq!(all[2].error, None);
    for (which, limit, after, keys) in [
        (None, 2, None, vec![failed, refused]),
        (None, 2, Some(refused), vec![fresh]),
        (Some(Place::Waiting), 10, None, vec![failed, fresh]),
        (Some(Place::Waiting), 10, Some(failed), vec![fresh]),
        (Some(Place::SetAside), 10, None, vec![refused]),
        (Some(Place::SetAside), 10, Some(refused), vec![]),
    ] {
        let some = store.queued(which, limit, after).await.expect("an answer");
        assert_eq!(some.iter().map(|one| one.key).collect::<Vec<_>>(), keys, "{which:?} {after:?}");
    }

    assert_eq!(claim(store, 19, 10).await, [fresh]);
    assert_eq!(claim(store, 1_000, 10).await, [failed, fresh], "never what was set aside");
}

async fn what_is_done_by_hand(store: &dyn Store) {
    let (one, other) = (due(store, 1, 5).await, entry(2, Some("a"), Some(at(5))));
    let keyed = keep(store, &other).await;
    for key in [one, keyed] {
        settle(store, key, End::Refused { attempts: 1, error: json!({ "code": "EUPSTREAM" }) }).await;
    }
    assert_eq!(claim(store, 100, 10).await, NONE);
    assert!(store.retry(one, at(100)).await.expect("an answer"));
    assert_eq!(claim(store, 100, 10).await, [one]);
    assert!(store.discard(one, String::new()).await.expect("an answer"));
    let dropped = json!({ "error": { "code": "EDROPPED" } });
    assert!(store.discard(keyed, dropped.to_string()).await.expect("an answer"));
    assert_eq!(again(store, &other, 2).await.standing, Standing::Over(dropped));
    assert_eq!(backlog(store, 1_000).await, Backlog::default());
    for key in [one, keyed, Uuid::nil()] {
        assert!(!store.retry(key, at(100)).await.expect("an answer"), "there is none any more");
        assert!(!store.discard(key, String::new()).await.expect("an answer"));
    }
    assert!(store.get(one).await.expect("an answer").is_some(), "the document stays");
}

async fn a_key_is_taken_once(store: Arc<dyn Store>, other: Arc<dyn Store>) {
    let mut inserts = JoinSet::new();
    for number in 0..40 {
        let store = Arc::clone(if number % 2 == 0 { &store } else { &other });
        let entry = entry(number, Some(&format!("key {}", number / 8)), Some(at(10)));
        inserts.spawn(async move {
            let inserted = store.insert(Arc::new(entry.clone())).await.expect("the store is there");
            match inserted {
                Inserted::Kept => (true, entry.saved.key),
                Inserted::Known(known) => (false, known.saved.key),
            }
        });
    }
    let mut answers = Vec::new();
    while let Some(answer) = inserts.join_next().await {
        answers.push(answer.expect("no panic"));
    }
    let kept: HashSet<_> = answers.iter().filter(|(kept, _)| *kept).map(|(_, key)| *key).collect();
    let told: HashSet<_> = answers.iter().map(|(_, key)| *key).collect();
    assert_eq!(kept.len(), 5);
    assert_eq!(told, kept, "the others are told of those that were kept");
    assert_eq!(store.list(100, None).await.expect("a page").documents.len(), 5);
    assert_eq!(claim(&*store, 10, 100).await.len(), 5);
}

async fn a_known_request_tells_how_far_it_has_come(store: &dyn Store) {
    let first = entry(1, Some("a \"quoted\" $key"), Some(at(10)));
    let key = keep(store, &first).await;
    let known = again(store, &first, 2).await;
    assert_eq!((&known.saved, known.hop), (&*first.saved, 3), "as it was at first");
    assert_eq!(known.standing, Standing::Waiting { attempts: 0, due: at(10), error: None });
    assert!(store.claim(at(10), at(15), 1).await.expect("an answer")[0].keyed);

    settle(store, key, missed(1, 20)).await;
    let error = Some(json!({ "code": "ECONNECT" }));
    assert_eq!(again(store, &first, 1).await.standing, Standing::Waiting { attempts: 1, due: at(20), error });
    settle(store, key, End::Refused { attempts: 2, error: json!({ "status": 422 }) }).await;
    assert_eq!(again(store, &first, 1).await.standing, Standing::SetAside(json!({ "status": 422 })));
    let answer = json!({ "answer": { "body": { "$set": 1, "a.b": [null, 1.0, "🍀"] } } });
    settle(store, key, End::Taken(Some(answer.to_string()))).await;
    assert_eq!(again(store, &first, 1).await.standing, Standing::Over(answer));

    let mut refused = entry(2, Some("an open circuit"), Some(at(10)));
    let error = json!({ "code": "EOPENBREAKER" });
    refused.hand_over = refused.hand_over.map(|it| HandOver { foreseen: Some(error.clone()), ..it });
    let key = keep(store, &refused).await;
    let waiting = Standing::Waiting { attempts: 1, due: at(10), error: Some(error) };
    assert_eq!(again(store, &refused, 2).await.standing, waiting);
    assert_eq!(backlog(store, 0).await, Backlog { waiting: 1, oldest: Some(key), set_aside: 0 });
    settle(store, key, End::Taken(None)).await;

    let last = entry(3, Some("the end of the chain"), None);
    keep(store, &last).await;
    assert_eq!(again(store, &last, 3).await.standing, Standing::None);
}

async fn a_key_is_forgotten_in_time(store: &dyn Store) {
    let keyed = |key, seconds| {
        let mut entry = entry(1, Some(key), None);
        entry.request = Some(RequestKey { key: key.to_owned(), expires_at: at(seconds) });
        entry
    };
    let (soon, sooner, late) = (keyed("soon", 100), keyed("sooner", 50), keyed("late", 200));
    for entry in [&soon, &sooner, &late] {
        keep(store, entry).await;
    }
    assert_eq!(store.sweep(at(99)).await.expect("an answer"), 1);
    assert_eq!(again(store, &soon, 1).await.saved, *soon.saved);
    assert_eq!(store.sweep(at(99)).await.expect("an answer"), 0);
    // Nobody has swept, and it is forgotten all the same.
    let mut anew = keyed("soon", 900);
    Arc::make_mut(&mut anew.saved).created_at = at(100);
    keep(store, &anew).await;
    assert_eq!(again(store, &soon, 1).await.saved, *anew.saved);
    assert_eq!(store.list(100, None).await.expect("a page").documents.len(), 4, "the documents stay");
    // What waits for another try goes on waiting without its key.
    let mut waits = keyed("waits", 100);
    waits.hand_over = entry(1, None, Some(at(10))).hand_over;
    let key = keep(store, &waits).await;
    assert_eq!(store.sweep(at(150)).await.expect("an answer"), 1);
    let claimed = store.claim(at(150), at(155), 10).await.expect("an answer");
    assert_eq!(claimed.iter().map(|one| (one.saved.key, one.keyed)).collect::<Vec<_>>(), [(key, false)]);
    // It was claimed as keyed by someone who was slower than the sweep.
    settle(store, key, End::Taken(Some("{}".to_owned()))).await;
    settle(store, key, End::Taken(None)).await;
    assert_eq!(backlog(store, 1_000).await, Backlog::default());
}

#[tokio::test]
async fn what_an_older_program_left_in_sqlite_is_delivered() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = Uuid::now_v7();
    // The layout and a row of version 2.
    let old = rusqlite::Connection::open(folder.path().join("parcels.sqlite")).expect("a file");
    let layout = format!(
        "CREATE TABLE documents (key TEXT PRIMARY KEY, created_at TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE handovers (key TEXT PRIMARY KEY, hop INTEGER NOT NULL, set_aside INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL, error TEXT) WITHOUT ROWID;
         INSERT INTO documents VALUES ('{key}', '{}', '{{\"id\":\"1\"}}');
         INSERT INTO handovers VALUES ('{key}', 2, 0, 0, 1, NULL);
         PRAGMA user_version = 2;",
        at(0)
    );
    old.execute_batch(&layout).expect("it is written");
    drop(old);
    for _ in 0..2 {
        // Opened twice: what was added once is not added again.
        drop(sqlite(folder.path()));
    }
    let store = sqlite(folder.path());
    let claimed = store.claim(at(0), at(5), 10).await.expect("the store is there");
    let [one] = &claimed[..] else { panic!("{claimed:?}") };
    assert_eq!((one.saved.key, one.hop, one.attempts, &one.trace), (key, 2, 1, &None));
    settle(&*store, key, End::Taken(None)).await;
    a_hand_over_keeps_its_trace(&*store, &*store).await;
}
