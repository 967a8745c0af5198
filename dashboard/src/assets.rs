//! The page: the files of the folder `web`, embedded in the binary.
//!
//! A debug build reads them from disk at each request, so that a change shows on reload. Browsers keep them, and ask
//! each time whether they are still right.

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chassis::Problem;
use rust_embed::{Embed, EmbeddedFile};
use std::borrow::Cow;

#[derive(Embed)]
#[folder = "web/"]
struct Web;

/// `GET /`.
pub(crate) async fn index(uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    file("index.html", &uri, &headers)
}

/// `GET /assets/{file}`.
pub(crate) async fn asset(
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path(path) = path.map_err(|error| Problem::unreadable(error.body_text()))?;
    file(&path, &uri, &headers)
}

fn file(path: &str, uri: &Uri, headers: &HeaderMap) -> Result<Response, Problem> {
    // A debug build looks into a folder, where a name may lead out of it.
    let is_plain = path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    let found = if is_plain { Web::get(path) } else { None };
    let found = found.ok_or_else(|| Problem::absent(format!("there is nothing at {}", uri.path())))?;
    let tag = tag(&found);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let about = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type(path))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, HeaderValue::from_str(&tag).expect("hexadecimal digits in quotes")),
    ];
    if known.is_some_and(|known| matches(known, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let data = match found.data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    };
    Ok((about, Body::from(data)).into_response())
}

/// The content's hash.
fn tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let digits: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// Whether a list of tags names this one; a proxy may have made it a weak one.
fn matches(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("woff2") => "font/woff2",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
