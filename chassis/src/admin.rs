//! Who may change something: faults, circuits, load.
//!
//! Reading is open. A change needs the token where one is set. Where none is set, what a browser does on behalf of a page
//! somewhere is told apart from what the one at this machine does: the peer's address has to be near, a page has to be
//! our own (`Origin`), and it has to have been loaded by a name that no stranger can point here (`Host`; against DNS
//! rebinding). What came through a proxy tells nothing of where it began.

use crate::problem::Problem;
use crate::settings::{AdminPeers, AdminSettings, Secret};
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use subtle::ConstantTimeEq as _;
use tracing::warn;

/// What a proxy adds to what it passes on.
const BY_PROXY: [HeaderName; 3] =
    [header::FORWARDED, HeaderName::from_static("x-forwarded-for"), header::VIA];

/// Guards the routes that change something.
#[derive(Debug, Clone)]
pub struct Admin {
    token: Option<Secret>,
    peers: AdminPeers,
}

/// Why a change is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    #[error("send the token: Authorization: Bearer <the value of ADMIN_TOKEN>")]
    Token,
    #[error("changes are taken from this machine alone: ADMIN_TOKEN or ADMIN_PEERS opens them to others")]
    Peer,
    #[error("changes are not taken through a proxy: set ADMIN_TOKEN and send it")]
    Proxy,
    #[error("the header Host has to be an IP address, localhost or a name without a dot")]
    Host,
    #[error("changes are not taken from pages of another origin")]
    Origin,
}

impl Admin {
    /// A guard with these settings.
    #[must_use]
    pub fn new(settings: &AdminSettings) -> Self {
        Self { token: settings.admin_token.clone(), peers: settings.admin_peers }
    }

    /// Puts the guard before these routes. `GET` and `HEAD` go through, so they must not change anything.
    pub fn guard<S: Clone + Send + Sync + 'static>(&self, routes: Router<S>) -> Router<S> {
        routes.route_layer(middleware::from_fn_with_state(self.clone(), check))
    }

    /// Whether a token is asked for.
    #[must_use]
    pub fn asks_for_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether this request might change something.
    #[must_use]
    pub fn allows(&self, request: &Parts) -> bool {
        let peer = request.extensions.get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip());
        self.judge(peer, &request.uri, &request.headers).is_ok()
    }

    /// The rules themselves.
    fn judge(&self, peer: Option<IpAddr>, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        if let Some(token) = &self.token {
            let given = bearer(headers).ok_or(Refusal::Token)?;
            // Only the length may be told from the time that this takes.
            let same: bool = given.ct_eq(token.reveal().as_bytes()).into();
            return if same { Ok(()) } else { Err(Refusal::Token) };
        }
        if !peer.is_some_and(|peer| self.peers.include(peer)) {
            return Err(Refusal::Peer);
        }
        if BY_PROXY.iter().any(|name| headers.contains_key(name)) {
            return Err(Refusal::Proxy);
        }
        let host = host(uri, headers).filter(is_near).ok_or(Refusal::Host)?;
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(origin), None) if is_of(origin, &host) => Ok(()),
            (Some(_), _) => Err(Refusal::Origin),
        }
    }
}

impl AdminPeers {
    fn include(self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        let is_private = match peer {
            IpAddr::V4(peer) => peer.is_private(),
            IpAddr::V6(peer) => peer.is_unique_local(),
        };
        peer.is_loopback() || (self == Self::Private && is_private)
    }
}

impl Refusal {
    fn problem(self) -> Problem {
        let status = if self == Self::Token { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
        Problem::new(status, self.to_string())
    }
}

async fn check(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    if [Method::GET, Method::HEAD].contains(request.method()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip());
    let Err(refusal) = admin.judge(peer, request.uri(), request.headers()) else {
        return next.run(request).await;
    };
    warn!(path = request.uri().path(), "a change was refused: {refusal}");
    let mut response = refusal.problem().into_response();
    if refusal == Refusal::Token {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The token that is sent, if there is one, and one alone.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.as_bytes().split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// Where the client believes to be: HTTP/2 says it in the target, HTTP/1 in a header.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    if let Some(authority) = uri.authority() {
        return Some(authority.clone());
    }
    let mut values = headers.get_all(header::HOST).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    value.to_str().ok()?.parse().ok()
}

/// Host and port, where the text holds these and nothing else. We speak plain HTTP.
fn place(authority: &Authority) -> Option<(&str, u16)> {
    let host = authority.host();
    match authority.as_str().strip_prefix(host)? {
        "" => Some((host, 80)),
        port => Some((host, port.strip_prefix(':')?.parse().ok()?)),
    }
}

/// Whether the name is one that cannot be pointed here from outside.
fn is_near(authority: &Authority) -> bool {
    let Some((host, _)) = place(authority) else { return false };
    let in_brackets = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_ip =
        host.parse::<IpAddr>().is_ok() || in_brackets.is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok());
    let is_single_name = !host.is_empty() && !host.contains(['.', '[', ':']);
    is_ip || is_single_name
}

/// Whether a page of this origin was loaded from this host.
fn is_of(origin: &HeaderValue, host: &Authority) -> bool {
    let authority = origin.to_str().ok().and_then(|text| text.strip_prefix("http://"));
    let Some(Ok(origin)) = authority.map(str::parse::<Authority>) else { return false };
    match (place(&origin), place(host)) {
        (Some(origin), Some(host)) => origin.0.eq_ignore_ascii_case(host.0) && origin.1 == host.1,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
