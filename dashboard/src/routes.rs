//! Which path leads where.

use crate::app::App;
use crate::{api, assets, headers, relay};
use axum::Router;
use axum::middleware::map_response;
use axum::response::Redirect;
use axum::routing::{delete, get, post, put};
use chassis::{unknown_path, wrong_method};
use std::sync::Arc;

pub(crate) fn router(app: Arc<App>) -> Router {
    let page = Router::new()
        .route("/", get(assets::index))
        .route("/assets/{*file}", get(assets::asset))
        // Where those who know Hystrix' dashboard look for one.
        .route("/hystrix", get(async || Redirect::permanent("/")))
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(async || "ok"));
    // What is not listed here is not passed on.
    let of_service = [
        ("circuit", get(relay::control).put(relay::control)),
        ("chaos", get(relay::control).put(relay::control)),
        ("chaos/rules/{rule}", put(relay::control).delete(relay::control)),
        ("chaos/presets/{preset}", post(relay::control)),
        ("chaos/reset", post(relay::control)),
        ("chaos/enable", post(relay::control)),
        ("chaos/disable", post(relay::control)),
        ("queue", get(relay::control)),
        ("queue/{key}", delete(relay::control)),
        ("queue/{key}/retry", post(relay::control)),
    ];
    let control = of_service.into_iter().fold(Router::new(), |routes, (path, method)| {
        routes.route(&format!("{}{path}", relay::PREFIX), method)
    });
    let api = Router::new()
        .route("/api/events", get(api::events))
        .route("/api/services", get(api::services))
        .route("/api/me", get(api::me))
        .route("/api/load", get(api::load).put(api::set_load))
        .route("/api/order", post(api::order))
        .route("/api/lesson", put(api::take_lesson).delete(api::leave_lesson))
        .merge(control);
    page.merge(app.admin.guard(api))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .layer(map_response(headers::add))
        .with_state(app)
}
