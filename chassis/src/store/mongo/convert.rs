//! JSON to BSON and back, value by value.
//!
//! Not through serde: that reads objects like `{"$oid": "…"}` as what extended JSON means by them, and a client's data
//! must stay data. What is ours in a document lies under two names of ours, which a client's data cannot take. What
//! others answered is kept as text, so that it is no structure to MongoDB at all.

use super::super::{Claimed, Entry, Known, Place, Queued, Saved, Standing, StoredTrace};
use jiff::Timestamp;
use mongodb::bson::{Array, Bson, DateTime, Document, RawBsonRef, RawDocument, RawDocumentBuf, doc};
use mongodb::error::Error;
use serde_json::{Map, Number, Value};
use uuid::Uuid;

pub(super) const ID: &str = "_id";
const CREATED_AT: &str = "created_at";

/// What is to be handed on; gone when it was taken.
pub(super) const HANDOVER: &str = "_handover";
pub(super) const SET_ASIDE: &str = "_handover.set_aside";
pub(super) const DUE: &str = "_handover.due";
pub(super) const ATTEMPTS: &str = "_handover.attempts";
pub(super) const ERROR: &str = "_handover.error";
/// Who has claimed it.
pub(super) const LEASE: &str = "_handover.lease";

/// The request that brought the document, where it bore a key; gone when that has expired.
pub(super) const REQUEST: &str = "_request";
pub(super) const REQUEST_KEY: &str = "_request.key";
pub(super) const EXPIRES_AT: &str = "_request.expires_at";
pub(super) const OUTCOME: &str = "_request.outcome";

pub(super) fn milliseconds(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millisecond())
}

pub(super) fn to_bson(entry: &Entry) -> Result<RawDocumentBuf, Error> {
    let saved = &entry.saved;
    let mut document = Document::new();
    document.insert(ID, saved.key.to_string());
    document.insert(CREATED_AT, milliseconds(saved.created_at));
    for (name, value) in saved.document.iter().filter(|(name, _)| !is_ours(name)) {
        document.insert(name, bson(value));
    }
    let hop = i64::from(entry.hop);
    if let Some(due) = entry.due {
        let mut handover =
            doc! { "hop": hop, "set_aside": false, "due": milliseconds(due), "attempts": 0_i64 };
        if let Some(StoredTrace { traceparent, tracestate }) = &entry.trace {
            handover.extend(doc! { "traceparent": traceparent, "tracestate": tracestate });
        }
        document.insert(HANDOVER, handover);
    }
    if let Some(request) = &entry.request {
        let expires_at = milliseconds(request.expires_at);
        document.insert(REQUEST, doc! { "key": &request.key, "hop": hop, "expires_at": expires_at });
    }
    RawDocumentBuf::try_from(&document).map_err(Error::custom)
}

fn is_ours(name: &str) -> bool {
    name == HANDOVER || name == REQUEST
}

/// A document whose request bore a key, and until when that is known.
pub(super) fn known(document: &RawDocument) -> Result<(Known, Timestamp), Error> {
    let request = document.get_document(REQUEST).map_err(Error::custom)?;
    let standing = match (text(request, "outcome")?, part(document, HANDOVER)?) {
        (Some(outcome), _) => Standing::Over(outcome),
        (None, None) => Standing::None,
        (None, Some(handover)) => {
            let Queued { place, attempts, due, error, .. } = handover_of(Uuid::nil(), handover)?;
            match place {
                Place::Waiting => Standing::Waiting { attempts, due, error },
                Place::SetAside => Standing::SetAside(error.unwrap_or_default()),
            }
        }
    };
    let known = Known { saved: from_bson(document)?, hop: number(request, "hop")?, standing };
    Ok((known, time(request, "expires_at")?))
}

pub(super) fn claimed(document: &RawDocument) -> Result<Claimed, Error> {
    let handover = document.get_document(HANDOVER).map_err(Error::custom)?;
    Ok(Claimed {
        saved: from_bson(document)?,
        hop: number(handover, "hop")?,
        attempts: number(handover, "attempts")?,
        keyed: part(document, REQUEST)?.is_some(),
        trace: trace(handover),
    })
}

/// How often its hand-over was tried, as far as that can be read.
pub(super) fn attempts(document: &RawDocument) -> u32 {
    document.get_document(HANDOVER).map_err(Error::custom).and_then(|it| number(it, "attempts")).unwrap_or(0)
}

/// Documents of before the trace was noted have none.
fn trace(handover: &RawDocument) -> Option<StoredTrace> {
    let text = |name| handover.get_str(name).ok().map(ToOwned::to_owned);
    Some(StoredTrace {
        traceparent: text("traceparent")?,
        tracestate: text("tracestate").unwrap_or_default(),
    })
}

