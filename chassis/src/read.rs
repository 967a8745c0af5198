//! The routes that only read: greeting, saved documents, health.

use crate::app::App;
use crate::input;
use crate::problem::Problem;
use crate::store::{Page, Saved};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// `GET /`
pub(crate) async fn greet(State(app): State<Arc<App>>) -> String {
    format!("hello from {}\n", app.id)
}

/// `GET /<records>`: newest first, a page at a time.
pub(crate) async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Value>, Problem> {
    let _place = app.place()?;
    let limit = input::limit(&uri)?;
    let before = input::before(&uri)?;
    let Page { documents, more } = app.store.list(limit, before).await?;
    let next = documents
        .last()
        .filter(|_| more)
        .map(|last| format!("/{}?limit={limit}&before={}", app.records, last.key));
    Ok(Json(json!({ &*app.records: documents, "next": next })))
}

/// `GET /<records>/{key}`
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Saved>, Problem> {
    let _place = app.place()?;
    let Path(key) = path.map_err(|error| Problem::unreadable(error.body_text()))?;
    let key: Uuid = key.parse().map_err(|_| {
        Problem::unreadable(format!("{key:?} is no key: expected one like those of /{}", app.records))
    })?;
    match app.store.get(key).await? {
        Some(saved) => Ok(Json(saved)),
        None => Err(Problem::absent(format!("/{} has no document with this key", app.records))),
    }
}

/// `GET /livez`: the process answers.
pub(crate) async fn live() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// `GET /readyz`: the store answers too. The next service is none of this: the circuit looks after it.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.store.ping().await {
        Ok(()) => live().await,
        Err(problem) => ([(header::CACHE_CONTROL, "no-store")], problem).into_response(),
    }
}
