//! What makes one service differ from another: its document.

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

/// The document of a service. All else is the same for every service.
///
/// It is read from the body of `POST /create`, and what does not fit is refused with the name of the field, so say what
/// is required in its types. It is saved and answered as it serializes, which must be as a JSON object; the names
/// `key`, `created_at`, `msg`, `response`, `_handover` and `_request` are taken.
pub trait Record: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Names the service in logs and answers; its plural names the collection and the route.
    const NAME: &'static str;

    /// The part that is handed to the next service; `None` at the end of the chain.
    fn next(&self) -> Option<&Value>;
}

/// Reads the part for the next service: any JSON object, whose fields are the next service's business.
///
/// For `#[serde(deserialize_with = "chassis::nested")]`.
///
/// # Errors
///
/// Where it is something else than an object.
pub fn nested<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    match Value::deserialize(deserializer)? {
        object @ Value::Object(_) => Ok(object),
        other => Err(D::Error::custom(format_args!("invalid type: {}, expected an object", kind(&other)))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
