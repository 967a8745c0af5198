//! MongoDB, by the driver.

use super::{State, border, key};
use crate::counting::Counting;
use crate::fleet::Fleet;
use mongodb::bson::{Bson, Document, doc};

/// Documents written at once.
const AT_ONCE: u32 = 10_000;

/// Whether there was a document to be copied.
pub(super) fn fill(
    counting: &Counting,
    fleet: &Fleet,
    service: &str,
    oldest: u64,
    size: u32,
    state: State,
) -> Result<bool, String> {
    let collection = counting.collection(fleet, service);
    let wanted = match state {
        State::Settled => doc! { "_handover": { "$exists": false } },
        State::Waiting => doc! { "_handover.attempts": { "$gt": 0 } },
    };
    let newest = doc! { "_id": -1 };
    let Some(pattern) = counting.run(collection.find_one(wanted).sort(newest).into_future())? else {
        return Ok(false);
    };
    counting.run(collection.delete_many(doc! {}).into_future())?;
    for from in (0..size).step_by(AT_ONCE as usize) {
        let to = size.min(from + AT_ONCE);
        let copies: Vec<Document> = (from..to).map(|number| copy(&pattern, key(oldest, number))).collect();
        counting.run(collection.insert_many(copies).ordered(false).into_future())?;
    }
    Ok(true)
}

fn copy(pattern: &Document, key: String) -> Document {
    let mut copy = pattern.clone();
    // No two requests have the same key.
    if let Some(Bson::Document(request)) = copy.get_mut("_request") {
        request.insert("key", &key);
    }
    copy.insert("_id", key);
    copy
}

pub(super) fn take_away(counting: &Counting, fleet: &Fleet, service: &str, size: u32) -> Result<(), String> {
    let collection = counting.collection(fleet, service);
    let later = doc! { "_id": { "$gt": border(size) } };
    counting.run(collection.delete_many(later).into_future()).map(drop)
}
