//! Which path leads where.

use crate::admin::Admin;
use crate::app::App;
use crate::chaos::{self, FAULT};
use crate::create::create;
use crate::hop::{DEGRADED, QUEUED};
use crate::idempotency::REPLAYED;
use crate::openapi;
use crate::pages::ForPages;
use crate::problem::Problem;
use crate::queue::routes as queue;
use crate::record::Record;
use crate::trace::TRACE_ID;
use crate::{circuit, door, events, metrics, read};
use axum::Router;
use axum::http::{HeaderName, Method, StatusCode, Uri, header};
use axum::middleware;
use axum::routing::{delete, get, post, put};
use std::sync::Arc;
use tower_http::cors::{Any, CorsLayer};

pub(crate) fn router<R: Record>(app: Arc<App>, admin: &Admin) -> Router {
    let records = format!("/{}", app.records);
    let open = Router::new()
        .route("/", get(read::greet))
        .route(&records, get(read::list))
        .route(&format!("{records}/{{key}}"), get(read::one))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&app), chaos::api::strike))
        // From here on, routes that no fault strikes, and one that asks for itself.
        .route("/create", post(create::<R>))
        .route("/livez", get(read::live))
        .route("/readyz", get(read::ready))
        .route("/openapi.json", openapi::route::<R, _>(&app.records))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .layer(open_to_every_page());
    // No page of another origin may read these, and only some callers may change what is behind them.
    let changeable = Router::new()
        .route("/chaos", get(chaos::api::view).put(chaos::api::replace))
        .route("/chaos/rules/{name}", put(chaos::api::set).delete(chaos::api::delete))
        .route("/chaos/presets/{name}", post(chaos::api::preset))
        .route("/chaos/reset", post(chaos::api::reset))
        .route("/chaos/enable", post(chaos::api::enable))
        .route("/chaos/disable", post(chaos::api::disable))
        .route("/circuit", get(circuit::get).put(circuit::put))
        .route("/queue", get(queue::list))
        .route("/queue/{key}", delete(queue::discard))
        .route("/queue/{key}/retry", post(queue::retry))
        .method_not_allowed_fallback(wrong_method);
    let readable = Router::new()
        .route("/events", get(events::events))
        .route("/hystrix.stream", get(events::hystrix))
        .route("/metrics", get(metrics::serve))
        .method_not_allowed_fallback(wrong_method);
    let door = middleware::from_fn_with_state(Arc::clone(&app), door::enter);
    open.merge(admin.guard(changeable)).merge(readable).layer(door).with_state(app)
}

/// As in the original, any web page may use these routes. What is not asked for by a page, as by another service, is
/// answered without a word to browsers.
fn open_to_every_page() -> ForPages<CorsLayer> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers(Any)
        .expose_headers([
            HeaderName::from_static(DEGRADED),
            HeaderName::from_static(QUEUED),
            HeaderName::from_static(REPLAYED),
            header::RETRY_AFTER,
            TRACE_ID,
            FAULT,
        ]);
    ForPages(cors)
}

/// Answers a request whose method the path does not take.
pub async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}: see the header Allow", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// Answers a request for which there is no path.
pub async fn unknown_path(uri: Uri) -> Problem {
    Problem::absent(format!("there is nothing at {}", uri.path()))
}
