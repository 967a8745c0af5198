//! The dashboard, as `cargo run` starts it: wired to the three services.

use crate::programs::{Answer, Stack, client, create, get};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::eventually;

const LIMIT: Duration = Duration::from_secs(30);

async fn ask(stack: &Stack, method: Method, path: &str, body: &str) -> Answer {
    let request = client().request(method, format!("{}{path}", stack.dashboard));
    Answer::of(request.body(body.to_owned())).await.expect("the dashboard answers")
}

#[tokio::test]
async fn the_page_is_served() {
    let stack = Stack::start(&[]).await;
    for path in ["/", "/hystrix"] {
        let page = get(&format!("{}{path}", stack.dashboard)).await;
        assert!(page.status == 200 && page.text.contains("<html"), "{path}: {}", page.text);
    }
}

#[tokio::test]
async fn an_order_of_its_making_goes_all_the_way_and_is_shown_hop_by_hop() {
    let stack = Stack::start(&[("INJECT_ERR", "0")]).await;
    let mut events = client().get(format!("{}/api/events", stack.dashboard)).send().await.expect("a stream");
    let mut seen = String::new();
    let mut read = async |what: &str, holds: &dyn Fn(&[Value]) -> bool| {
        eventually(what, LIMIT, async || {
            seen.push_str(std::str::from_utf8(&events.chunk().await.ok()??).expect("whole characters"));
            let whole = seen.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
            let data: Vec<Value> = whole
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
                .map(|data| serde_json::from_str(data).expect("events are JSON"))
                .collect();
            holds(&data).then_some(())
        })
        .await;
    };
    let services = |data: &[Value], is: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
        let told = data.iter().filter(|data| is(data));
        told.filter_map(|data| data["service"].as_str().map(ToOwned::to_owned)).collect()
    };
    read("all three are heard", &|data| services(data, &|data| data["requests"].is_object()).len() == 3)
        .await;

    let told = ask(&stack, Method::POST, "/api/order", "").await.json();
    assert_eq!((&told["status"], &told["degraded"]), (&json!(200), &json!(null)), "{told}");
    read("the order is shown at each hop", &|data| {
        services(data, &|data| data["trace"] == told["trace"] && data["hop"].is_number()).len() == 3
    })
    .await;
}

#[tokio::test]
async fn a_circuit_is_forced_open_and_let_go_from_there() {
    let stack = Stack::start(&[("INJECT_ERR", "0")]).await;
    let order =
        r#"{"id":"1","items":[],"payment":{"id":"1","amount":0,"shipment":{"id":"1","directions":"home"}}}"#;
    let path = "/api/services/payment/circuit";
    let forced = ask(&stack, Method::PUT, path, r#"{"mode":"open"}"#).await;
    assert_eq!((forced.status, &forced.json()["mode"]), (200, &json!("forced-open")), "{}", forced.text);
    assert_eq!(create(&stack.order, order).await.degraded, "shipment");
    assert_eq!(ask(&stack, Method::PUT, path, r#"{"mode":"auto"}"#).await.status, 200);
    assert_eq!(create(&stack.order, order).await.degraded, "");
    let none = ask(&stack, Method::GET, "/api/services/shipment/circuit", "").await;
    assert_eq!(none.status, 404, "shipment has no next one: {}", none.text);
}
