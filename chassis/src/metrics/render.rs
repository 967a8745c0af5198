//! `GET /metrics`, as OpenMetrics where that is asked for, else as the text that Prometheus has always read.
//!
//! The two differ in that a counter's family is named without `_total` in the newer one.

use crate::app::App;
use crate::problem::Problem;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use prometheus_client::encoding::text;
use std::sync::Arc;
use tracing::error;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) async fn serve(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let mut open = String::new();
    text::encode(&mut open, &app.metrics.registry).map_err(|cause| {
        error!("the metrics cannot be written: {cause}");
        Problem::ours()
    })?;
    let accepts_open = headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|value| value.to_str().is_ok_and(|value| value.contains("application/openmetrics-text")));
    let (kind, body) = if accepts_open { (OPEN_METRICS, open) } else { (TEXT, classic(&open)) };
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], body).into_response())
}

/// The same in the older form.
pub(super) fn classic(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    let mut help = None;
    for line in open.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            let total = if kind == "counter" { "_total" } else { "" };
            if let Some((_, help)) = help.take() {
                text += &format!("# HELP {name}{total} {help}\n");
            }
            text += &format!("# TYPE {name}{total} {kind}\n");
        } else if !line.starts_with('#') {
            text += line;
            text.push('\n');
        }
    }
    text
}
