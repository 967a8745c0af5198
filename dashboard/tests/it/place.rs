//! A dashboard that runs, and one who asks it.

use chassis::settings::Settings as ServiceSettings;
use chassis::{Record, Service};
use clap::Parser as _;
use dashboard::{Dashboard, Settings};
use reqwest::{Client, Method, RequestBuilder, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;
use testkit::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A server that runs until it is told to stop.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Running {
    async fn of<F: Future<Output = ()> + Send + 'static>(
        serve: impl FnOnce(TcpListener, CancellationToken) -> F,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, stop.clone()));
        Self { address, stop, served }
    }

    /// A dashboard of these services (`name=URL,…`), with these flags.
    pub(crate) async fn dashboard(services: &str, flags: &[&str]) -> Self {
        let always = ["dashboard", "--services", services];
        let settings = Settings::try_parse_from(always.iter().chain(flags)).expect("these flags are right");
        let dashboard = Dashboard::new(&settings).expect("these settings are right");
        Self::of(|listener, stop| dashboard.serve(listener, stop)).await
    }

    /// A real service, at the end of its chain; its store lies in the folder.
    pub(crate) async fn service(flags: &[&str]) -> (Self, TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings =
            ServiceSettings::try_parse_from(["order"].iter().chain(flags)).expect("these flags are right");
        folder.path().clone_into(&mut settings.storage.data_dir);
        let service = Service::new::<Order>(&settings).await.expect("these settings are right");
        (Self::of(|listener, stop| service.serve(listener, stop)).await, folder)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        client().request(method, self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: impl Into<String>) -> Answer {
        Answer::of(self.request(method, path).body(body.into())).await
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.served.await.expect("it stops without a panic");
    }
}

/// What the dashboard sends to the first service.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Order {
    id: String,
    items: Vec<Value>,
    #[serde(deserialize_with = "chassis::nested")]
    #[schemars(with = "serde_json::Map<String, Value>")]
    payment: Value,
}

impl Record for Order {
    const NAME: &'static str = "order";

    fn next(&self) -> Option<&Value> {
        Some(&self.payment)
    }
}

pub(crate) fn client() -> Client {
    let no_redirects = reqwest::redirect::Policy::none();
    Client::builder().no_proxy().redirect(no_redirects).timeout(LIMIT).build().expect("a client")
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the dashboard answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.expect("a whole answer") }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header of ours is ASCII"))
    }
}

/// An event that a page was told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// An open page: a stream of events.
pub(crate) struct Page {
    response: Response,
    text: String,
    /// So much of it has been read.
    past: usize,
}

impl Page {
    pub(crate) async fn open(dashboard: &Running) -> Self {
        Self::back(dashboard, None).await
    }

    /// One that was there before.
    pub(crate) async fn back(dashboard: &Running, last: Option<u64>) -> Self {
        let client = Client::builder().no_proxy().build().expect("a client");
        let mut request = client.get(dashboard.url("/api/events"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.expect("the dashboard answers");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new(), past: 0 }
    }

    /// The next event. None at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some((block, _)) = self.text[self.past..].split_once("\n\n") {
                self.past += block.len() + 2;
                match told(block) {
                    Some(told) => return Some(told),
                    None => continue,
                }
            }
            self.text.drain(..std::mem::take(&mut self.past));
            let piece = tokio::time::timeout(LIMIT, self.response.chunk()).await.expect("an event in time");
            let piece = piece.ok().flatten()?;
            self.text.push_str(std::str::from_utf8(&piece).expect("a test's events are ASCII"));
        }
    }

    /// The next event of that name for which it holds; others are passed over.
    pub(crate) async fn until(&mut self, name: &str, holds: impl Fn(&Value) -> bool) -> Told {
        loop {
            let told = self.next().await.unwrap_or_else(|| panic!("the stream ended before {name}"));
            if told.name == name && holds(&told.data) {
                return told;
            }
        }
    }

    /// Waits until the dashboard has told that a service is there, or is not.
    pub(crate) async fn until_reachable(&mut self, service: &str, reachable: bool) -> Told {
        self.until("service", |data| data["service"] == service && data["reachable"] == reachable).await
    }
}

fn told(block: &str) -> Option<Told> {
    let field = |name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.strip_prefix(": "))
    };
    let data = serde_json::from_str(field("data")?).expect("events are JSON");
    let id = field("id").expect("each event has a number").parse().expect("a number");
    Some(Told { id, name: field("event").expect("each event has a name").to_owned(), data })
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    eventually(what, LIMIT, async || holds().await.then_some(())).await;
}

/// Sends a request as it is, without a client that makes it tidy, and gives the answer.
pub(crate) async fn raw(dashboard: &Running, line: &str) -> String {
    let request = format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let mut stream = TcpStream::connect(dashboard.address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}
