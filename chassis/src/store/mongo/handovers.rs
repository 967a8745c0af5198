//! What is to be handed on, inside the documents, and the indexes by which it is found.
//!
//! Both indexes hold only the documents that they are about, so they cost nothing for those that were delivered.

use super::super::{Backlog, Claimed, Place, Queued};
use super::convert::{
    ATTEMPTS, DUE, EXPIRES_AT, HANDOVER, ID, LEASE, OUTCOME, REQUEST, REQUEST_KEY, SET_ASIDE, attempts,
    claimed, key_of, milliseconds, queued,
};
use jiff::Timestamp;
use mongodb::Collection;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::error::Error;
use mongodb::options::{Hint, IndexOptions};
use mongodb::{Cursor, IndexModel};
use tracing::warn;
use uuid::Uuid;

type Documents = Collection<RawDocumentBuf>;

/// Most keys that are forgotten at a time.
const SWEEP: i64 = 1_000;
const IN_ORDER: &str = "handovers_in_order";
const BY_END: &str = "requests_by_end";

pub(super) fn indexes() -> [IndexModel; 3] {
    let index = |name: &str, keys: Document, present: &str, unique: bool| {
        let options = IndexOptions::builder()
            .name(name.to_owned())
            .unique(unique)
            .partial_filter_expression(doc! { present: { "$exists": true } })
            .build();
        IndexModel::builder().keys(keys).options(options).build()
    };
    [
        index(IN_ORDER, doc! { SET_ASIDE: 1, ID: 1, DUE: 1, ATTEMPTS: 1 }, SET_ASIDE, false),
        index("requests", doc! { REQUEST_KEY: 1 }, REQUEST_KEY, true),
        index(BY_END, doc! { EXPIRES_AT: 1 }, EXPIRES_AT, false),
    ]
}

/// What was claimed, and what turned out to be unreadable then: by its key, with the tries so far.
pub(super) type Found = (Vec<Claimed>, Vec<(Uuid, u32, Error)>);

/// Three steps, for an update does not say whom it has met: who is due, mark them as ours, who bears our mark.
pub(super) async fn claim(
    documents: &Documents,
    now: Timestamp,
    lease: Timestamp,
    limit: u32,
) -> Result<Found, Error> {
    let due = doc! { SET_ASIDE: false, DUE: { "$lte": milliseconds(now) } };
    let oldest = documents.find(due.clone()).hint(by(IN_ORDER));
    let mut oldest = oldest.sort(doc! { ID: 1 }).limit(i64::from(limit)).projection(doc! { ID: 1 }).await?;
    let mut keys = Vec::new();
    while oldest.advance().await? {
        keys.extend(oldest.current().get_str(ID).ok().map(ToOwned::to_owned));
    }
    if keys.is_empty() {
        return Ok(Found::default());
    }
    let mark = Uuid::now_v7().to_string();
    let mut ours = doc! { ID: { "$in": &keys } };
    ours.extend(due);
    documents.update_many(ours, doc! { "$set": { DUE: milliseconds(lease), LEASE: &mark } }).await?;
    let ours = documents.find(doc! { ID: { "$in": keys }, LEASE: mark }).sort(doc! { ID: 1 });
    let ours = collect(ours.await?, |document| match (claimed(document), key_of(document)) {
        (Err(error), Some(key)) => Ok(Err((key, attempts(document), error))),
        (claimed, _) => claimed.map(Ok),
    });
    let (mut found, mut unreadable) = Found::default();
    for one in ours.await? {
        match one {
            Ok(claimed) => found.push(claimed),
            Err(one) => unreadable.push(one),
        }
    }
    Ok((found, unreadable))
}

