//! Clients that want their orders taken: each sends one after the other, and again with the same key until it is
//! acknowledged. Now and then one loses patience.

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Client;
use std::collections::HashSet;
use std::fmt;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const CLIENTS: usize = 6;
/// For an answer. Then it is asked again, with the same key.
const PATIENCE: Duration = Duration::from_secs(3);
/// Of a client that has none: its order may have been taken, or not.
const HASTE: Duration = Duration::from_millis(4);
const PAUSE: Duration = Duration::from_millis(20);

/// Clients at work.
pub(crate) struct Load {
    stop: CancellationToken,
    clients: JoinSet<Orders>,
}

/// What became of the orders, by their `id`.
#[derive(Default)]
pub(crate) struct Orders {
    pub(crate) acknowledged: HashSet<String>,
    /// Sent, and never answered.
    pub(crate) unsure: HashSet<String>,
    /// Of the acknowledged ones, those that went all the way at once.
    at_once: usize,
    /// And those that the second or a later try got through.
    again: usize,
}

impl Load {
    pub(crate) fn start(door: &str, seed: u64) -> Self {
        let stop = CancellationToken::new();
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let client = Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
            let random = SmallRng::seed_from_u64(seed.wrapping_add(number as u64));
            clients.spawn(orders(client, format!("{door}/create"), number, random, stop.clone()));
        }
        Self { stop, clients }
    }

    pub(crate) async fn stop(mut self) -> Orders {
        self.stop.cancel();
        let mut all = Orders::default();
        while let Some(orders) = self.clients.join_next().await {
            let orders = orders.expect("a client does not panic");
            all.acknowledged.extend(orders.acknowledged);
            all.unsure.extend(orders.unsure);
            all.at_once += orders.at_once;
            all.again += orders.again;
        }
        all
    }
}

async fn orders(
    client: Client,
    url: String,
    number: usize,
    mut random: SmallRng,
    stop: CancellationToken,
) -> Orders {
    let mut orders = Orders::default();
    for count in 0.. {
        let id = format!("{number}-{count}");
        let hasty = random.random_bool(0.05);
        let mut tries = 0;
        loop {
            if stop.is_cancelled() && tries == 0 {
                return orders;
            }
            tries += 1;
            let answer = send(&client, &url, &id, hasty.then_some(HASTE)).await;
            match answer {
                Some(went_through) => {
                    orders.at_once += usize::from(went_through);
                    orders.again += usize::from(tries > 1);
                    orders.acknowledged.insert(id);
                    break;
                }
                None if hasty || stop.is_cancelled() => {
                    orders.unsure.insert(id);
                    break;
                }
                None => sleep(PAUSE).await,
            }
        }
    }
    orders
}

/// Sends an order. Where it was acknowledged, whether it went all the way.
async fn send(client: &Client, url: &str, id: &str, patience: Option<Duration>) -> Option<bool> {
    let document = format!(
        r#"{{"id":"{id}","items":[],"payment":{{"id":"{id}","amount":1,"shipment":{{"id":"{id}","directions":"home"}}}}}}"#
    );
    let mut request = client
        .post(url)
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("idempotency-key", format!("\"order-{id}\""))
        .body(document);
    if let Some(patience) = patience {
        request = request.timeout(patience);
    }
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    match status {
        200 | 202 => {
            let went_through = !response.headers().contains_key("x-degraded");
            // What was acknowledged has to be read to its end.
            response.bytes().await.ok()?;
            Some(went_through)
        }
        // The store is away, too much is under way, or the first try is.
        503 | 429 | 409 => None,
        other => panic!("order {id}: {other}: {:?}", response.text().await),
    }
}

impl fmt::Display for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, unsure, at_once, again } = self;
        let (acknowledged, unsure) = (acknowledged.len(), unsure.len());
        write!(
            f,
            "{acknowledged} orders acknowledged, {at_once} of them went all the way at once, {again} needed another try; {unsure} unsure"
        )
    }
}
