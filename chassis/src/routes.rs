//! Which path leads where.

use crate::admin::Admin;
use crate::app::App;
use crate::create::create;
use crate::hop::{DEGRADED, QUEUED};
use crate::idempotency::REPLAYED;
use crate::openapi;
use crate::problem::Problem;
use crate::queue::routes as queue;
use crate::record::Record;
use crate::trace::TRACE_ID;
use crate::{circuit, door, events, read};
use axum::Router;
use axum::http::{HeaderName, Method, StatusCode, Uri, header};
use axum::middleware;
use axum::routing::{delete, get, post};
use std::sync::Arc;
use tower_http::cors::{Any, CorsLayer};

pub(crate) fn router<R: Record>(app: Arc<App>, admin: &Admin) -> Router {
    let records = format!("/{}", app.records);
    let open = Router::new()
        .route("/", get(read::greet))
        .route("/create", post(create::<R>))
        .route(&records, get(read::list))
        .route(&format!("{records}/{{key}}"), get(read::one))
        .route("/livez", get(read::live))
        .route("/readyz", get(read::ready))
        .route("/openapi.json", openapi::route::<R, _>(&app.records))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .layer(open_to_every_page());
    // No page of another origin may read these, and only some callers may change what is behind them.
    let changeable = Router::new()
        .route("/circuit", get(circuit::get).put(circuit::put))
        .route("/queue", get(queue::list))
        .route("/queue/{key}", delete(queue::discard))
        .route("/queue/{key}/retry", post(queue::retry))
        .method_not_allowed_fallback(wrong_method);
    let streams = Router::new()
        .route("/events", get(events::events))
        .route("/hystrix.stream", get(events::hystrix))
        .method_not_allowed_fallback(wrong_method);
    let door = middleware::from_fn_with_state(Arc::clone(&app), door::enter);
    open.merge(admin.guard(changeable)).merge(streams).layer(door).with_state(app)
}

/// As in the original, any web page may use these routes.
fn open_to_every_page() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers(Any)
        .expose_headers([
            HeaderName::from_static(DEGRADED),
            HeaderName::from_static(QUEUED),
            HeaderName::from_static(REPLAYED),
            header::RETRY_AFTER,
            TRACE_ID,
        ])
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}: see the header Allow", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

async fn unknown_path(uri: Uri) -> Problem {
    Problem::absent(format!("there is nothing at {}", uri.path()))
}
