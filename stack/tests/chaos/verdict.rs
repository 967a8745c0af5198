//! What is there afterwards: of every order one, of none two, and nothing that nobody sent.

use crate::load::Orders;
use crate::programs::get;
use crate::world::World;
use std::collections::HashMap;

/// Panics where something is lost, there twice, or there although nobody sent it.
pub(crate) async fn judge(sent: &Orders, world: &World) {
    let [order, payment, shipment] = &world.services;
    let orders = kept(&order.url, "orders").await;
    let payments = kept(&payment.url, "payments").await;
    let shipments = kept(&shipment.url, "shipments").await;

    let mut wrong = Vec::new();
    for id in &sent.acknowledged {
        if !orders.contains_key(id) {
            wrong.push(format!("order {id} was acknowledged, and is lost"));
        }
    }
    for (id, times) in &orders {
        if !sent.acknowledged.contains(id) && !sent.unsure.contains(id) {
            wrong.push(format!("order {id} was never sent"));
        }
        let (paid, shipped) = (payments.get(id).unwrap_or(&0), shipments.get(id).unwrap_or(&0));
        if (*times, *paid, *shipped) != (1, 1, 1) {
            wrong.push(format!(
                "order {id} is there {times} times, paid {paid} times, shipped {shipped} times"
            ));
        }
    }
    for id in payments.keys().chain(shipments.keys()) {
        if !orders.contains_key(id) {
            wrong.push(format!("{id} was paid or shipped without an order"));
        }
    }
    assert!(
        sent.acknowledged.len() > 100,
        "only {} orders came through: that shows little",
        sent.acknowledged.len()
    );
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {} orders are wrong:\n{}", wrong.len(), orders.len(), wrong.join("\n"));
}

/// How often each `id` is kept.
async fn kept(url: &str, records: &str) -> HashMap<String, u32> {
    let mut kept = HashMap::new();
    let mut path = format!("/{records}?limit=100");
    loop {
        let page = get(&format!("{url}{path}")).await.json();
        for document in page[records].as_array().expect("a page") {
            *kept.entry(document["id"].as_str().expect("an id").to_owned()).or_default() += 1;
        }
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut path),
            None => return kept,
        }
    }
}
