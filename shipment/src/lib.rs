//! The last of the three services: a shipment, from which nothing travels on.

use chassis::Record;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where the goods of an order go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shipment {
    /// The carrier's name for it; need not be unique.
    pub id: String,
    /// Where to.
    pub directions: String,
}

impl Record for Shipment {
    const NAME: &'static str = "shipment";

    fn next(&self) -> Option<&Value> {
        None
    }
}
