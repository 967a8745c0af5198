//! Connections, limits, clients that go away, stopping: on real sockets.

use crate::parcel::{PARCEL, get, post, service_on};
use crate::running::Running;
use axum::http::StatusCode;
use chassis::store::{Entry, Inserted, Outbox, Page, Pending, Saved, Store};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use testkit::{Behaviour, Peer, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Bytes of the slow store's one document.
const PAGE: usize = 400 * 1024;
const LIMIT: Duration = Duration::from_secs(20);

/// The head of a POST whose body is still to come.
fn head(length: usize) -> String {
    format!(
        "POST /create HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// A store that does its work when it is let.
#[derive(Debug, Default)]
struct SlowStore {
    asked: Gate,
    gate: Gate,
    kept: std::sync::Mutex<Vec<Arc<Entry>>>,
}

/// A semaphore without permits.
#[derive(Debug)]
struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl SlowStore {
    fn kept(&self) -> usize {
        self.kept.lock().expect("no panic in here").len()
    }

    async fn asked(&self, times: u32) {
        self.asked.0.acquire_many(times).await.expect("never closed").forget();
    }
}

impl Store for SlowStore {
    fn insert(&self, entry: Arc<Entry>) -> Pending<'_, Inserted> {
        Box::pin(async move {
            self.asked.0.add_permits(1);
            self.gate.0.acquire().await.expect("never closed").forget();
            self.kept.lock().expect("no panic in here").push(entry);
            Ok(Inserted::Kept)
        })
    }

    fn get(&self, _: Uuid) -> Pending<'_, Option<Saved>> {
        Box::pin(async { Ok(None) })
    }

    fn list(&self, _: u32, _: Option<Uuid>) -> Pending<'_, Page> {
        let document = json!({ "text": "x".repeat(PAGE) });
        Box::pin(async move {
            Ok(Page { documents: vec![Saved::new(&document).expect("an object")], more: false })
        })
    }

    fn ping(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

impl Outbox for SlowStore {}

#[tokio::test]
async fn both_versions_of_http_are_served_on_one_port() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(folder.path(), &[]).await;
    let clients = [
        (reqwest::Client::builder().http1_only(), reqwest::Version::HTTP_11),
        (reqwest::Client::builder().http2_prior_knowledge(), reqwest::Version::HTTP_2),
    ];
    for (client, version) in clients {
        let client = client.no_proxy().build().expect("a client");
        let request =
            client.post(running.url("/create")).header("content-type", "application/json").body(PARCEL);
        let answer = request.send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
    }
    running.stopped().await;
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_nothing() {
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let store = Arc::new(SlowStore::default());
    let kept: Arc<dyn Store> = store.clone();
    let running = Running::of(service_on(kept, &["--chain-svc", &peer.url("/create")])).await;

    let mut client = TcpStream::connect(running.address).await.expect("connected");
    client.write_all(format!("{}{PARCEL}", head(PARCEL.len())).as_bytes()).await.expect("sent");
    store.asked(1).await;
    drop(client);
    store.gate.0.add_permits(1);
    eventually("it is handed on", LIMIT, async || (peer.count() == 1).then_some(())).await;
    assert_eq!(store.kept(), 1);
    running.stopped().await;
}

#[tokio::test]
async fn what_has_begun_is_finished_before_it_stops() {
    let store = Arc::new(SlowStore::default());
    let kept: Arc<dyn Store> = store.clone();
    let running = Running::of(service_on(kept, &[])).await;
    let address = running.address;

    let mut client = TcpStream::connect(address).await.expect("connected");
    client.write_all(format!("{}{PARCEL}", head(PARCEL.len())).as_bytes()).await.expect("sent");
    store.asked(1).await;
    let mut gone = TcpStream::connect(address).await.expect("connected");
    gone.write_all(format!("{}{PARCEL}", head(PARCEL.len())).as_bytes()).await.expect("sent");
    store.asked(1).await;
    drop(gone);
    let mut idle = TcpStream::connect(address).await.expect("connected");

    running.stop.cancel();
    eventually("it takes no connections any more", LIMIT, async || TcpStream::connect(address).await.err())
        .await;
    let mut rest = Vec::new();
    assert_eq!(idle.read_to_end(&mut rest).await.unwrap_or(0), 0, "an idle connection is closed");
    assert!(!running.served.is_finished());

    store.gate.0.add_permits(1);
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    tokio::task::yield_now().await;
    assert!(
        !running.served.is_finished(),
        "the client who went away has no connection, but a request under way"
    );
    store.gate.0.add_permits(1);
    running.served.await.expect("it stops");
    assert_eq!(store.kept(), 2, "that of the client who went away, too");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_finished_does_not_hold_up_the_stop() {
    let store: Arc<dyn Store> = Arc::new(SlowStore::default());
    let running = Running::of(service_on(store, &[])).await;
    let stop = running.stop.clone();
    let mut client = TcpStream::connect(running.address).await.expect("connected");
    client.write_all(format!("{}{{", head(PARCEL.len())).as_bytes()).await.expect("sent");
    tokio::time::advance(Duration::from_millis(1)).await;
    let begun = Instant::now();
    stop.cancel();
    running.stopped().await;
    // Half a body, and never the rest: it may take ten seconds, but not while the service stops.
    assert_eq!(begun.elapsed().as_secs(), 7, "the clock jumped past what draining may take");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_given_up_within_two_seconds() {
    let store: Arc<dyn Store> = Arc::new(SlowStore::default());
    let router = service_on(store, &[]).router();
    let begun = Instant::now();
    let answer = post(&router, "/create", PARCEL).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let taken = begun.elapsed();
    assert!(Duration::from_secs(1) < taken && taken < Duration::from_secs(2), "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_or_speaks_too_slowly_is_let_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(folder.path(), &[]).await;
    // Nothing at all; the beginning of HTTP/1; the beginning of HTTP/2; an idle connection after its first request.
    for (start, answer) in [
        ("", ""),
        ("POST /create HTTP/1.1\r\nhost:", ""),
        ("PRI * HTTP/2.0\r\n", ""),
        ("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 200 OK"),
    ] {
        let mut client = TcpStream::connect(running.address).await.expect("connected");
        client.write_all(start.as_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        // The clock jumps past the ten seconds that headers may take.
        client.read_to_end(&mut rest).await.expect("closed");
        let rest = String::from_utf8_lossy(&rest);
        assert_eq!(rest.lines().next().unwrap_or_default(), answer, "after {start:?}");
    }
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_answers_is_let_go() {
    let store: Arc<dyn Store> = Arc::new(SlowStore::default());
    let running = Running::of(service_on(store, &[])).await;
    let mut client = TcpStream::connect(running.address).await.expect("connected");
    let asked = 50;
    for _ in 0..asked {
        client.write_all(b"GET /parcels HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    }
    // The clock jumps past the ten seconds within which it has to read on.
    sleep(Duration::from_secs(60)).await;
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest).await;
    assert!(rest.len() < asked * PAGE, "only what the system had taken for it: {} bytes", rest.len());
    running.stopped().await;
}

#[tokio::test]
async fn more_requests_than_may_be_under_way_are_refused_at_once() {
    let store = Arc::new(SlowStore::default());
    let kept: Arc<dyn Store> = store.clone();
    let router = service_on(kept, &[]).router();
    let mut requests = JoinSet::new();
    for _ in 0..512 {
        let router = router.clone();
        requests.spawn(async move { post(&router, "/create", PARCEL).await.status });
    }
    store.asked(512).await;
    let refused = post(&router, "/create", PARCEL).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(get(&router, "/parcels").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&router, "/livez").await.status, StatusCode::OK, "whether it lives can still be asked");

    store.gate.0.add_permits(513);
    while let Some(status) = requests.join_next().await {
        assert_eq!(status.expect("no panic"), StatusCode::OK);
    }
    assert_eq!(post(&router, "/create", PARCEL).await.status, StatusCode::OK, "there is room again");
}
