//! Sends orders to the first service of the chain: one that somebody asked for, or one of a load.

use crate::answer::{self, Missed};
use crate::limits;
use crate::settings::Peer;
use axum::http::StatusCode;
use chassis::Problem;
use rand::seq::IndexedRandom as _;
use rand::{Rng, RngExt as _};
use reqwest::{Client, Response, Url, header};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Names the service for which a degraded answer stands in.
const DEGRADED: &str = "x-degraded";

/// Where orders are sent to.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    client: Client,
    url: Url,
    /// The first service's name.
    name: String,
}

/// What became of an order.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) took: Duration,
    /// The service that did not answer, however far down.
    pub(crate) degraded: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Orders {
    pub(crate) fn new(client: Client, first: &Peer) -> Self {
        let mut url = first.url.clone();
        url.set_path("/create");
        Self { client, url, name: first.name.clone() }
    }

    /// One order of the load.
    pub(crate) async fn send(&self, order: &Value) -> Result<Answered, Missed> {
        self.follow(self.post(0, order)).await
    }

    /// One order that is shown hop by hop, however many others there are.
    pub(crate) async fn send_watched(
        &self,
        count: u32,
        order: &Value,
        trace: &str,
    ) -> Result<Answered, Missed> {
        let parent = format!("00-{trace}-{}-01", digits(16));
        let request =
            self.post(count, order).header("traceparent", parent).header("tracestate", "retail=watch");
        self.follow(request).await
    }

    fn post(&self, count: u32, order: &Value) -> reqwest::RequestBuilder {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("count", &count.to_string());
        self.client.post(url).header(header::ACCEPT, "application/json").json(order)
    }

    async fn follow(&self, request: reqwest::RequestBuilder) -> Result<Answered, Missed> {
        let begun = Instant::now();
        let all = async {
            let mut response = request.send().await.map_err(|_| Missed::Unreachable)?;
            let (status, degraded) = (response.status(), degraded(&response));
            let body = answer::whole(&mut response).await?;
            Ok(Answered { status, took: begun.elapsed(), degraded, body })
        };
        timeout(limits::ORDER_TIME, all).await.unwrap_or(Err(Missed::Slow(limits::ORDER_TIME)))
    }

    /// What a client is told where there is no answer.
    pub(crate) fn problem(&self, missed: Missed) -> Problem {
        missed.problem(&self.name)
    }
}

fn degraded(response: &Response) -> Option<String> {
    response.headers().get(DEGRADED)?.to_str().ok().map(ToOwned::to_owned)
}

/// Random hexadecimal digits, not all of them 0.
pub(crate) fn digits(number: usize) -> String {
    let mut rng = rand::rng();
    let mut digits: String =
        (1..number).map(|_| char::from_digit(rng.random_range(0..16), 16).expect("a digit")).collect();
    digits.push(char::from_digit(rng.random_range(1..16), 16).expect("a digit"));
    digits
}

/// An order that somebody might have placed.
pub(crate) fn invent(rng: &mut impl Rng) -> Value {
    const GOODS: [(&str, f64); 8] = [
        ("espresso beans, 1 kg", 18.9),
        ("tea, loose, 250 g", 9.5),
        ("kettle", 49.0),
        ("mug", 12.0),
        ("filter papers, 100", 4.2),
        ("hand grinder", 79.9),
        ("oat milk, 6 l", 14.7),
        ("scales", 35.5),
    ];
    const NAMES: [&str; 10] =
        ["Ada", "Alan", "Barbara", "Edsger", "Frances", "Grace", "Joe", "Leslie", "Margaret", "Tony"];
    const STREETS: [&str; 6] =
        ["Quay Street", "Mill Lane", "Rue du Port", "Am Hafen", "Via Roma", "Calle Mayor"];
    const PLACES: [&str; 6] = ["Galway", "Cambridge", "Brest", "Hamburg", "Torino", "Cádiz"];
    let one_of = |list: &[&'static str], rng: &mut _| *list.choose(rng).expect("it is not empty");

    let mut amount = 0.0;
    let items: Vec<_> = (0..rng.random_range(1..=4))
        .map(|_| {
            let (name, price) = *GOODS.choose(rng).expect("it is not empty");
            let quantity = rng.random_range(1..=3);
            amount += price * f64::from(quantity);
            json!({ "name": name, "quantity": quantity, "price": price })
        })
        .collect();
    let id = rng.random_range(10_000..100_000);
    let directions = format!(
        "{}, {} {}, {}; {}",
        one_of(&NAMES, rng),
        rng.random_range(1..200),
        one_of(&STREETS, rng),
        one_of(&PLACES, rng),
        one_of(&["ring twice", "leave it with the neighbour", "third floor", "at the back door"], rng),
    );
    let amount = (amount * 100.0).round() / 100.0;
    json!({
        "id": format!("o-{id}"),
        "items": items,
        "payment": {
            "id": format!("p-{id}"),
            "amount": amount,
            "shipment": { "id": format!("s-{id}"), "directions": directions },
        },
    })
}
