//! All three in one process: what `cargo run` starts.

use crate::programs::{Env, ORDER, PORTS, Stack, create, get, keys, stack_program, try_create};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

#[tokio::test]
async fn an_order_goes_all_the_way() {
    let stack = Stack::start(&[("INJECT_ERR", "0")]).await;
    let answer = create(&stack.order, ORDER).await;
    assert_eq!((answer.status, answer.degraded.as_str()), (200, ""));
    let order = answer.json();
    let payment = &order["data"]["response"];
    let shipment = &payment["data"]["response"];
    for (answer, service) in [(&order, "order"), (payment, "payment"), (shipment, "shipment")] {
        let location = answer["location"].as_str().expect("a text");
        assert!(location.starts_with(&format!("This is {service} @")), "{location}");
        assert_eq!(answer["data"]["id"], "1");
    }
    assert_eq!(shipment["data"]["msg"], "Ended Transaction");
    let (orders, payments, shipments) =
        (keys(&stack.order, "orders"), keys(&stack.payment, "payments"), keys(&stack.shipment, "shipments"));
    assert_eq!(orders.await, [order["data"]["key"].as_str().expect("a key")]);
    assert_eq!(payments.await, [payment["data"]["key"].as_str().expect("a key")]);
    assert_eq!(shipments.await, [shipment["data"]["key"].as_str().expect("a key")]);
}

#[tokio::test]
async fn it_is_wired_as_the_compose_file_is() {
    // As it comes, but for the ports: four hops, and faults on shipment alone.
    let stack = Stack::start(&[("INJECT_ERR_PERCENT", "100")]).await;
    for (count, reaches) in [(0, "degraded"), (1, "degraded"), (2, "Last"), (3, "Last")] {
        let answer = try_create(&stack.order, count, ORDER).await.expect("an answer");
        assert_eq!(answer.status, 200, "order and payment have no faults");
        let seen = if answer.degraded.is_empty() { "Last" } else { "degraded" };
        assert_eq!(seen, reaches, "count={count}: {}", answer.text);
    }
    assert_eq!(create(&stack.shipment, r#"{"id":"1","directions":"home"}"#).await.status, 502);
}

#[tokio::test]
async fn it_says_what_runs_where_and_what_to_try() {
    let stack = Stack::start(&[]).await;
    let said = stack.process.lines().join("\n");
    let data = stack.env.folder.path().display().to_string();
    for word in [
        &*stack.dashboard,
        &stack.order,
        &stack.payment,
        &stack.shipment,
        &data,
        "fails 40 of 100",
        "curl -X POST",
        "tests.http",
    ] {
        assert!(said.contains(word), "{word:?} is not in:\n{said}");
    }
}

#[tokio::test]
async fn it_stops_cleanly_on_either_signal_and_keeps_everything() {
    let mut stack = Stack::start(&[("INJECT_ERR", "0")]).await;
    create(&stack.order, ORDER).await;
    assert_eq!(stack.process.interrupt().await.code(), Some(0), "Ctrl-C");
    let said = stack.process.lines();
    let stopped = |line: &String| line.contains("stopped the dashboard") || line.contains("stopped service=");
    let order: Vec<_> = said.iter().filter(|line| stopped(line)).collect();
    assert_eq!(order.len(), 4, "{said:#?}");
    for (line, part) in order.iter().zip(["dashboard", "order", "payment", "shipment"]) {
        assert!(line.contains(part), "stopped from the front: {order:#?}");
    }
    stack.restart().await;
    create(&stack.order, ORDER).await;
    assert_eq!(stack.process.terminate().await.code(), Some(0), "SIGTERM");
    stack.restart().await;
    assert_eq!(keys(&stack.order, "orders").await.len(), 2);
    assert_eq!(keys(&stack.shipment, "shipments").await.len(), 2);
}

#[tokio::test]
async fn readers_of_events_do_not_hold_up_a_stop() {
    let mut stack = Stack::start(&[]).await;
    let mut streams = Vec::new();
    for service in [&stack.order, &stack.shipment] {
        for path in ["/events", "/hystrix.stream"] {
            let mut stream = reqwest::get(format!("{service}{path}")).await.expect("an answer");
            stream.chunk().await.expect("whole").expect("it has begun");
            streams.push(stream);
        }
    }
    assert_eq!(stack.process.terminate().await.code(), Some(0));
    for mut stream in streams {
        while stream.chunk().await.expect("a clean end").is_some() {}
    }
    let said = stack.process.lines();
    assert!(!said.iter().any(|line| line.contains("with requests under way")), "{said:#?}");
}

#[tokio::test]
async fn a_second_ctrl_c_stops_it_at_once() {
    let mut stack = Stack::start(&[]).await;
    let address = stack.order.strip_prefix("http://").expect("a URL");
    let mut client = TcpStream::connect(address).expect("connected");
    // Half a body, which the first signal waits for.
    let head =
        "POST /create HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    client.write_all(head.as_bytes()).expect("sent");
    let signal = Command::new("kill").args(["-INT", &stack.process.id().to_string()]).status();
    assert!(signal.expect("there is a kill").success());
    stack.process.wait_for_line(|line| line.contains("stopping")).await;
    assert_eq!(stack.process.interrupt().await.code(), Some(130));
}

#[tokio::test]
async fn a_port_in_use_is_a_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    for (variable, _) in PORTS {
        let mut env = Env::of(&PORTS);
        env.set(variable, &port);
        let mut process = env.spawn(stack_program());
        assert_eq!(process.wait().await.code(), Some(1));
        let error = process.lines().join("\n");
        assert!(
            error.contains(&format!("error: HOST=127.0.0.1 and {variable}={port} cannot be listened on")),
            "{error}"
        );
        assert!(error.contains("in use") && error.contains("a port that is free"), "{error}");
    }
}

#[tokio::test]
async fn the_log_can_be_read_by_machines() {
    let mut env = Env::of(&PORTS);
    env.set("LOG_FORMAT", "json");
    let mut process = env.spawn(stack_program());
    process.wait_for_line(|line| line.contains("App listening") && line.contains("shipment")).await;
    process.terminate().await;
    for line in process.lines() {
        let entry: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?} is no JSON"));
        assert!(entry["message"].is_string() && entry["level"] == "INFO", "{line}");
    }
}

