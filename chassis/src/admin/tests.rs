//! Who may, and who may not: every rule by itself. Over real sockets: `tests/it/admin.rs`.

use super::{Admin, Refusal};
use crate::settings::{AdminPeers, AdminSettings};
use axum::http::{HeaderMap, Uri};

const HERE: &str = "127.0.0.1";

fn admin(token: Option<&str>, peers: AdminPeers) -> Admin {
    let admin_token = token.map(|token| token.to_owned().into());
    Admin::new(&AdminSettings { admin_token, admin_peers: peers })
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().expect("a value"));
    }
    headers
}

/// Judges a request of a peer on this machine where no token is set.
fn from_here(pairs: &[(&'static str, &str)]) -> Result<(), Refusal> {
    let peer = HERE.parse().ok();
    admin(None, AdminPeers::Loopback).judge(peer, &Uri::from_static("/chaos"), &headers(pairs))
}

#[test]
fn where_a_token_is_set_nothing_else_counts() {
    let admin = admin(Some("sesame"), AdminPeers::Loopback);
    let judge = |pairs: &[(&'static str, &str)], peer: &str| {
        admin.judge(peer.parse().ok(), &Uri::from_static("/chaos"), &headers(pairs))
    };
    for right in ["Bearer sesame", "bearer sesame", "BEARER   sesame "] {
        let foreign = [("authorization", right), ("origin", "http://evil.example"), ("host", "a.example")];
        assert_eq!(judge(&foreign, "203.0.113.7"), Ok(()), "{right:?}");
    }
    for wrong in
        ["Bearer Sesame", "Bearer sesam", "Bearer sesames", "Bearer ", "Bearer", "Basic sesame", "sesame", ""]
    {
        let sent = [("authorization", wrong), ("host", "localhost")];
        assert_eq!(judge(&sent, HERE), Err(Refusal::Token), "{wrong:?}");
    }
    assert_eq!(judge(&[("host", "localhost")], HERE), Err(Refusal::Token), "not even from here");
    let twice = [("authorization", "Bearer sesame"), ("authorization", "Bearer sesame")];
    assert_eq!(judge(&twice, HERE), Err(Refusal::Token));
}

#[test]
fn peers_are_near_or_not() {
    let judge = |peers, peer: &str| {
        let peer = Some(peer.parse().expect("an address"));
        admin(None, peers).judge(peer, &Uri::from_static("/chaos"), &headers(&[("host", "localhost")]))
    };
    for peer in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(judge(AdminPeers::Loopback, peer), Ok(()), "{peer}");
        assert_eq!(judge(AdminPeers::Private, peer), Ok(()), "{peer}");
    }
    for peer in ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1"] {
        assert_eq!(judge(AdminPeers::Loopback, peer), Err(Refusal::Peer), "{peer}");
        assert_eq!(judge(AdminPeers::Private, peer), Ok(()), "{peer}");
    }
    for peer in ["203.0.113.7", "172.32.0.1", "100.64.0.1", "0.0.0.0", "::", "2001:db8::1", "::ffff:8.8.8.8"]
    {
        assert_eq!(judge(AdminPeers::Private, peer), Err(Refusal::Peer), "{peer}");
    }
}

#[test]
fn a_peer_that_is_not_known_is_refused() {
    let judged = admin(None, AdminPeers::Private).judge(
        None,
        &Uri::from_static("/chaos"),
        &headers(&[("host", "localhost")]),
    );
    assert_eq!(judged, Err(Refusal::Peer));
}

#[test]
fn a_page_has_to_be_our_own() {
    for (host, origin) in [
        ("localhost:3000", "http://localhost:3000"),
        ("LocalHost:3000", "http://localhost:3000"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("[::1]:3000", "http://[::1]:3000"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
    ] {
        assert_eq!(from_here(&[("host", host), ("origin", origin)]), Ok(()), "{origin} on {host}");
    }
    for origin in [
        "http://evil.example",
        "http://localhost",
        "http://localhost:3001",
        "http://127.0.0.1:3000",
        "https://localhost:3000",
        "http://localhost:3000@evil.example",
        "http://user@localhost:3000",
        "http://localhost:3000.evil.example",
        "http://localhost:",
        "http://localhost:3000/",
        "localhost:3000",
        "null",
        "",
    ] {
        let judged = from_here(&[("host", "localhost:3000"), ("origin", origin)]);
        assert_eq!(judged, Err(Refusal::Origin), "{origin:?}");
    }
    let beyond_brackets = [("host", "[::1]"), ("origin", "http://[::1].evil.example")];
    assert_eq!(from_here(&beyond_brackets), Err(Refusal::Origin));
    let twice = [("host", "a:1"), ("origin", "http://a:1"), ("origin", "http://evil.example")];
    assert_eq!(from_here(&twice), Err(Refusal::Origin));
}

#[test]
fn a_name_that_can_be_pointed_here_is_refused() {
    for host in [
        "localhost",
        "localhost:3000",
        "127.0.0.1:3000",
        "192.168.1.7",
        "[::1]",
        "[::1]:3000",
        "shipment:3000",
    ] {
        assert_eq!(from_here(&[("host", host)]), Ok(()), "{host}");
        // A page that was loaded by a good name is our own, whatever that name is.
        assert_eq!(from_here(&[("host", host), ("origin", &format!("http://{host}"))]), Ok(()), "{host}");
    }
    for host in [
        "rebound.example:3000",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "localhost.",
        "[::1].evil.example",
        "user@localhost",
        "1.2.3",
        "[nonsense]",
        ":3000",
        "",
        "a b",
    ] {
        let judged = from_here(&[("host", host), ("origin", &format!("http://{host}"))]);
        assert_eq!(judged, Err(Refusal::Host), "{host:?}");
        assert_eq!(from_here(&[("host", host)]), Err(Refusal::Host), "{host:?}, without an origin");
    }
    assert_eq!(from_here(&[]), Err(Refusal::Host));
    assert_eq!(from_here(&[("host", "localhost"), ("host", "evil.example")]), Err(Refusal::Host));
}

#[test]
fn on_http_2_the_target_says_the_host() {
    let judge = |uri: &'static str, origin: &str| {
        let headers = headers(&[("origin", origin)]);
        admin(None, AdminPeers::Loopback).judge(HERE.parse().ok(), &Uri::from_static(uri), &headers)
    };
    assert_eq!(judge("http://localhost:3000/chaos", "http://localhost:3000"), Ok(()));
    assert_eq!(judge("http://localhost:3000/chaos", "http://evil.example"), Err(Refusal::Origin));
    assert_eq!(judge("http://rebound.example/chaos", "http://rebound.example"), Err(Refusal::Host));
}

#[test]
fn what_came_through_a_proxy_is_refused() {
    for name in ["forwarded", "x-forwarded-for", "via"] {
        assert_eq!(
            from_here(&[("host", "localhost"), (name, "for=203.0.113.7")]),
            Err(Refusal::Proxy),
            "{name}"
        );
    }
}
