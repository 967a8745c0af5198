//! What is acknowledged survives the death of anything, on both stores.

use crate::programs::{Chain, ORDER, Stack, create, keys, ready, try_create};
use std::collections::HashSet;
use testkit::Mongod;
use tokio::task::JoinSet;

/// Posts orders from several clients until the service is gone; gives the keys that were acknowledged.
fn load(url: &str) -> JoinSet<Vec<String>> {
    let mut load = JoinSet::new();
    for _ in 0..4 {
        let url = url.to_owned();
        load.spawn(async move {
            let mut acknowledged = Vec::new();
            while let Ok(answer) = try_create(&url, 0, ORDER).await {
                assert_eq!(answer.status, 200, "{}", answer.text);
                acknowledged.push(answer.json()["data"]["key"].as_str().expect("a key").to_owned());
            }
            acknowledged
        });
    }
    load
}

async fn acknowledged(mut load: JoinSet<Vec<String>>) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(keys) = load.join_next().await {
        all.extend(keys.expect("no panic"));
    }
    all
}

fn assert_all_there(acknowledged: &[String], kept: Vec<String>) {
    let kept: HashSet<_> = kept.into_iter().collect();
    let lost: Vec<_> = acknowledged.iter().filter(|key| !kept.contains(*key)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged orders are lost: {lost:?}",
        lost.len(),
        acknowledged.len()
    );
}

#[tokio::test]
async fn the_embedded_store_survives_kill_9_of_the_process() {
    let mut stack = Stack::start(&[
        ("INJECT_ERR", "0"),
        ("BREAKER_TIMEOUT_MS", "0"),
        ("RUST_LOG", "warn,chassis::service=info"),
    ])
    .await;
    let load = load(&stack.order);
    testkit::eventually("the load is under way", std::time::Duration::from_secs(30), async || {
        (keys(&stack.order, "orders").await.len() >= 40).then_some(())
    })
    .await;
    stack.process.kill().await;
    let acknowledged = acknowledged(load).await;
    assert!(acknowledged.len() >= 30);
    stack.restart().await;
    assert_all_there(&acknowledged, keys(&stack.order, "orders").await);
}

#[tokio::test]
async fn mongodb_survives_kill_9_of_the_service_and_of_the_server() {
    let mut mongod = Mongod::start().await;
    let mut chain = Chain::start(&[("MONGO_URL", &mongod.url()), ("BREAKER_TIMEOUT_MS", "0")], &[]).await;
    let load = load(&chain.order.url);
    testkit::eventually("the load is under way", std::time::Duration::from_secs(30), async || {
        (keys(&chain.order.url, "orders").await.len() >= 40).then_some(())
    })
    .await;
    chain.order.process.kill().await;
    mongod.kill().await;
    let acknowledged = acknowledged(load).await;
    assert!(acknowledged.len() >= 30);

    // Back in the wrong order: the service first.
    chain.order.restart(&[]).await;
    assert_eq!(create(&chain.order.url, ORDER).await.status, 503, "listening, though not ready");
    mongod.restart().await;
    ready(&chain.order.url).await;
    assert_all_there(&acknowledged, keys(&chain.order.url, "orders").await);
}

#[tokio::test]
async fn on_mongodb_an_order_goes_all_the_way_and_each_service_has_its_collection() {
    let mongod = Mongod::start().await;
    let chain = Chain::start(&[("MONGO_URL", &mongod.url())], &[]).await;
    let answer = create(&chain.order.url, ORDER).await;
    assert_eq!((answer.status, answer.degraded.as_str()), (200, ""), "{}", answer.text);
    let answer = answer.json();
    let payment = &answer["data"]["response"];
    for (service, records, answer) in [
        (&chain.order, "orders", &answer),
        (&chain.payment, "payments", payment),
        (&chain.shipment, "shipments", &payment["data"]["response"]),
    ] {
        assert_eq!(keys(&service.url, records).await, [answer["data"]["key"].as_str().expect("a key")]);
    }
}

#[tokio::test]
async fn the_password_of_the_database_is_shown_nowhere() {
    let chain =
        Chain::start(&[("MONGO_URL", "mongodb://shop:hunter2@127.0.0.1:1"), ("RUST_LOG", "debug")], &[])
            .await;
    let answer = create(&chain.order.url, ORDER).await;
    assert_eq!(answer.status, 503);
    let mut order = chain.order;
    order.process.terminate().await;
    let said = order.process.lines().join("\n") + &answer.text;
    assert!(said.contains("the store of orders failed"), "the cause is in the log:\n{said}");
    assert!(!said.contains("hunter2"), "{said}");
}
