//! Who may change something: the same rule as in the services, before every route that changes.

use crate::place::{Answer, Running};
use reqwest::Method;
use testkit::{Behaviour, Peer};

const CHANGES: [(Method, &str); 11] = [
    (Method::PUT, "/api/load"),
    (Method::PUT, "/api/lesson"),
    (Method::DELETE, "/api/lesson"),
    (Method::POST, "/api/order"),
    (Method::PUT, "/api/services/order/circuit"),
    (Method::PUT, "/api/services/order/chaos/rules/a"),
    (Method::DELETE, "/api/services/order/chaos/rules/a"),
    (Method::POST, "/api/services/order/chaos/reset"),
    (Method::POST, "/api/services/order/chaos/enable"),
    (Method::POST, "/api/services/order/chaos/disable"),
    (Method::POST, "/api/services/order/chaos/presets/calm"),
];

#[tokio::test]
async fn a_token_is_asked_for_where_one_is_set() {
    let order = Peer::start(Behaviour::json(200, "{}")).await;
    let dashboard =
        Running::dashboard(&format!("order={}", order.url("")), &["--admin-token", "an-old-secret"]).await;
    for (method, path) in CHANGES {
        for token in [None, Some("another")] {
            let mut request = dashboard.request(method.clone(), path);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = Answer::of(request).await;
            assert_eq!(
                (answer.status, answer.header("www-authenticate")),
                (401, "Bearer"),
                "{method} {path}"
            );
        }
    }
    assert_eq!(order.count(), 0, "nothing was passed on");
    for (method, path) in CHANGES {
        let request = dashboard.request(method.clone(), path).bearer_auth("an-old-secret");
        let (body, status) = match path {
            "/api/load" => (r#"{"rate":0}"#, 200),
            "/api/lesson" => (r#"{"page":"a"}"#, 204),
            _ => ("", 200),
        };
        let answer = Answer::of(request.body(body)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
    }
    let me = dashboard.get("/api/me").await.json();
    assert_eq!(me, serde_json::json!({ "may_change": false, "token_set": true }));
    let me = Answer::of(dashboard.request(Method::GET, "/api/me").bearer_auth("an-old-secret")).await.json();
    assert_eq!(me, serde_json::json!({ "may_change": true, "token_set": true }));
    dashboard.stop().await;
}

#[tokio::test]
async fn a_page_of_another_origin_may_read_nothing_and_change_nothing() {
    let order = Peer::start(Behaviour::json(200, "{}")).await;
    let dashboard = Running::dashboard(&format!("order={}", order.url("")), &[]).await;
    for (method, path) in CHANGES {
        for (name, value) in [("origin", "http://evil.example"), ("origin", "null"), ("host", "evil.example")]
        {
            let answer = Answer::of(dashboard.request(method.clone(), path).header(name, value)).await;
            assert_eq!(answer.status, 403, "{method} {path} with {name}: {value}");
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
    }
    assert_eq!(order.count(), 0, "nothing was passed on");
    let me =
        Answer::of(dashboard.request(Method::GET, "/api/me").header("origin", "http://evil.example")).await;
    assert_eq!(me.json()["may_change"], false);
    let own = dashboard.url("");
    let me = Answer::of(dashboard.request(Method::GET, "/api/me").header("origin", own)).await.json();
    assert_eq!(me, serde_json::json!({ "may_change": true, "token_set": false }));
    dashboard.stop().await;
}
