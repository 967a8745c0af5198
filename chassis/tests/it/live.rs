//! A service that listens, on a store in memory: so that a clock that is moved is not held up by a disk.

use crate::parcel::{PARCEL, service_on};
use chassis::store::{Entry, Inserted, Outbox, Page, Pending, Saved, Store};
use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Keeps documents while it lives.
#[derive(Debug, Default)]
struct Memory(Mutex<Vec<Arc<Entry>>>);

impl Outbox for Memory {}

impl Store for Memory {
    fn insert(&self, entry: Arc<Entry>) -> Pending<'_, Inserted> {
        self.0.lock().expect("no panic in here").push(entry);
        Box::pin(async { Ok(Inserted::Kept) })
    }

    fn get(&self, _: Uuid) -> Pending<'_, Option<Saved>> {
        Box::pin(async { Ok(None) })
    }

    fn list(&self, _: u32, _: Option<Uuid>) -> Pending<'_, Page> {
        Box::pin(async { Ok(Page { documents: Vec::new(), more: false }) })
    }

    fn ping(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// A service that listens.
pub(crate) struct Live {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<()>,
    pub(crate) client: Client,
    store: Arc<Memory>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) json: Value,
}

impl Heard {
    /// What is said of the faults that struck.
    pub(crate) fn fault(&self) -> &str {
        self.headers.get("x-chaos-fault").map_or("", |value| value.to_str().expect("ASCII"))
    }
}

impl Live {
    pub(crate) async fn start(flags: &[&str]) -> Self {
        let store = Arc::new(Memory::default());
        let kept: Arc<dyn Store> = store.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let served = tokio::spawn(service_on(kept, flags).serve(listener, stop.clone()));
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { address, stop, served, client, store }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many documents it has saved.
    pub(crate) fn saved(&self) -> usize {
        self.store.0.lock().expect("no panic in here").len()
    }

    /// Asks, and sends `body` as JSON where it is not null.
    pub(crate) async fn try_ask(&self, method: Method, path: &str, body: Value) -> reqwest::Result<Heard> {
        let mut request =
            self.client.request(method, self.url(path)).header(header::ACCEPT, "application/json");
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await?;
        let json = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        Ok(Heard { status, headers, json })
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> Heard {
        self.try_ask(method, path, body).await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Heard {
        self.ask(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str) -> Heard {
        self.ask(Method::POST, path, Value::Null).await
    }

    /// One order.
    pub(crate) async fn order(&self) -> Heard {
        self.try_order().await.expect("an answer")
    }

    /// One order with this document.
    pub(crate) async fn order_of(&self, document: Value) -> Heard {
        self.ask(Method::POST, "/create", document).await
    }

    pub(crate) async fn try_order(&self) -> reqwest::Result<Heard> {
        self.try_ask(Method::POST, "/create", serde_json::from_str(PARCEL).expect("JSON")).await
    }

    /// Puts a rule in force.
    pub(crate) async fn rule(&self, name: &str, rule: Value) {
        let answer = self.ask(Method::PUT, &format!("/chaos/rules/{name}"), rule).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }

    pub(crate) async fn stopped(self) {
        self.stop.cancel();
        self.served.await.expect("it stops without a panic");
    }
}
