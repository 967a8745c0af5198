//! Which path leads where.

use crate::admin::Admin;
use crate::app::App;
use crate::create::create;
use crate::hop::{DEGRADED, QUEUED};
use crate::idempotency::REPLAYED;
use crate::problem::Problem;
use crate::record::Record;
use crate::trace::TRACE_ID;
use crate::{door, queue, read};
use axum::Router;
use axum::http::{HeaderName, Method, StatusCode, Uri, header};
use axum::middleware;
use axum::routing::{get, post};
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
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .layer(open_to_every_page());
    let door = middleware::from_fn_with_state(Arc::clone(&app), door::enter);
    let guarded = admin.guard(queue::routes::router()).method_not_allowed_fallback(wrong_method);
    open.merge(guarded).layer(door).with_state(app)
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
