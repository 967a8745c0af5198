//! Which path leads where.

use crate::{assets, headers};
use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::map_response;
use axum::response::Redirect;
use axum::routing::get;
use chassis::Problem;

pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(assets::index))
        .route("/assets/{*file}", get(assets::asset))
        // Where those who know Hystrix' dashboard look for one.
        .route("/hystrix", get(async || Redirect::permanent("/")))
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(async || "ok"))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .layer(map_response(headers::add))
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}: see the header Allow", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

async fn unknown_path(uri: Uri) -> Problem {
    Problem::absent(format!("there is nothing at {}", uri.path()))
}
