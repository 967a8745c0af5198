//! JSON to BSON and back, value by value.
//!
//! Not through serde: that reads objects like `{"$oid": "…"}` as what extended JSON means by them, and a client's data
//! must stay data.

use super::super::Saved;
use jiff::Timestamp;
use mongodb::bson::{Array, Bson, DateTime, Document, RawBsonRef, RawDocument, RawDocumentBuf};
use mongodb::error::Error;
use serde_json::{Map, Number, Value};

const KEY: &str = "_id";
const CREATED_AT: &str = "created_at";

pub(super) fn to_bson(saved: &Saved) -> Result<RawDocumentBuf, Error> {
    let mut document = Document::new();
    document.insert(KEY, saved.key.to_string());
    document.insert(CREATED_AT, DateTime::from_millis(saved.created_at.as_millisecond()));
    for (name, value) in &saved.document {
        document.insert(name, bson(value));
    }
    RawDocumentBuf::try_from(&document).map_err(Error::custom)
}

pub(super) fn from_bson(document: &RawDocument) -> Result<Saved, Error> {
    let mut key = None;
    let mut created_at = None;
    let mut fields = Map::new();
    for element in document {
        let (name, value) = element.map_err(Error::custom)?;
        match (name.as_str(), value) {
            (KEY, RawBsonRef::String(text)) => key = text.parse().ok(),
            (CREATED_AT, RawBsonRef::DateTime(time)) => {
                created_at = Timestamp::from_millisecond(time.timestamp_millis()).ok();
            }
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
