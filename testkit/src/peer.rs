//! An HTTP/1.1 peer that answers, or misbehaves, as it is told, and remembers what it was asked.
//!
//! It is made by hand, because a proper server refuses to send what a client must survive: no HTTP at all, half an
//! answer, an answer that never ends.

mod behaviour;
mod request;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::listening::Listening;

pub use behaviour::Behaviour;
pub use request::Request;

/// An HTTP/1.1 server on loopback. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Peer {
    listening: Listening,
    shared: Arc<Mutex<Shared>>,
}

impl Peer {
    /// Listens on a free port.
    pub async fn start(behaviour: Behaviour) -> Self {
        let shared = Arc::new(Mutex::new(Shared { behaviour, requests: Vec::new() }));
        let theirs = shared.clone();
        let listening = Listening::start(move |stream| {
            let shared = theirs.clone();
            // An error here is the client gone, which is its right.
            async move { drop(serve(BufReader::new(stream), &shared).await) }
        });
        Self { listening: listening.await, shared }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.listening.addr()
    }

    /// `http://127.0.0.1:port` and `path`, which begins with a slash or is empty.
    pub fn url(&self, path: &str) -> String {
        assert!(path.is_empty() || path.starts_with('/'), "a path begins with a slash, {path:?} does not");
        format!("http://{}{path}", self.addr())
    }

    /// Behaves so from the next request on. Requests it has read already keep the old behaviour.
    pub fn set(&self, behaviour: Behaviour) {
        lock(&self.shared).behaviour = behaviour;
    }

    /// The requests read so far, in order. Each is noted when it is complete, before it is answered.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared).requests.clone()
    }

    /// How many requests were read so far.
    pub fn count(&self) -> usize {
        lock(&self.shared).requests.len()
    }
}

#[derive(Debug)]
struct Shared {
    behaviour: Behaviour,
    requests: Vec<Request>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: BufReader<TcpStream>, shared: &Mutex<Shared>) -> io::Result<()> {
    stream.get_ref().set_nodelay(true)?;
    loop {
        let request = match Request::read(&mut stream).await {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(error) => return stream.write_all(refusal(&error).as_bytes()).await,
        };
        let behaviour = {
            let mut shared = lock(shared);
            shared.requests.push(request.clone());
            shared.behaviour.clone()
        };
        if !behaviour.act(&request, &mut stream).await? {
            return Ok(());
        }
    }
}

fn refusal(error: &io::Error) -> String {
    let body = format!("testkit's peer cannot read this request: {error}");
    let length = body.len();
    format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}
