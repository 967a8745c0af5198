//! A service that listens, and what it streams.

use crate::parcel::service;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A service that listens.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn of(service: chassis::Service) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), service).await
    }

    pub(crate) async fn at(address: SocketAddr, service: chassis::Service) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let served = tokio::spawn(service.serve(listener, stop.clone()));
        Self { address, stop, served }
    }

    pub(crate) async fn start(folder: &Path, flags: &[&str]) -> Self {
        Self::of(service(folder, flags).await).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn stopped(self) {
        self.stop.cancel();
        self.served.await.expect("it stops without a panic");
    }
}

/// A client of its own: what it has open is closed with it.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// A stream of events, read from a socket.
pub(crate) struct Stream {
    response: reqwest::Response,
    buffer: String,
}

/// A piece of a stream, up to an empty line.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(crate) id: Option<u64>,
    pub(crate) name: String,
    pub(crate) data: Value,
    /// Everything, as it was sent.
    pub(crate) raw: String,
}

impl Stream {
    pub(crate) async fn open(url: &str, last: Option<&str>) -> Self {
        let mut request = client().get(url);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        Self { response, buffer: String::new() }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next piece; `None` where the stream has come to a clean end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((piece, rest)) = self.buffer.split_once("\n\n") {
                let event = Event::read(piece);
                self.buffer = rest.to_owned();
                return Some(event);
            }
            let chunk = self.response.chunk().await.expect("the stream does not break off")?;
            self.buffer.push_str(std::str::from_utf8(&chunk).expect("whole events, in UTF-8"));
        }
    }

    /// The next event of this name; those before it are passed over.
    pub(crate) async fn next_of(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("the stream ended without {name}"));
            if event.name == name {
                return event;
            }
        }
    }
}

impl Event {
    pub(crate) fn read(piece: &str) -> Self {
        let mut event = Self { raw: piece.to_owned(), ..Self::default() };
        for line in piece.lines() {
            match line.split_once(": ").expect("a name and a value") {
                ("id", id) => event.id = Some(id.parse().expect("a number")),
                ("event", name) => event.name = name.to_owned(),
                ("data", data) => event.data = serde_json::from_str(data).expect("JSON"),
                ("retry" | "" | "ping", _) => {}
                (name, _) => panic!("unknown field {name:?} in {piece:?}"),
            }
        }
        event
    }
}
