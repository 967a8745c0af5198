//! Three processes: a circuit opens, refuses and heals; neighbours that die.

use crate::programs::{Chain, ORDER, PAYMENT, create, keys};
use std::time::Duration;
use testkit::eventually;

const LIMIT: Duration = Duration::from_secs(30);
/// The circuit alone, as in the original: nothing is sent but what a client asks for.
const NO_QUEUE: (&str, &str) = ("FALLBACK", "none");

/// The states of the circuit to shipment, in the order in which the log told them.
fn turns(lines: &[String]) -> Vec<&'static str> {
    let named = |line: &String| {
        ["opened", "halfOpened", "closed"]
            .into_iter()
            .find(|turn| line.contains(&format!("🔌 status:: {turn} circuit=\"payment→shipment\"")))
    };
    lines.iter().filter_map(named).collect()
}

#[tokio::test]
async fn twenty_posts_open_the_circuit_and_it_heals_by_itself() {
    let faults = [("INJECT_ERR", "1"), ("INJECT_ERR_PERCENT", "100")];
    let mut chain = Chain::start(&[NO_QUEUE, ("BREAKER_RESET_MS", "2000")], &faults).await;
    let mut codes = Vec::new();
    for _ in 0..20 {
        let answer = create(&chain.order.url, ORDER).await;
        assert_eq!(
            (answer.status, answer.degraded.as_str()),
            (200, "shipment"),
            "the order itself was taken"
        );
        let error = answer.json()["data"]["response"]["error"]["code"].take();
        codes.push(error.as_str().expect("a code").to_owned());
    }
    let sent = codes.iter().filter(|code| *code == "EUPSTREAM").count();
    assert_eq!(codes[0], "EUPSTREAM");
    assert!(codes.contains(&"EOPENBREAKER".to_owned()), "{codes:?}");
    let shipments = keys(&chain.shipment.url, "shipments").await.len();
    assert_eq!(shipments, sent, "a refused call does not reach shipment");
    assert_eq!(keys(&chain.payment.url, "payments").await.len(), 20);

    chain.shipment.restart(&[("INJECT_ERR", "0")]).await;
    eventually("the circuit heals", LIMIT, async || {
        create(&chain.order.url, ORDER).await.degraded.is_empty().then_some(())
    })
    .await;
    // The log is written a moment later.
    chain.payment.process.wait_for_line(|line| line.contains("🔌 status:: closed")).await;
    let turns = turns(&chain.payment.process.lines());
    assert_eq!(turns.first(), Some(&"opened"));
    assert_eq!(turns[turns.len() - 2..], ["halfOpened", "closed"]);
    assert!(
        !chain.order.process.lines().iter().any(|line| line.contains("opened")),
        "order's own circuit saw no failure"
    );
}

#[tokio::test]
async fn the_log_tells_every_state_with_its_figures() {
    let faults = [("INJECT_ERR", "1"), ("INJECT_ERR_PERCENT", "100")];
    let settings = [NO_QUEUE, ("BREAKER_RESET_MS", "3000"), ("BREAKER_TIMEOUT_MS", "1000")];
    let mut chain = Chain::start(&settings, &faults).await;
    create(&chain.payment.url, PAYMENT).await;
    create(&chain.payment.url, PAYMENT).await;
    chain.payment.process.wait_for_line(|line| line.contains("halfOpened")).await;
    chain.shipment.restart(&[("INJECT_ERR", "0")]).await;
    eventually("the circuit heals", LIMIT, async || {
        create(&chain.payment.url, PAYMENT).await.degraded.is_empty().then_some(())
    })
    .await;
    chain.shipment.process.pause();
    create(&chain.payment.url, PAYMENT).await;
    chain.shipment.process.resume();

    let circuit = "circuit=\"payment→shipment\"";
    for wanted in [
        format!("🔌 status:: failed {circuit} rate=100% failures=1 calls=1"),
        format!("🔌 status:: opened {circuit} rate=100% failures=1 calls=1 probe_in=3.0s"),
        format!("🔌 status:: rejected {circuit} rate=50% probe_in="),
        format!("🔌 status:: halfOpened {circuit} rate="),
        format!("🔌 status:: closed {circuit} rate="),
        format!("🔌 status:: success {circuit} rate="),
        format!("🔌 status:: timed out {circuit} rate="),
        "🍀 saving payment...".to_owned(),
        "👌 success payment... key=".to_owned(),
    ] {
        chain.payment.process.wait_for_line(|line| line.contains(&wanted)).await;
    }
}

#[tokio::test]
async fn who_is_given_up_for_the_callers_sake_has_timed_out() {
    // All hops have the same time, so payment gives up before its own is over: it has to answer order within that.
    let mut chain = Chain::start(&[NO_QUEUE, ("BREAKER_TIMEOUT_MS", "1500")], &[]).await;
    chain.shipment.process.pause();
    let answer = create(&chain.order.url, ORDER).await;
    assert_eq!(answer.degraded, "shipment", "{}", answer.text);
    let timed_out = "🔌 status:: timed out circuit=\"payment→shipment\"";
    chain.payment.process.wait_for_line(|line| line.contains(timed_out)).await;
    chain.shipment.process.resume();
}

#[tokio::test]
async fn a_dead_neighbour_takes_nobody_with_it() {
    let mut chain = Chain::start(&[NO_QUEUE, ("BREAKER_RESET_MS", "500"), ("STRICT_STATUS", "1")], &[]).await;
    assert_eq!(create(&chain.order.url, ORDER).await.status, 200);

    chain.payment.process.kill().await;
    let answer = create(&chain.order.url, ORDER).await;
    assert_eq!(answer.status, 502);
    assert_eq!(answer.json()["error"]["code"], "ECONNECT");

    chain.payment.restart(&[]).await;
    eventually("order's circuit heals", LIMIT, async || {
        (create(&chain.order.url, ORDER).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_frozen_neighbour_is_given_up_in_time() {
    let mut chain =
        Chain::start(&[NO_QUEUE, ("STRICT_STATUS", "1"), ("BREAKER_TIMEOUT_MS", "300")], &[]).await;
    chain.shipment.process.pause();
    let answer = create(&chain.payment.url, PAYMENT).await;
    assert_eq!(answer.status, 504);
    assert_eq!(answer.json()["error"]["message"], "shipment did not answer within 300 ms");
    let refused = create(&chain.payment.url, PAYMENT).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &"EOPENBREAKER".into()));
    chain.shipment.process.resume();
}
