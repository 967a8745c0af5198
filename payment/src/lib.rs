//! The second of the three services: a payment, from which the shipment travels on.

use chassis::Record;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// What is paid for an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// The payer's name for it; need not be unique.
    pub id: String,
    /// How much, in whatever currency.
    pub amount: Number,
    /// Where the goods go: the shipment service's business.
    #[serde(deserialize_with = "chassis::nested")]
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub shipment: Value,
}

impl Record for Payment {
    const NAME: &'static str = "payment";

    fn next(&self) -> Option<&Value> {
        Some(&self.shipment)
    }
}
