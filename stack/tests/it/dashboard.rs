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

/// The stream of a page, as the data of its events.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    async fn of(stack: &Stack) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let response = client.get(format!("{}/api/events", stack.dashboard)).send().await.expect("a stream");
        Self { response, text: String::new() }
    }

    /// Reads until it holds for all data so far, oldest first.
    async fn until(&mut self, what: &str, holds: impl Fn(&[Value]) -> bool) {
        eventually(what, LIMIT, async || {
            let piece = self.response.chunk().await.expect("no break").expect("no end");
            self.text.push_str(std::str::from_utf8(&piece).expect("whole characters"));
            let whole = self.text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
            let data: Vec<Value> = whole
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
                .map(|data| serde_json::from_str(data).expect("events are JSON"))
                .collect();
            holds(&data).then_some(())
        })
        .await;
    }
}

/// Of which services there is data for which it holds.
fn services(data: &[Value], is: impl Fn(&Value) -> bool) -> BTreeSet<&str> {
    data.iter().filter(|data| is(data)).filter_map(|data| data["service"].as_str()).collect()
}

#[tokio::test]
async fn an_order_of_its_making_goes_all_the_way_and_is_shown_hop_by_hop() {
    let stack = Stack::start(&[("INJECT_ERR", "0")]).await;
    let mut events = Events::of(&stack).await;
    let are_heard = |data: &[Value]| services(data, |data| data["requests"].is_object()).len() == 3;
    events.until("all three are heard", are_heard).await;
    let told = ask(&stack, Method::POST, "/api/order", "").await.json();
    assert_eq!((&told["status"], &told["degraded"]), (&json!(200), &json!(null)), "{told}");
    let is_hop = |data: &Value| data["trace"] == told["trace"] && data["hop"].is_number();
    events.until("the order is shown at each hop", |data| services(data, is_hop).len() == 3).await;
}

#[tokio::test]
async fn a_preset_set_from_there_opens_the_circuit_and_another_heals_it() {
    let stack = Stack::start(&[("INJECT_ERR", "0"), ("BREAKER_RESET_MS", "1000")]).await;
    let mut events = Events::of(&stack).await;
    let preset = async |name: &str| {
        let path = format!("/api/services/shipment/chaos/presets/{name}");
        let set = ask(&stack, Method::POST, &path, "").await;
        assert_eq!((set.status, &set.json()["preset"]), (200, &json!(name)), "{}", set.text);
    };
    preset("outage").await;
    assert_eq!(ask(&stack, Method::PUT, "/api/load", r#"{"rate":20}"#).await.status, 200);
    let turned = |data: &Value, to: &str| data["circuit"] == "payment→shipment" && data["to"] == to;
    events.until("it opens", |data| data.iter().any(|data| turned(data, "open"))).await;
    preset("calm").await;
    events.until("it closes", |data| data.iter().any(|data| turned(data, "closed"))).await;
    events.until("the load is told", |data| data.iter().any(|data| data["rate"] == 20)).await;
    // Orders that differ are all taken: what is degraded is the fault's doing.
    let figures = ask(&stack, Method::PUT, "/api/load", r#"{"rate":0}"#).await.json();
    assert_eq!(figures["failed"], 0, "{figures}");
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
