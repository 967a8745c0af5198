//! The queue over HTTP: what waits and what was set aside; tried again or dropped by hand.

use super::{Figures, Outcome};
use crate::app::App;
use crate::input;
use crate::problem::Problem;
use crate::store::{Place, Queued};
use crate::wall;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tracing::{info, warn};
use uuid::Uuid;

/// What `GET /queue` answers.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    service: &'a str,
    next_service: &'a str,
    #[serde(flatten)]
    figures: Figures,
    queue: Vec<Value>,
    /// Where the next page is.
    next: Option<String>,
}

/// `GET /queue`: oldest first, a page at a time.
pub(crate) async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Response, Problem> {
    let _place = app.place()?;
    let next = next(&app)?;
    let limit = input::limit(&uri)?;
    let after = input::after(&uri)?;
    let which = input::place(&uri)?;
    let now = wall::now();
    let queued = app.store.ask("queued", |store| store.queued(which, limit, after)).await?;
    let backlog = app.store.ask("backlog", |store| store.backlog(now)).await?;
    let figures = match &app.queue {
        Some(queue) => queue.figures_of(backlog),
        // Nobody delivers; what is left is of a time when somebody did.
        None => Figures { waiting: backlog.waiting, set_aside: backlog.set_aside, ..Figures::default() },
    };
    let more = queued.last().filter(|_| queued.len() == limit as usize).map(|last| {
        let place = which.map_or(String::new(), |which| format!("&state={}", which.name()));
        format!("/queue?limit={limit}{place}&after={}", last.key)
    });
    let queue = queued.into_iter().map(shown).collect();
    let body = Listed { service: &app.id, next_service: next, figures, queue, next: more };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// `POST /queue/{key}/retry`: at once, as far as the circuit lets it.
pub(crate) async fn retry(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let _place = app.place()?;
    next(&app)?;
    let key = key(path)?;
    if app.queue.is_none() {
        let detail = "nothing is delivered by FALLBACK=none: start the service with FALLBACK=queue";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let now = wall::now();
    if !app.store.ask("retry", |store| store.retry(key, now)).await? {
        return Err(absent());
    }
    info!(%key, "📬 to be tried again, by hand");
    Ok(StatusCode::ACCEPTED)
}

/// `DELETE /queue/{key}`: it will not be handed on. The document stays.
pub(crate) async fn discard(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let _place = app.place()?;
    let end = Outcome::dropped(next(&app)?).to_text();
    let key = key(path)?;
    if !app.store.ask("discard", |store| store.discard(key, end)).await? {
        return Err(absent());
    }
    warn!(%key, "🗑  dropped by hand");
    Ok(StatusCode::NO_CONTENT)
}

fn next(app: &App) -> Result<&str, Problem> {
    let next = app.next.as_ref().map(crate::hop::Next::name);
    next.ok_or_else(|| Problem::absent("there is no queue: no service comes after this one"))
}

fn key(path: Result<Path<String>, PathRejection>) -> Result<Uuid, Problem> {
    let Path(key) = path.map_err(|error| Problem::unreadable(error.body_text()))?;
    let expected = "is no key: expected one like those of /queue";
    key.parse().map_err(|_| Problem::unreadable(format!("{key:?} {expected}")))
}

fn absent() -> Problem {
    Problem::absent("/queue has nothing with this key: it was delivered or dropped, or never was")
}

fn shown(queued: Queued) -> Value {
    let Queued { key, place, attempts, due, error } = queued;
    let due = (place == Place::Waiting).then(|| format!("{due:.3}"));
    json!({
        "key": key, "state": place.name(), "attempts": attempts,
        "created_at": wall::time_of(key).map(|time| format!("{time:.3}")), "due_at": due, "error": error,
    })
}
