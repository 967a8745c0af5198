//! An HTTP client with a breaker for each host, so that one that is down does not cost the calls to the others.
//!
//! ```text
//! cargo run -q -p breaker --example reqwest
//! ```
//!
//! - No answer, a 5xx and 429 (too many requests) count against the host. Another 4xx is our own mistake and does not.
//! - While a host's circuit is open, or when it has just failed, the last good answer stands in.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use axum::http::StatusCode;
use axum::{Router, extract::Path, routing::get};
use breaker::{Breaker, CallError, SettingsError};
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::future::IntoFuture as _;
use std::sync::Mutex;
use std::time::Duration;
use tokio::net::TcpListener;

/// A client for some hosts. They are named beforehand, which bounds their number.
struct Client {
    http: reqwest::Client,
    hosts: HashMap<String, Host>,
}

struct Host {
    breaker: Breaker,
    last: Mutex<Option<String>>,
}

enum Body {
    New(String),
    Old(String),
}

/// Why there is no answer to be used.
#[derive(Debug)]
enum HttpError {
    Unknown(String),
    Status(StatusCode),
    Transport(reqwest::Error),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    run().await.map(|_| ())
}

/// Plays the story: what became of each request.
pub(crate) async fn run() -> Result<Vec<String>, Box<dyn Error>> {
    let (good, flaky) = (serve().await?, serve().await?);
    let client = Client::new([good.clone(), flaky.clone()])?;
    let mut told = Vec::new();
    for (host, status) in [
        (&flaky, 200),
        (&flaky, 404),
        (&flaky, 503),
        (&flaky, 429),
        (&flaky, 200),
        (&good, 200),
        (&good, 404),
    ] {
        let outcome = match client.get(host, &format!("/{status}")).await {
            Ok(Body::New(text)) => text,
            Ok(Body::Old(text)) => format!("{text}, the last good one"),
            Err(error) => format!("error: {error}"),
        };
        let name = if *host == good { "good" } else { "flaky" };
        let line =
            format!("{name} asked for {status}: {outcome}; circuit {}", client.hosts[host].breaker.state());
        println!("{line}");
        told.push(line);
    }
    Ok(told)
}

impl Client {
    fn new(hosts: impl IntoIterator<Item = String>) -> Result<Self, SettingsError> {
        let hosts = hosts.into_iter().map(|name| {
            let breaker =
                Breaker::builder(&*name).timeout(Duration::from_secs(5)).volume(4).error_threshold(49.0);
            Ok::<_, breaker::SettingsError>((
                name,
                Host { breaker: breaker.build()?, last: Mutex::default() },
            ))
        });
        Ok(Self { http: reqwest::Client::new(), hosts: hosts.collect::<Result<_, _>>()? })
    }

    async fn get(&self, host: &str, path: &str) -> Result<Body, CallError<HttpError>> {
        let Some(Host { breaker, last }) = self.hosts.get(host) else {
            return Err(CallError::Failed(HttpError::Unknown(host.to_owned())));
        };
        let body = breaker
            .call(self.fetch(format!("http://{host}{path}")))
            .failure_if(HttpError::is_the_hosts)
            .or_else(async |why| {
                // What stands in is told apart, or it would be kept as if it were new.
                let last = last.lock().expect("nothing panics under this lock").clone();
                last.map(Body::Old).ok_or(why)
            })
            .await?;
        if let Body::New(text) = &body {
            *last.lock().expect("nothing panics under this lock") = Some(text.clone());
        }
        Ok(body)
    }

    async fn fetch(&self, url: String) -> Result<Body, HttpError> {
        let response = self.http.get(url).send().await.map_err(HttpError::Transport)?;
        match response.status() {
            status if status.is_success() => {
                response.text().await.map(Body::New).map_err(HttpError::Transport)
            }
            status => Err(HttpError::Status(status)),
        }
    }
}

impl HttpError {
    fn is_the_hosts(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Transport(_) => true,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(host) => write!(f, "{host} is none of our hosts"),
            Self::Status(status) => write!(f, "answered {status}"),
            Self::Transport(error) => error.fmt(f),
        }
    }
}

/// A server on a free port that answers with the status that it is asked for.
async fn serve() -> std::io::Result<String> {
    let answer = async |Path(status): Path<u16>| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        (status, "a price")
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, Router::new().route("/{status}", get(answer))).into_future());
    Ok(address.to_string())
}
