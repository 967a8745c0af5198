//! The first of the three services: an order, from which the payment travels on.

use chassis::Record;
use jiff::{Timestamp, civil, tz::TimeZone};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What a customer orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The customer's name for it; need not be unique.
    pub id: String,
    /// When it was placed.
    #[serde(default, deserialize_with = "date", skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
    /// What is ordered, in any form.
    pub items: Vec<Value>,
    /// How it is paid: the payment service's business.
    #[serde(deserialize_with = "chassis::nested")]
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub payment: Value,
}

impl Record for Order {
    const NAME: &'static str = "order";

    fn next(&self) -> Option<&Value> {
        Some(&self.payment)
    }
}

/// A time with its offset from UTC, or a day, which begins at midnight UTC.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let time = text.parse::<Timestamp>().or_else(|_| {
        let day = civil::Date::strptime("%Y-%m-%d", &text)?;
        Ok::<_, jiff::Error>(day.to_zoned(TimeZone::UTC)?.timestamp())
    });
    let expected = "expected a time like 2026-11-21T10:00:00Z or a day like 2026-11-21";
    time.map(Some).map_err(|_| D::Error::custom(format_args!("{text:?} is no date: {expected}")))
}
