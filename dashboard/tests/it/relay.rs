//! Control calls that are passed on: those of the table, as they are, and no others.

use crate::place::{Answer, Running, raw};
use reqwest::Method;
use testkit::{Behaviour, Peer, refused_addr};

#[tokio::test]
async fn what_is_in_the_table_is_passed_on_as_it_is() {
    let (order, payment) = (
        Peer::start(Behaviour::json(200, r#"{"of":"order"}"#)).await,
        Peer::start(Behaviour::json(201, "[]")).await,
    );
    let services = format!("order={},payment={}", order.url(""), payment.url(""));
    let dashboard = Running::dashboard(&services, &["--admin-token", "an-old-secret"]).await;
    let calls = [
        (Method::GET, "circuit", ""),
        (Method::PUT, "circuit", r#"{"mode":"open"}"#),
        (Method::GET, "chaos", ""),
        (Method::PUT, "chaos", r#"{"preset":"calm"}"#),
        (Method::PUT, "chaos/rules/a-rule_1.2", r#"{"percentage":7}"#),
        (Method::DELETE, "chaos/rules/a-rule_1.2", ""),
        (Method::POST, "chaos/reset", ""),
        (Method::POST, "chaos/enable", ""),
        (Method::POST, "chaos/disable", ""),
        (Method::POST, "chaos/presets/slow-window", ""),
        (Method::GET, "queue", ""),
        (Method::DELETE, "queue/01a1fdbb-1c84-738e-ab53-1ee1ab9b5036", ""),
        (Method::POST, "queue/01a1fdbb-1c84-738e-ab53-1ee1ab9b5036/retry", ""),
    ];
    for (method, path, body) in &calls {
        let request = dashboard.request(method.clone(), &format!("/api/services/payment/{path}?force=1"));
        let answer = Answer::of(request.bearer_auth("an-old-secret").body(*body)).await;
        assert_eq!((answer.status, answer.text.as_str()), (201, "[]"));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    for (request, (method, path, body)) in payment.requests().iter().zip(&calls) {
        assert_eq!((request.method.as_str(), request.path.as_str()), (method.as_str(), &*format!("/{path}")));
        assert_eq!(request.body, *body);
        assert_eq!(request.header("authorization"), Some("Bearer an-old-secret"), "in the dashboard's name");
        assert_eq!(request.header("content-type"), (!body.is_empty()).then_some("application/json"));
        assert_eq!(request.header("origin"), None);
    }
    assert_eq!((payment.count(), order.count()), (calls.len(), 0));
    dashboard.stop().await;
}

#[tokio::test]
async fn of_a_query_the_page_of_the_queue_is_passed_on() {
    let order = Peer::start(Behaviour::json(200, "{}")).await;
    let dashboard = Running::dashboard(&format!("order={}", order.url("")), &[]).await;
    let asked = [
        (
            "queue?state=set_aside&limit=20&after=01a1fdbb-1c84&force=1",
            "/queue?state=set_aside&limit=20&after=01a1fdbb-1c84",
        ),
        ("queue?%73tate=waiting", "/queue?state=waiting"),
        ("queue?", "/queue"),
        ("circuit?state=waiting", "/circuit"),
    ];
    for (sent, _) in asked {
        assert_eq!(dashboard.get(&format!("/api/services/order/{sent}")).await.status, 200, "{sent}");
    }
    let passed: Vec<_> = order.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(passed, asked.map(|(_, passed)| passed));
    for wrong in ["state=a%26b", "limit=..", "after=%ff", "state=%0a"] {
        let answer = dashboard.get(&format!("/api/services/order/queue?{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text);
    }
    assert_eq!(order.count(), asked.len());
    dashboard.stop().await;
}

#[tokio::test]
async fn nothing_else_is_passed_on() {
    let order = Peer::start(Behaviour::json(200, "{}")).await;
    let dashboard = Running::dashboard(&format!("order={}", order.url("")), &[]).await;
    for (method, path, status) in [
        (Method::GET, "/api/services/order", 404),
        (Method::GET, "/api/services/order/metrics", 404),
        (Method::POST, "/api/services/order/create", 404),
        (Method::GET, "/api/services/order/chaos/rules", 404),
        (Method::POST, "/api/services/order/chaos/crash", 404),
        (Method::POST, "/api/services/order/circuit", 405),
        (Method::POST, "/api/services/order/chaos", 405),
        (Method::GET, "/api/services/order/chaos/reset", 405),
        (Method::DELETE, "/api/services/order/queue", 405),
        (Method::GET, "/api/services/order/queue/some-key", 405),
        (Method::POST, "/api/services/order/queue/some-key/now", 404),
        (Method::DELETE, "/api/services/order/queue/..%2forders", 400),
        (Method::GET, "/api/services/shipment/circuit", 404),
        (Method::GET, "/api/services/127.0.0.1:1/circuit", 404),
        (Method::PUT, "/api/services/order/chaos/rules/..%2fcreate", 400),
        (Method::PUT, "/api/services/order/chaos/rules/a%2fb", 400),
        (Method::PUT, "/api/services/order/chaos/rules/a%3fb", 400),
        (Method::PUT, "/api/services/order/chaos/rules/a%23b", 400),
        (Method::PUT, "/api/services/order/chaos/rules/a%0d%0ab", 400),
        (Method::POST, "/api/services/order/chaos/presets/%E2%82%AC", 400),
        (Method::GET, "/api/services/order%2fcreate/circuit", 404),
    ] {
        let answer = dashboard.send(method.clone(), path, "").await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
    }
    for path in ["rules/..", "rules/%2e%2e", "rules/%2E", "rules/%ff", "presets/..."] {
        let method = if path.starts_with("rules") { "PUT" } else { "POST" };
        let answer = raw(&dashboard, &format!("{method} /api/services/order/chaos/{path}")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
        assert!(answer.contains("application/problem+json"), "{path}: {answer}");
    }
    let long = format!("/api/services/order/chaos/rules/{}", "a".repeat(65));
    assert_eq!(dashboard.send(Method::PUT, &long, "").await.status, 400);
    let large = dashboard.send(Method::PUT, "/api/services/order/circuit", "x".repeat(64 * 1024 + 1)).await;
    assert_eq!(large.status, 413, "{}", large.text);
    assert_eq!(order.count(), 0);
    dashboard.stop().await;
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    let order = Peer::start(Behaviour::Hang).await;
    let services = format!("order={},payment=http://{}", order.url(""), refused_addr());
    let dashboard = Running::dashboard(&services, &[]).await;
    let ask = async |service: &str| {
        let answer = dashboard.get(&format!("/api/services/{service}/circuit")).await;
        (answer.status, answer.json()["detail"].as_str().expect("a sentence").to_owned())
    };
    let tell = |status, detail: &str| (status, detail.to_owned());
    assert_eq!(ask("payment").await, tell(502, "payment could not be reached"));
    assert_eq!(ask("order").await, tell(504, "order did not answer within 3 s"));
    order.set(Behaviour::Garbage);
    assert_eq!(ask("order").await, tell(502, "order could not be reached"));
    order.set(Behaviour::CloseHalfWay);
    assert_eq!(ask("order").await, tell(502, "the answer of order broke off"));
    order.set(Behaviour::Endless);
    assert_eq!(ask("order").await, tell(502, "the answer of order is too large"));
    for status in [401, 403] {
        order.set(Behaviour::json(status, "{}"));
        let (status, detail) = ask("order").await;
        assert!(status == 502 && detail.contains("ADMIN_TOKEN"), "{detail}");
    }
    order.set(Behaviour::Answer {
        status: 404,
        content_type: "application/problem+json",
        body: "{}".to_owned(),
    });
    let answer = dashboard.get("/api/services/order/circuit").await;
    assert_eq!((answer.status, answer.header("content-type")), (404, "application/problem+json"));
    dashboard.stop().await;
}
