//! The chain without anything of ours: axum, reqwest and mongodb as their documentation shows them.
//!
//! No log, no limits, no circuit, no checks beyond the fields: what remains is what HTTP and a database cost. It is set by
//! the same variables: `SERVICE`, `PORT`, `CHAIN_SVC`, `JUMPS`, `MONGO_URL`.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use mongodb::bson::{Document, serialize_to_document};
use mongodb::{Client, Collection};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::env;
use std::error::Error;
use std::sync::Arc;
use tokio::net::TcpListener;

/// A document of one of the three services.
trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    const NAME: &'static str;
    fn next(&self) -> Option<&Value>;
}

#[derive(Serialize, Deserialize)]
struct Order {
    id: String,
    items: Vec<Value>,
    payment: Value,
}

impl Record for Order {
    const NAME: &'static str = "order";
    fn next(&self) -> Option<&Value> {
        Some(&self.payment)
    }
}

#[derive(Serialize, Deserialize)]
struct Payment {
    id: String,
    amount: f64,
    shipment: Value,
}

impl Record for Payment {
    const NAME: &'static str = "payment";
    fn next(&self) -> Option<&Value> {
        Some(&self.shipment)
    }
}

#[derive(Serialize, Deserialize)]
struct Shipment {
    id: String,
    directions: String,
}

impl Record for Shipment {
    const NAME: &'static str = "shipment";
    fn next(&self) -> Option<&Value> {
        None
    }
}

/// What the route works with.
struct App {
    name: &'static str,
    jumps: u32,
    chain_svc: Option<String>,
    collection: Collection<Document>,
    client: reqwest::Client,
}

#[derive(Deserialize)]
struct Count {
    #[serde(default)]
    count: u32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match env::var("SERVICE")?.as_str() {
        Order::NAME => serve::<Order>().await,
        Payment::NAME => serve::<Payment>().await,
        Shipment::NAME => serve::<Shipment>().await,
        other => Err(format!("SERVICE={other} is none of order, payment and shipment").into()),
    }
}

async fn serve<R: Record>() -> Result<(), Box<dyn Error>> {
    let client = Client::with_uri_str(env::var("MONGO_URL")?).await?;
    let database = client.default_database().ok_or("MONGO_URL names no database")?;
    let app = Arc::new(App {
        name: R::NAME,
        jumps: env::var("JUMPS").map_or(Ok(6), |jumps| jumps.parse())?,
        chain_svc: env::var("CHAIN_SVC").ok(),
        collection: database.collection(&format!("{}s", R::NAME)),
        client: reqwest::Client::new(),
    });
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/create", post(create::<R>))
        .with_state(app);
    let port: u16 = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    axum::serve(TcpListener::bind(("127.0.0.1", port)).await?, router).await?;
    Ok(())
}

async fn create<R: Record>(
    State(app): State<Arc<App>>,
    Query(Count { count }): Query<Count>,
    Json(record): Json<R>,
) -> Result<Json<Value>, Failure> {
    let hop = count + 1;
    app.collection.insert_one(serialize_to_document(&record)?).await?;
    if hop >= app.jumps {
        return Ok(Json(json!({ "location": app.name, "data": "Last" })));
    }
    let (Some(chain_svc), Some(part)) = (&app.chain_svc, record.next()) else {
        return Ok(Json(json!({ "location": app.name, "data": record })));
    };
    let answer = app.client.post(format!("{chain_svc}?count={hop}")).json(part).send().await?;
    let answer: Value = answer.error_for_status()?.json().await?;
    Ok(Json(json!({ "location": app.name, "data": record, "response": answer })))
}

/// Whatever went wrong.
struct Failure(Box<dyn Error>);

impl<E: Into<Box<dyn Error>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> axum::response::Response {
        (StatusCode::BAD_GATEWAY, self.0.to_string()).into_response()
    }
}
