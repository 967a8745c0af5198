//! A stand-in for the next service, which answers until it is told to hang.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{\"data\":\"Last\"}";

/// A service that runs for as long as this process.
#[derive(Debug, Clone)]
pub(crate) struct Sink {
    pub(crate) addr: SocketAddr,
    hangs: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
}

impl Sink {
    /// Listens on a free port, on a thread of its own.
    pub(crate) fn start() -> Result<Self, String> {
        let told = |error: std::io::Error| format!("the sink cannot be started: {error}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(told)?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).map_err(told)?;
        let addr = listener.local_addr().map_err(told)?;
        let hangs = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let (seen, counts) = (Arc::clone(&hangs), Arc::clone(&answered));
        let work = async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&counts)));
            }
        };
        let thread = std::thread::Builder::new().name("sink".to_owned());
        thread.spawn(move || runtime.block_on(work)).map_err(told)?;
        Ok(Self { addr, hangs, answered })
    }

    /// Whether requests from now on are read, and left without an answer.
    pub(crate) fn hang(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::SeqCst);
    }

    /// How many requests it has answered.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }
}

/// Answers each request of a connection. A client sends one at a time.
async fn serve(mut stream: TcpStream, hangs: Arc<AtomicBool>, answered: Arc<AtomicU64>) {
    let mut bytes = Vec::new();
    loop {
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) if !is_whole(&bytes) => {}
            Ok(_) if hangs.load(Ordering::SeqCst) => {}
            Ok(_) => {
                bytes.clear();
                if stream.write_all(ANSWER).await.is_err() {
                    return;
                }
                answered.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

/// Whether a request has come in with all of its body.
fn is_whole(bytes: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = request.parse(bytes) else { return false };
    let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    bytes.len() >= head + length.unwrap_or(0)
}
