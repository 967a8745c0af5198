//! No order is lost: processes that freeze or die, and afterwards each order has one payment and one shipment.

use crate::programs::{Chain, ORDER, create, get, keys};
use std::time::Duration;
use testkit::{Mongod, eventually};

const LIMIT: Duration = Duration::from_secs(60);
const QUICK: (&str, &str) = ("BREAKER_RESET_MS", "200");

async fn drained(url: &str) {
    eventually("the queue is empty", LIMIT, async || {
        let queue = get(&format!("{url}/queue")).await.json();
        queue["queue"].as_array().is_some_and(Vec::is_empty).then_some(())
    })
    .await;
}

async fn counts(chain: &Chain) -> (usize, usize, usize) {
    drained(&chain.order.url).await;
    drained(&chain.payment.url).await;
    (
        keys(&chain.order.url, "orders").await.len(),
        keys(&chain.payment.url, "payments").await.len(),
        keys(&chain.shipment.url, "shipments").await.len(),
    )
}

#[tokio::test]
async fn a_payment_that_freezes_and_thaws_is_made_once() {
    let mut chain = Chain::start(&[QUICK, ("BREAKER_TIMEOUT_MS", "300")], &[]).await;
    chain.payment.process.pause();
    for _ in 0..3 {
        let answer = create(&chain.order.url, ORDER).await;
        assert_eq!((answer.status, &answer.json()["queued"]), (200, &true.into()), "{}", answer.text);
    }
    chain.payment.process.resume();
    assert_eq!(counts(&chain).await, (3, 3, 3));
}

#[tokio::test]
async fn an_order_whose_process_dies_in_the_midst_of_it_is_delivered() {
    let mongod = Mongod::start().await;
    for mongo in [None, Some(mongod.url())] {
        let mut all = vec![QUICK, ("BREAKER_TIMEOUT_MS", "1000")];
        all.extend(mongo.as_deref().map(|url| ("MONGO_URL", url)));
        let mut chain = Chain::start(&all, &[]).await;
        chain.payment.process.pause();
        let url = chain.order.url.clone();
        let under_way = tokio::spawn(async move { crate::programs::try_create(&url, 0, ORDER).await });
        chain.order.process.wait_for_line(|line| line.contains("👌 success order")).await;
        chain.order.process.kill().await;
        assert!(under_way.await.expect("no panic").is_err(), "nobody was told anything");
        chain.payment.process.resume();
        chain.order.restart(&[]).await;
        assert_eq!(counts(&chain).await, (1, 1, 1), "on {mongo:?}");
    }
}

#[tokio::test]
async fn a_shipment_that_always_fails_gets_its_orders_when_it_is_mended() {
    let faults = [("INJECT_ERR", "1"), ("INJECT_ERR_PERCENT", "100")];
    let mut chain = Chain::start(&[QUICK], &faults).await;
    for _ in 0..5 {
        let answer = create(&chain.order.url, ORDER).await;
        assert_eq!((answer.status, answer.degraded.as_str()), (200, "shipment"));
        assert_eq!(answer.json()["data"]["response"]["queued"], true, "{}", answer.text);
    }
    chain.shipment.restart(&[("INJECT_ERR", "0")]).await;
    assert_eq!(counts(&chain).await, (5, 5, 5));
    let said = chain.payment.process.lines();
    assert!(said.iter().any(|line| line.contains("📮 delivered what had waited")), "{said:#?}");
}

#[tokio::test]
async fn a_repeated_order_makes_one_payment_and_one_shipment() {
    let chain = Chain::start(&[QUICK], &[]).await;
    let post = async || {
        let request = crate::programs::client().post(format!("{}/create", chain.order.url));
        let request = request.header("content-type", "application/json").header("idempotency-key", "\"7\"");
        let answer =
            request.header("accept", "application/json").body(ORDER).send().await.expect("an answer");
        let replayed = answer.headers().contains_key("idempotency-replayed");
        (replayed, answer.json::<serde_json::Value>().await.expect("JSON"))
    };
    let (replayed, first) = post().await;
    assert!(!replayed);
    for _ in 0..3 {
        let (replayed, again) = post().await;
        assert!(replayed);
        assert_eq!(again["data"], first["data"]);
    }
    assert_eq!(counts(&chain).await, (1, 1, 1));
}
