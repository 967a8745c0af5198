//! Who may change something, on real sockets, through the door that other crates use.

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use chassis::Admin;
use reqwest::{Method, StatusCode};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A server with one route that may be read and changed, and one that says whether its caller may change something.
struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Running {
    async fn start(host: &str, flags: &[&str]) -> Self {
        let admin = Admin::new(&crate::parcel::settings(flags).admin);
        let asked = admin.clone();
        let me = async move |parts: Parts| format!("{} {}", asked.allows(&parts), asked.asks_for_token());
        let changed = || async { "changed" };
        let guarded = Router::new()
            .route("/thing", get(|| async { "read" }).put(changed).post(changed).delete(changed));
        let router = admin.guard(guarded).route("/me", get(me));
        let listener = TcpListener::bind((host, 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let served = tokio::spawn(chassis::serve(listener, router, stop.clone()));
        Self { address, stop, served }
    }

    async fn ask(
        &self,
        client: &reqwest::Client,
        method: Method,
        headers: &[(&str, &str)],
    ) -> reqwest::Response {
        let mut request = client.request(method, format!("http://{}/thing", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer")
    }

    async fn me(&self, headers: &[(&str, &str)]) -> String {
        let mut request = client().get(format!("http://{}/me", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer").text().await.expect("a text")
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

const CHANGES: [Method; 3] = [Method::PUT, Method::POST, Method::DELETE];

#[tokio::test]
async fn without_a_token_this_machine_may_and_a_foreign_page_may_not() {
    for host in ["127.0.0.1", "::1"] {
        let running = Running::start(host, &[]).await;
        let own = format!("http://{}", running.address);
        for method in CHANGES {
            let answer = running.ask(&client(), method.clone(), &[]).await;
            assert_eq!(answer.status(), StatusCode::OK, "{method} by curl, on {host}");
            let answer = running.ask(&client(), method.clone(), &[("origin", &own)]).await;
            assert_eq!(answer.status(), StatusCode::OK, "{method} by our own page, on {host}");
            for origin in ["http://evil.example", "null"] {
                let answer = running.ask(&client(), method.clone(), &[("origin", origin)]).await;
                assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method} by a page of {origin}");
                assert_eq!(answer.headers()["content-type"], "application/problem+json");
                assert!(answer.headers().get("access-control-allow-origin").is_none());
                let problem: serde_json::Value = answer.json().await.expect("a problem");
                assert_eq!(problem["detail"], "changes are not taken from pages of another origin");
            }
        }
        let rebound = [("host", "rebound.example"), ("origin", "http://rebound.example")];
        let answer = running.ask(&client(), Method::PUT, &rebound).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "a name that was pointed here");
        let read = running.ask(&client(), Method::GET, &[("origin", "http://evil.example")]).await;
        assert_eq!(read.status(), StatusCode::OK, "reading is open");
        assert_eq!(running.me(&[]).await, "true false");
        assert_eq!(running.me(&[("origin", "http://evil.example")]).await, "false false");
        running.stop.cancel();
        running.served.await.expect("it stops");
    }
}

#[tokio::test]
async fn with_a_token_it_alone_counts() {
    let running = Running::start("127.0.0.1", &["--admin-token", "sesame"]).await;
    for method in CHANGES {
        for wrong in [&[][..], &[("authorization", "Bearer wrong")], &[("authorization", "Basic sesame")]] {
            let answer = running.ask(&client(), method.clone(), wrong).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} with {wrong:?}");
            assert_eq!(answer.headers()["www-authenticate"], "Bearer");
            let text = answer.text().await.expect("a text");
            assert!(text.contains("ADMIN_TOKEN") && !text.contains("sesame"), "{text}");
        }
        let right = [("authorization", "Bearer sesame"), ("origin", "http://dashboard.example")];
        let answer = running.ask(&client(), method.clone(), &right).await;
        assert_eq!(answer.status(), StatusCode::OK, "{method} with the token");
    }
    assert_eq!(running.ask(&client(), Method::GET, &[]).await.status(), StatusCode::OK, "reading is open");
    assert_eq!(running.me(&[]).await, "false true");
    assert_eq!(running.me(&[("authorization", "Bearer sesame")]).await, "true true");
}

#[tokio::test]
async fn on_http_2_the_same_is_asked() {
    let running = Running::start("127.0.0.1", &[]).await;
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().expect("a client");
    let own = format!("http://{}", running.address);
    assert_eq!(running.ask(&client, Method::PUT, &[("origin", &own)]).await.status(), StatusCode::OK);
    let foreign = running.ask(&client, Method::PUT, &[("origin", "http://evil.example")]).await;
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
}