pub(super) fn queued(document: &RawDocument) -> Result<Queued, Error> {
    let key = key_of(document).ok_or_else(|| Error::custom("a document without our key"))?;
    handover_of(key, document.get_document(HANDOVER).map_err(Error::custom)?)
}

pub(super) fn key_of(document: &RawDocument) -> Option<Uuid> {
    document.get_str(ID).ok()?.parse().ok()
}

fn handover_of(key: Uuid, handover: &RawDocument) -> Result<Queued, Error> {
    let set_aside = handover.get_bool("set_aside").map_err(Error::custom)?;
    Ok(Queued {
        key,
        place: if set_aside { Place::SetAside } else { Place::Waiting },
        attempts: number(handover, "attempts")?,
        due: time(handover, "due")?,
        error: text(handover, "error")?,
    })
}

fn part<'a>(document: &'a RawDocument, name: &str) -> Result<Option<&'a RawDocument>, Error> {
    let value = document.get(name).map_err(Error::custom)?;
    Ok(value.and_then(|value| value.as_document()))
}

fn number(document: &RawDocument, name: &str) -> Result<u32, Error> {
    let number = document.get_i64(name).map_err(Error::custom)?;
    u32::try_from(number).map_err(Error::custom)
}

fn time(document: &RawDocument, name: &str) -> Result<Timestamp, Error> {
    let time = document.get_datetime(name).map_err(Error::custom)?;
    Timestamp::from_millisecond(time.timestamp_millis()).map_err(Error::custom)
}

/// JSON that is kept as text, where there is any.
fn text(document: &RawDocument, name: &str) -> Result<Option<Value>, Error> {
    let value = document.get(name).map_err(Error::custom)?;
    let text = value.and_then(|value| value.as_str());
    text.map(|text| serde_json::from_str(text).map_err(Error::custom)).transpose()
}

pub(super) fn from_bson(document: &RawDocument) -> Result<Saved, Error> {
    let mut key = None;
    let mut created_at = None;
    let mut fields = Map::new();
    for element in document {
        let (name, value) = element.map_err(Error::custom)?;
        match (name.as_str(), value) {
            (ID, RawBsonRef::String(text)) => key = text.parse().ok(),
            (CREATED_AT, RawBsonRef::DateTime(time)) => {
                created_at = Timestamp::from_millisecond(time.timestamp_millis()).ok();
            }
            (name, _) if is_ours(name) => {}
            (name, value) => drop(fields.insert(name.to_owned(), json(value)?)),
        }
    }
    match (key, created_at) {
        (Some(key), Some(created_at)) => Ok(Saved { key, created_at, document: fields }),
        _ => Err(Error::custom("a document without our key or time")),
    }
}

fn bson(value: &Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(truth) => Bson::Boolean(*truth),
        Value::Number(number) => bson_number(number),
        Value::String(text) => Bson::String(text.clone()),
        Value::Array(items) => Bson::Array(items.iter().map(bson).collect::<Array>()),
        Value::Object(fields) => {
            Bson::Document(fields.iter().map(|(name, value)| (name.clone(), bson(value))).collect())
        }
    }
}

fn bson_number(number: &Number) -> Bson {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => i32::try_from(whole).map_or(Bson::Int64(whole), Bson::Int32),
        (None, Some(float)) => Bson::Double(float),
        // A number that is neither is not made without a feature of serde_json that is off.
        (None, None) => Bson::String(number.to_string()),
    }
}

fn json(value: RawBsonRef<'_>) -> Result<Value, Error> {
    Ok(match value {
        RawBsonRef::Null => Value::Null,
        RawBsonRef::Boolean(truth) => truth.into(),
        RawBsonRef::Int32(whole) => whole.into(),
        RawBsonRef::Int64(whole) => whole.into(),
        RawBsonRef::Double(float) => float.into(),
        RawBsonRef::String(text) => text.into(),
        RawBsonRef::Array(items) => {
            items.into_iter().map(|item| json(item.map_err(Error::custom)?)).collect::<Result<_, Error>>()?
        }
        RawBsonRef::Document(fields) => {
            let mut object = Map::new();
            for element in fields {
                let (name, value) = element.map_err(Error::custom)?;
                object.insert(name.as_str().to_owned(), json(value)?);
            }
            Value::Object(object)
        }
        // Not written by us; shown as MongoDB's own tools show it.
        other => {
            let value = Bson::try_from(other).map_err(Error::custom)?;
            serde_json::to_value(value).map_err(Error::custom)?
        }
    })
}