pub(super) async fn list(
    documents: &Documents,
    which: Option<Place>,
    limit: u32,
    after: Option<Uuid>,
) -> Result<Vec<Queued>, Error> {
    let mut filter = match which {
        Some(place) => doc! { SET_ASIDE: place == Place::SetAside },
        None => doc! { SET_ASIDE: { "$in": [false, true] } },
    };
    if let Some(key) = after {
        filter.insert(ID, doc! { "$gt": key.to_string() });
    }
    let found = documents.find(filter).hint(by(IN_ORDER)).sort(doc! { ID: 1 }).limit(i64::from(limit));
    collect(found.projection(doc! { HANDOVER: 1 }).await?, queued).await
}

pub(super) async fn backlog(documents: &Documents, now: Timestamp) -> Result<Backlog, Error> {
    // Not yet reported on, and not due: its own request is about to hand it on.
    let waiting = doc! {
        SET_ASIDE: false,
        "$or": [{ ATTEMPTS: { "$gt": 0 } }, { DUE: { "$lte": milliseconds(now) } }],
    };
    let oldest = documents.find_one(waiting.clone()).hint(by(IN_ORDER)).sort(doc! { ID: 1 });
    let oldest = oldest.projection(doc! { ID: 1 }).await?;
    Ok(Backlog {
        waiting: documents.count_documents(waiting).hint(by(IN_ORDER)).await?,
        oldest: oldest.and_then(|document| key_of(&document)),
        set_aside: documents.count_documents(doc! { SET_ASIDE: true }).hint(by(IN_ORDER)).await?,
    })
}

pub(super) async fn retry(documents: &Documents, key: Uuid, now: Timestamp) -> Result<bool, Error> {
    let one = doc! { ID: key.to_string(), HANDOVER: { "$exists": true } };
    let change = doc! { "$set": { SET_ASIDE: false, DUE: milliseconds(now) } };
    Ok(documents.update_one(one, change).await?.matched_count > 0)
}

pub(super) async fn discard(documents: &Documents, key: Uuid, end: String) -> Result<bool, Error> {
    let one = || doc! { ID: key.to_string(), HANDOVER: { "$exists": true } };
    let mut keyed = one();
    keyed.insert(REQUEST_KEY, doc! { "$exists": true });
    let change = doc! { "$unset": { HANDOVER: "" }, "$set": { OUTCOME: end } };
    if documents.update_one(keyed, change).await?.matched_count > 0 {
        return Ok(true);
    }
    Ok(documents.update_one(one(), doc! { "$unset": { HANDOVER: "" } }).await?.matched_count > 0)
}

/// Forgets keys that have expired: this one, or some of them. Not by an index that lets documents expire, for the document
/// itself stays.
pub(super) async fn forget_expired(
    documents: &Documents,
    request: Option<&str>,
    now: Timestamp,
) -> Result<u32, Error> {
    let mut expired = doc! { EXPIRES_AT: { "$lte": milliseconds(now) } };
    let forget = doc! { "$unset": { REQUEST: "" } };
    if let Some(request) = request {
        expired.insert(REQUEST_KEY, request);
    } else {
        let some = documents.find(expired.clone()).hint(by(BY_END)).limit(SWEEP).projection(doc! { ID: 1 });
        let mut some = some.await?;
        let mut keys = Vec::new();
        while some.advance().await? {
            keys.extend(some.current().get_str(ID).ok().map(ToOwned::to_owned));
        }
        if keys.is_empty() {
            return Ok(0);
        }
        expired.insert(ID, doc! { "$in": keys });
    }
    let forgotten = documents.update_many(expired, forget).await?.modified_count;
    Ok(u32::try_from(forgotten).unwrap_or(u32::MAX))
}

fn by(index: &str) -> Hint {
    Hint::Name(index.to_owned())
}

async fn collect<T>(
    mut found: Cursor<RawDocumentBuf>,
    read: impl Fn(&mongodb::bson::RawDocument) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    while found.advance().await? {
        match read(found.current()) {
            Ok(one) => all.push(one),
            Err(error) => warn!("a document is passed over: {error}"),
        }
    }
    Ok(all)
}
