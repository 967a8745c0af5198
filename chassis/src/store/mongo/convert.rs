//! JSON to BSON and back, value by value.
//!
//! Not through serde: that reads objects like `{"$oid": "…"}` as what extended JSON means by them, and a client's data
//! must stay data. Written straight into the bytes that are sent: a tree of BSON values in between would be most of the work. What is ours in a document lies under two names of ours, which a client's data cannot take. What
//! others answered is kept as text, so that it is no structure to MongoDB at all.

use super::super::{Claimed, Entry, Known, Place, Queued, Saved, Standing, StoredTrace};
use jiff::Timestamp;
use mongodb::bson::raw::CStr;
use mongodb::bson::{Bson, DateTime, RawArrayBuf, RawBsonRef, RawDocument, RawDocumentBuf};
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
    let mut document = with_room(512);
    document.append(name(ID)?, key_text(&saved.key, &mut Uuid::encode_buffer()));
    document.append(name(CREATED_AT)?, milliseconds(saved.created_at));
    for (field, value) in saved.document.iter().filter(|(name, _)| !is_reserved(name)) {
        append(&mut document, field, value)?;
    }
    let hop = i64::from(entry.hop);
    if let Some(it) = &entry.hand_over {
        let mut handover = with_room(256);
        handover.append(name("hop")?, hop);
        handover.append(name("set_aside")?, false);
        handover.append(name("due")?, milliseconds(it.due));
        handover.append(name("attempts")?, i64::from(it.attempts()));
        if let Some(error) = &it.foreseen {
            handover.append(name("error")?, error.to_string());
        }
        if let Some(StoredTrace { traceparent, tracestate }) = &it.trace {
            handover.append(name("traceparent")?, &**traceparent);
            handover.append(name("tracestate")?, &**tracestate);
        }
        document.append(name(HANDOVER)?, handover);
    }
    if let Some(it) = &entry.request {
        let mut request = with_room(128);
        request.append(name("key")?, &*it.key);
        request.append(name("hop")?, hop);
        request.append(name("expires_at")?, milliseconds(it.expires_at));
        document.append(name(REQUEST)?, request);
    }
    Ok(document)
}

/// An empty document that does not grow in many small steps.
pub(super) fn with_room(bytes: usize) -> RawDocumentBuf {
    let mut empty = Vec::with_capacity(bytes);
    empty.extend_from_slice(&[5, 0, 0, 0, 0]);
    RawDocumentBuf::from_bytes(empty).unwrap_or_default()
}

/// A field's name. Only the character NUL cannot stand in one.
pub(super) fn name(name: &str) -> Result<&CStr, Error> {
    name.try_into().map_err(Error::custom)
}

/// A key as it is kept.
pub(super) fn key_text<'a>(key: &Uuid, buffer: &'a mut [u8; 45]) -> &'a str {
    key.hyphenated().encode_lower(buffer)
}

/// Whether we write it ourselves.
fn is_reserved(name: &str) -> bool {
    is_ours(name) || name == ID || name == CREATED_AT
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

fn append(document: &mut RawDocumentBuf, field: &str, value: &Value) -> Result<(), Error> {
    let field = name(field)?;
    match value {
        Value::Null => document.append(field, RawBsonRef::Null),
        Value::Bool(truth) => document.append(field, *truth),
        Value::Number(number) => document.append(field, bson_number(number)),
        Value::String(text) => document.append(field, &**text),
        Value::Array(items) => document.append(field, array(items)?),
        Value::Object(fields) => document.append(field, object(fields)?),
    }
    Ok(())
}

fn object(fields: &Map<String, Value>) -> Result<RawDocumentBuf, Error> {
    let mut document = with_room(128);
    for (field, value) in fields {
        append(&mut document, field, value)?;
    }
    Ok(document)
}

fn array(items: &[Value]) -> Result<RawArrayBuf, Error> {
    let mut array = RawArrayBuf::new();
    for item in items {
        match item {
            Value::Null => array.push(RawBsonRef::Null),
            Value::Bool(truth) => array.push(*truth),
            Value::Number(number) => array.push(bson_number(number)),
            Value::String(text) => array.push(&**text),
            Value::Array(items) => array.push(self::array(items)?),
            Value::Object(fields) => array.push(object(fields)?),
        }
    }
    Ok(array)
}

fn bson_number(number: &Number) -> RawBsonRef<'static> {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => i32::try_from(whole).map_or(RawBsonRef::Int64(whole), RawBsonRef::Int32),
        // A number that is neither is not made without a feature of serde_json that is off.
        (None, float) => float.map_or(RawBsonRef::Null, RawBsonRef::Double),
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
