//! Services that tell their events as a test says: in time, too much, or nothing that can be read.

use crate::place::until;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

/// Listens, answers every request with a stream, and sends there what the test says.
pub(crate) struct Teller {
    pub(crate) address: SocketAddr,
    /// The heads of all requests so far.
    requests: Arc<Mutex<Vec<String>>>,
    say: broadcast::Sender<String>,
    serving: JoinHandle<()>,
}

impl Teller {
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().expect("an address")).await
    }

    /// At an address where one was before.
    pub(crate) async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (requests, say) = (Arc::new(Mutex::new(Vec::new())), broadcast::Sender::new(100_000));
        let serving = tokio::spawn(serve(listener, Arc::clone(&requests), say.clone()));
        Self { address, requests, say, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until one listens who has come for the so many-th time.
    pub(crate) async fn until_heard(&self, times: usize) {
        until("it is listened to", async || self.requests().len() == times && self.listeners() == 1).await;
    }

    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.say.receiver_count()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic under the lock").clone()
    }

    /// Sends these bytes to all who listen.
    pub(crate) fn say(&self, bytes: impl Into<String>) {
        self.say.send(bytes.into()).expect("somebody listens");
    }

    /// Tells an event of a service.
    pub(crate) fn tell(&self, id: u64, name: &str, service: &str, number: usize) {
        self.say(format!(
            "id: {id}\nevent: {name}\ndata: {{\"service\":\"{service}\",\"number\":{number}}}\n\n"
        ));
    }

    /// Goes away, with all connections.
    pub(crate) async fn vanish(self) -> SocketAddr {
        self.serving.abort();
        let _ = self.serving.await;
        self.address
    }
}

async fn serve(listener: TcpListener, requests: Arc<Mutex<Vec<String>>>, say: broadcast::Sender<String>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let (requests, said) = (Arc::clone(&requests), say.subscribe());
        connections.spawn(async move { drop(talk(stream, &requests, said).await) });
    }
}

async fn talk(
    stream: TcpStream,
    requests: &Mutex<Vec<String>>,
    mut said: broadcast::Receiver<String>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    requests.lock().expect("no panic under the lock").push(head);
    stream.write_all(HEAD.as_bytes()).await?;
    let mut gone = String::new();
    loop {
        tokio::select! {
            bytes = said.recv() => match bytes {
                Ok(bytes) => stream.write_all(bytes.as_bytes()).await?,
                Err(_) => return Ok(()),
            },
            // Whoever listens says nothing more: an end is that it went away.
            _ = stream.read_line(&mut gone) => return Ok(()),
        }
    }
}
