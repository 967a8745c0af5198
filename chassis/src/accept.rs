//! Whether a client wants JSON or the original's text.

use axum::http::{HeaderMap, header};

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// What services speak among themselves.
    Json,
    /// What the original answers; for everyone who does not ask for JSON by name.
    Text,
}

impl Form {
    /// JSON where `Accept` names `application/json`, and not with `q=0`.
    pub(crate) fn wanted(headers: &HeaderMap) -> Self {
        let names_json = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(is_json);
        if names_json { Self::Json } else { Self::Text }
    }
}

fn is_json(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"))
        && !parts.any(|part| {
            part.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("q")
                    && value.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
            })
        })
}
