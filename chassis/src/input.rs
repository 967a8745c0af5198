//! Reads what clients send, and says what is wrong with it.
//!
//! A document is read in two steps: the bytes as JSON (400), then the JSON as the service's record (422, with the
//! field's name). In between it is held to what every store can keep, so that no store has to refuse it later.

use crate::limits;
use crate::problem::Problem;
use crate::record::Record;
use crate::store::Place;
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::str::FromStr;
use tokio::time::timeout;
use uuid::Uuid;

/// Reads the document of a request, one that every store can keep.
pub(crate) async fn document<R: Record>(headers: &HeaderMap, body: Body) -> Result<R, Problem> {
    let value = object(headers, body).await?;
    storable(&value, &mut Path::default())?;
    typed(value)
}

/// Reads what a request asks to be changed.
pub(crate) async fn change<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    typed(object(headers, body).await?)
}

async fn object(headers: &HeaderMap, body: Body) -> Result<Value, Problem> {
    // What says of itself that it is too large is not waited for.
    if body.size_hint().lower() > limits::BODY as u64 {
        return Err(too_large());
    }
    let bytes = match timeout(limits::BODY_TIME, to_bytes(body, limits::BODY)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return Err(broken_body(&error)),
        Err(_) => {
            let seconds = limits::BODY_TIME.as_secs();
            let detail = format!("the body was not complete within {seconds} s");
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
        }
    };
    if bytes.is_empty() {
        return Err(Problem::unreadable("the body is empty: send a JSON document"));
    }
    if !is_json(headers) {
        let detail = "the body is not declared as JSON: send Content-Type: application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::unreadable(format!("the body cannot be read as JSON: {error}")))?;
    if !value.is_object() {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the body is not a JSON object"));
    }
    Ok(value)
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.into_inner().to_string();
        match path.as_str() {
            // A missing field is told of where it is missed.
            "." => match missing_field(&reason) {
                Some(name) => Problem::field(name, "is missing"),
                None => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, reason),
            },
            _ => Problem::field(&path, reason),
        }
    })
}

/// Reads `count`, the number of hops so far: 0 where it is not given.
pub(crate) fn count(uri: &Uri) -> Result<u32, Problem> {
    Ok(parameter(uri, "count", |_: &u32| true, "expected a whole number from 0 to 4294967295")?.unwrap_or(0))
}

/// Reads `limit`, the size of a page.
pub(crate) fn limit(uri: &Uri) -> Result<u32, Problem> {
    let expected = format!("expected a whole number from 1 to {}", limits::PAGE_MOST);
    let in_range = |limit: &u32| (1..=limits::PAGE_MOST).contains(limit);
    Ok(parameter(uri, "limit", in_range, &expected)?.unwrap_or(limits::PAGE))
}

/// Reads `before`, the key that a page ends before.
pub(crate) fn before(uri: &Uri) -> Result<Option<Uuid>, Problem> {
    parameter(uri, "before", |_| true, "expected the key of a document")
}

/// Reads `after`, the key that a page begins after.
pub(crate) fn after(uri: &Uri) -> Result<Option<Uuid>, Problem> {
    parameter(uri, "after", |_| true, "expected the key of a document")
}

/// Reads `state`, the part of the queue that is asked for.
pub(crate) fn place(uri: &Uri) -> Result<Option<Place>, Problem> {
    parameter(uri, "state", |_| true, "expected waiting or set_aside")
}

fn parameter<T: FromStr>(
    uri: &Uri,
    name: &str,
    fits: impl Fn(&T) -> bool,
    expected: &str,
) -> Result<Option<T>, Problem> {
    let wrong = |detail: String| Problem::unreadable(detail).with("parameter", name);
    let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| Problem::unreadable(format!("the query cannot be read: {}", error.body_text())))?;
    let mut values = query.0.into_iter().filter(|(key, _)| key == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(wrong(format!("{name} is given more than once"))),
        (Some(text), None) => match text.parse::<T>().ok().filter(fits) {
            Some(value) => Ok(Some(value)),
            None => Err(wrong(format!("{name} is {text:?}: {expected}"))),
        },
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(kind)) = headers.get(header::CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn broken_body(error: &axum::Error) -> Problem {
    use std::error::Error as _;
    match error.source() {
        Some(source) if source.is::<http_body_util::LengthLimitError>() => too_large(),
        _ => Problem::unreadable("the body broke off"),
    }
}

fn too_large() -> Problem {
    let detail = format!("the body is larger than {} KiB", limits::BODY / 1024);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn missing_field(reason: &str) -> Option<&str> {
    reason.strip_prefix("missing field `")?.strip_suffix('`')
}

/// Refuses what MongoDB could not keep as it is, whichever store is in use.
fn storable<'a>(value: &'a Value, path: &mut Path<'a>) -> Result<(), Problem> {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                path.enter(Step::Name(name))?;
                if name.contains('\0') {
                    return Err(path.problem("a name may not contain the character NUL"));
                }
                storable(value, path)?;
                path.leave();
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                path.enter(Step::Index(index))?;
                storable(value, path)?;
                path.leave();
            }
        }
        Value::Number(number) if number.is_u64() && !number.is_i64() => {
            return Err(
                path.problem(format!("{number} does not fit: a whole number may be at most {}", i64::MAX))
            );
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

/// Where in a document we are, and how much of it was seen.
#[derive(Default)]
struct Path<'a> {
    steps: Vec<Step<'a>>,
    values: usize,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(index) => index.fmt(f),
        }
    }
}

impl<'a> Path<'a> {
    fn enter(&mut self, step: Step<'a>) -> Result<(), Problem> {
        self.steps.push(step);
        self.values += 1;
        let top = || self.steps.first().map(Step::to_string).unwrap_or_default();
        if self.values > limits::VALUES {
            let detail = format!("with this, the document holds more than {} values", limits::VALUES);
            return Err(Problem::field(&top(), detail));
        }
        if self.steps.len() > limits::DEPTH {
            return Err(Problem::field(&top(), format!("is nested more than {} levels deep", limits::DEPTH)));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.steps.pop();
    }

    fn problem(&self, detail: impl fmt::Display) -> Problem {
        let names: Vec<_> = self.steps.iter().map(Step::to_string).collect();
        Problem::field(&names.join("."), detail)
    }
}

#[cfg(test)]
mod tests;
