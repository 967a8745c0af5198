//! `GET /openapi.json`: what the service answers, as OpenAPI 3.1, for people, generators and testers.
//!
//! All services answer alike, so it is written once, in `openapi.json`; the document's schema is made of its type.

use crate::record::Record;
use axum::body::Bytes;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get};
use schemars::generate::SchemaSettings;
use serde_json::Value;

const TEMPLATE: &str = include_str!("openapi.json");

/// The route, with a description that is made once.
pub(crate) fn route<R: Record, S: Clone + Send + Sync + 'static>(records: &str) -> MethodRouter<S> {
    let description = Bytes::from(describe::<R>(records).to_string());
    get(|| async { ([(header::CONTENT_TYPE, "application/json")], description).into_response() })
}

fn describe<R: Record>(records: &str) -> Value {
    let text = TEMPLATE
        .replace("{record}", R::NAME)
        .replace("{records}", records)
        .replace("{version}", env!("CARGO_PKG_VERSION"));
    let mut description: Value = serde_json::from_str(&text).expect("the template is JSON, and so are names");
    // OpenAPI 3.1 takes JSON Schema 2020-12 as it is.
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<R>();
    description["components"]["schemas"]["Document"] = schema.to_value();
    description
}
