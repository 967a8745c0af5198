//! HTTP by hand, for requests that no client would send.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// For an answer, where one comes: longer than a service waits for the rest of a request.
const PATIENCE: Duration = Duration::from_secs(20);

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
}

impl Answer {
    /// Whether a service may answer so to nonsense: not with a mistake of its own. A 503 has to say when to come again.
    pub(crate) fn is_meant(&self) -> bool {
        match self.status {
            503 => self.head.to_ascii_lowercase().contains("retry-after:"),
            status => status < 500,
        }
    }

    fn length(&self) -> Option<usize> {
        let head = self.head.to_ascii_lowercase();
        let line = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
        line.trim().parse().ok()
    }
}

/// A connection that is opened anew when the other side has closed it.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self { address, stream: TcpStream::connect(address).await.expect("a connection") }
    }

    pub(crate) fn of(stream: TcpStream) -> Self {
        Self { address: stream.peer_addr().expect("connected"), stream }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Whether the other side closes within that time.
    pub(crate) async fn closed_within(&mut self, time: Duration) -> bool {
        timeout(time, self.stream.read(&mut [0; 512]))
            .await
            .is_ok_and(|read| !read.is_ok_and(|bytes| bytes > 0))
    }

    /// Sends a request, says that no more will come, and reads the answer. `None` where the other side just closed.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Option<Answer> {
        let answer = timeout(PATIENCE, self.try_exchange(request)).await.expect("an answer or an end");
        // What is left on the line, of a request or an answer that is not what it says, is not for the next one.
        self.stream = TcpStream::connect(self.address).await.expect("a connection");
        answer.ok().flatten()
    }

    async fn try_exchange(&mut self, request: &[u8]) -> io::Result<Option<Answer>> {
        // Who refuses a request may close before it was read to its end.
        let _ = self.stream.write_all(request).await;
        let _ = self.stream.shutdown().await;
        self.answer().await
    }

    /// What the other side says by itself. `None` where it just closes.
    pub(crate) async fn heard(&mut self) -> Option<Answer> {
        timeout(PATIENCE, self.answer()).await.expect("an answer or an end").ok().flatten()
    }

    async fn answer(&mut self) -> io::Result<Option<Answer>> {
        let mut bytes = Vec::new();
        let mut chunk = [0; 8 * 1024];
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            match self.stream.read(&mut chunk).await? {
                0 => return Ok(None),
                read => bytes.extend_from_slice(&chunk[..read]),
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let answer = Answer { status: status.unwrap_or_else(|| panic!("no status: {head}")), head };
        // A stream of events has no end; the others are read.
        let mut missing = answer.length().unwrap_or(0).saturating_sub(bytes.len() - end);
        while missing > 0 {
            match self.stream.read(&mut chunk).await? {
                0 => break,
                read => missing = missing.saturating_sub(read),
            }
        }
        Ok(Some(answer))
    }
}
