//! Passes control calls on to the services: those of the routing table, and nothing else.
//!
//! The path that a service is asked for is made from the route that was matched, never from the path that was sent; of a
//! query only the parameters of a page of the queue are kept.

use crate::answer::{self, Missed};
use crate::app::App;
use crate::limits;
use crate::settings::Peer;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{MatchedPath, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use chassis::Problem;
use chassis::settings::Secret;
use http_body_util::LengthLimitError;
use reqwest::{Client, Url};
use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use tokio::time::timeout;
use tracing::warn;

/// What the routes of control begin with.
pub(crate) const PREFIX: &str = "/api/services/{service}/";

/// The parameters of `GET /queue`.
const OF_QUEUE: [&str; 3] = ["state", "limit", "after"];

/// Asks the services in the dashboard's own name.
#[derive(Debug)]
pub(crate) struct Relay {
    client: Client,
    token: Option<Secret>,
}

impl Relay {
    pub(crate) fn new(client: Client, token: Option<Secret>) -> Self {
        Self { client, token }
    }

    async fn pass_on(&self, peer: &Peer, url: Url, method: Method, body: Bytes) -> Result<Response, Problem> {
        let name = &peer.name;
        let mut request = self.client.request(method, url).header(header::ACCEPT, "application/json");
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.reveal());
        }
        let all = async {
            let mut answer = request.send().await.map_err(|error| {
                warn!("{name} could not be asked: {error}");
                Missed::Unreachable
            })?;
            let body = answer::whole(&mut answer).await?;
            Ok((answer.status(), answer.headers().clone(), body))
        };
        let answered = timeout(limits::CONTROL_TIME, all).await;
        let answered = answered.unwrap_or(Err(Missed::Slow(limits::CONTROL_TIME)));
        let (status, headers, body) = answered.map_err(|missed| missed.problem(name))?;
        if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
            // It is we who were refused, not the caller, who would be asked for a token of no use.
            let detail = format!(
                "{name} refuses the dashboard: they need the same ADMIN_TOKEN, or ADMIN_PEERS=private"
            );
            return Err(Problem::new(StatusCode::BAD_GATEWAY, detail).with("service", name.clone()));
        }
        let kept = [header::CONTENT_TYPE, header::ALLOW, header::RETRY_AFTER];
        let kept: HeaderMap =
            kept.into_iter().filter_map(|name| Some((name.clone(), headers.get(&name)?.clone()))).collect();
        let mut response = (status, Body::from(body)).into_response();
        response.headers_mut().extend(kept);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// Every control route of every service.
pub(crate) async fn control(
    State(app): State<Arc<App>>,
    route: MatchedPath,
    named: Result<Path<HashMap<String, String>>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let Path(named) = named.map_err(|error| Problem::unreadable(error.body_text()))?;
    let name = named.get("service").map_or("", String::as_str);
    let peer = app.peers.as_slice().iter().find(|peer| peer.name == name);
    let peer = peer.ok_or_else(|| {
        let names: Vec<_> = app.peers.as_slice().iter().map(|peer| &*peer.name).collect();
        Problem::absent(format!("there is no service {name:?}: there are {}", names.join(", ")))
    })?;
    let mut url = target(peer, route.as_str(), &named)?;
    if route.as_str().ends_with("/queue") {
        page_of_queue(&mut url, request.uri())?;
    }
    let method = request.method().clone();
    let body = read(request.into_body()).await?;
    app.relay.pass_on(peer, url, method, body).await
}

/// What the service is asked for.
fn target(peer: &Peer, route: &str, named: &HashMap<String, String>) -> Result<Url, Problem> {
    let mut url = peer.url.clone();
    let mut path = url.path_segments_mut().expect("an http URL has a path");
    path.clear();
    for part in route.strip_prefix(PREFIX).unwrap_or_default().split('/') {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None => path.push(part),
            Some(kind) => path.push(checked(kind, named.get(kind).map_or("", String::as_str))?),
        };
    }
    drop(path);
    Ok(url)
}

/// Which part of the queue is asked for.
fn page_of_queue(url: &mut Url, sent: &Uri) -> Result<(), Problem> {
    let sent = Query::<Vec<(String, String)>>::try_from_uri(sent);
    let Query(sent) = sent.map_err(|error| Problem::unreadable(error.body_text()))?;
    for (name, value) in sent.iter().filter(|(name, _)| OF_QUEUE.contains(&name.as_str())) {
        url.query_pairs_mut().append_pair(name, checked(name, value)?);
    }
    Ok(())
}

/// A name that means nothing in a path.
fn checked<'a>(kind: &str, name: &'a str) -> Result<&'a str, Problem> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let leads_away = name.bytes().all(|byte| byte == b'.');
    if name.len() <= limits::NAME && name.bytes().all(is_plain) && !leads_away {
        return Ok(name);
    }
    let expected =
        format!("expected at most {} letters, digits, hyphens, underscores and dots", limits::NAME);
    Err(Problem::unreadable(format!("{name:?} is no name of a {kind}: {expected}")))
}

/// A body within bounds.
pub(crate) async fn read(body: Body) -> Result<Bytes, Problem> {
    match timeout(limits::BODY_TIME, to_bytes(body, limits::BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if error.source().is_some_and(|cause| cause.is::<LengthLimitError>()) => {
            let detail = format!("the body is larger than {} KiB", limits::BODY / 1024);
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
        }
        Ok(Err(_)) => Err(Problem::unreadable("the body broke off")),
        Err(_) => {
            let detail = format!("the body was not complete within {} s", limits::BODY_TIME.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail))
        }
    }
}
