//! A service on axum that stands before a flaky one: 502 where that one fails, 503 with `Retry-After` while the circuit is
//! open, and `/circuit` to look at it.
//!
//! ```text
//! cargo run -q -p breaker --example axum
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use axum::extract::State;
use axum::http::{StatusCode, header::RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use breaker::{Breaker, CallError};
use serde_json::{Value, json};
use std::error::Error;
use std::future::IntoFuture as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time;

/// What the handlers share.
#[derive(Clone)]
struct Shop {
    breaker: Breaker,
    client: reqwest::Client,
    upstream: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    run().await.map(|_| ())
}

/// Plays the story; what the client was answered: the status, and `Retry-After` where it is there.
pub(crate) async fn run() -> Result<Vec<(u16, Option<u64>)>, Box<dyn Error>> {
    let up = Arc::new(AtomicBool::new(true));
    let upstream = serve(upstream(Arc::clone(&up))).await?;
    let breaker = Breaker::builder("prices").timeout(Duration::from_secs(5)).volume(2).build()?;
    let shop = Shop { breaker: breaker.clone(), client: reqwest::Client::new(), upstream };
    let shop = serve(router(shop)).await?;
    let client = reqwest::Client::new();
    let mut answers = Vec::new();

    answers.push(ask(&client, &shop, "the upstream works").await?);
    up.store(false, Ordering::Relaxed);
    answers.push(ask(&client, &shop, "it fails").await?);
    answers.push(ask(&client, &shop, "it fails again").await?);
    answers.push(ask(&client, &shop, "the circuit is open").await?);
    let circuit: Value = client.get(format!("{shop}/circuit")).send().await?.json().await?;
    println!("GET /circuit: {circuit}");

    up.store(true, Ordering::Relaxed);
    pass(breaker.settings().reset).await;
    answers.push(ask(&client, &shop, "mended, ten seconds later").await?);
    println!("the circuit is {}", breaker.state());
    Ok(answers)
}

/// The service: `/price` and `/circuit`.
fn router(shop: Shop) -> Router {
    Router::new().route("/price", get(price)).route("/circuit", get(circuit)).with_state(shop)
}

async fn price(State(shop): State<Shop>) -> Response {
    let asked = async {
        let response = shop.client.get(format!("{}/price", shop.upstream)).send().await?;
        response.error_for_status()?.text().await
    };
    match shop.breaker.call(asked).await {
        Ok(price) => price.into_response(),
        Err(CallError::Open { retry_after }) => {
            // Whole seconds, rounded up: who comes back earlier is refused again.
            let seconds = retry_after.as_secs_f64().ceil().max(1.0) as u64;
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, seconds.to_string())]).into_response()
        }
        Err(CallError::Full { .. }) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(CallError::TimedOut { .. }) => StatusCode::GATEWAY_TIMEOUT.into_response(),
        // The client gets no more than the status: what went wrong inside is for the log.
        Err(CallError::Failed(_)) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn circuit(State(shop): State<Shop>) -> Json<Value> {
    let snapshot = shop.breaker.snapshot();
    Json(json!({
        "name": shop.breaker.name(),
        "state": snapshot.state.to_string(),
        "probe_in_ms": snapshot.probe_in.map(|time| time.as_millis() as u64),
        "calls": snapshot.counts.fires,
        "failures": snapshot.counts.failures,
        "refused": snapshot.counts.rejects,
        "error_rate": snapshot.counts.error_rate(),
    }))
}

/// What stands behind: it works for as long as `up` is true.
fn upstream(up: Arc<AtomicBool>) -> Router {
    let price = move || {
        let up = up.load(Ordering::Relaxed);
        async move { if up { Ok("250") } else { Err(StatusCode::INTERNAL_SERVER_ERROR) } }
    };
    Router::new().route("/price", get(price))
}

/// Serves on a free port until the runtime ends; the address.
async fn serve(router: Router) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(format!("http://{address}"))
}

async fn ask(client: &reqwest::Client, shop: &str, when: &str) -> reqwest::Result<(u16, Option<u64>)> {
    let response = client.get(format!("{shop}/price")).send().await?;
    let retry_after = response.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    println!(
        "{when}: {}{}",
        response.status(),
        retry_after.map_or(String::new(), |s| format!(", Retry-After: {s}"))
    );
    Ok((response.status().as_u16(), retry_after))
}

/// Moves the clock, so that nobody has to wait for this example.
async fn pass(duration: Duration) {
    time::pause();
    time::advance(duration).await;
    time::resume();
}