#[tokio::test]
async fn bad_input_ends_no_process() {
    // Each of these ended the process of the original, and that of every service before it.
    let stack = Stack::start(&[("INJECT_ERR", "0")]).await;
    for (url, body, status) in [
        (&stack.order, "", 400),
        (&stack.order, r#"{"items":[],"payment":{}}"#, 422),
        (&stack.order, r#"{"id":"1","items":[],"payment":{"id":"1"}}"#, 200),
        (&stack.order, r#"{"id":"1","items":[],"payment":{"id":"1","amount":0,"shipment":{}}}"#, 200),
        (&stack.order, r#"{"id":"1","items":[],"payment":{"id":"1","amount":"0","shipment":{}}}"#, 200),
        (&stack.payment, r#"{"id":"1","amount":0}"#, 422),
        (&stack.payment, r#"{"id":"1","amount":null,"shipment":{}}"#, 422),
        (&stack.shipment, r#"{"id":"1"}"#, 422),
        (&stack.shipment, r#"{"id":"1","directions":7}"#, 422),
        (&stack.shipment, r#"{"id":{},"directions":"home"}"#, 422),
    ] {
        assert_eq!(create(url, body).await.status, status, "{body}");
    }
    let refused = create(&stack.order, r#"{"id":"1","items":[],"payment":{"id":"1"}}"#).await;
    assert_eq!(refused.degraded, "payment");
    assert_eq!(
        refused.json()["error"]["response"]["field"],
        "amount",
        "what payment finds wrong is passed on"
    );
    for (field, body) in [
        ("amount", r#"{"id":"1","shipment":{}}"#),
        ("shipment", r#"{"id":"1","amount":0}"#),
        ("shipment", r#"{"id":"1","amount":0,"shipment":"home"}"#),
    ] {
        assert_eq!(create(&stack.payment, body).await.json()["field"], field);
    }
    assert_eq!(create(&stack.shipment, r#"{"id":"1"}"#).await.json()["field"], "directions");
    for (field, body) in [
        ("date", r#"{"id":"1","date":"soon","items":[],"payment":{}}"#),
        ("date", r#"{"id":"1","date":"2026-11-21T10:00","items":[],"payment":{}}"#),
        ("date", r#"{"id":"1","date":1,"items":[],"payment":{}}"#),
        ("items", r#"{"id":"1","items":{},"payment":{}}"#),
        ("payment", r#"{"id":"1","items":[],"payment":[]}"#),
    ] {
        assert_eq!(create(&stack.order, body).await.json()["field"], field);
    }
    assert_eq!(get(&format!("{}/readyz", stack.order)).await.status, 200);
    assert_eq!(create(&stack.order, ORDER).await.degraded, "", "and the chain is whole");
}

#[tokio::test]
async fn a_date_is_a_time_or_a_day() {
    let stack = Stack::start(&[]).await;
    let saved = async |date: &str| {
        let document = format!(r#"{{"id":"1","date":"{date}","items":[],"payment":{{}}}}"#);
        try_create(&stack.order, 9, &document).await.expect("an answer");
        get(&format!("{}/orders?limit=1", stack.order)).await.json()["orders"][0]["date"].clone()
    };
    assert_eq!(saved("2026-11-21").await, "2026-11-21T00:00:00Z");
    assert_eq!(saved("2026-11-21T12:00:00+02:00").await, "2026-11-21T10:00:00Z");
}
