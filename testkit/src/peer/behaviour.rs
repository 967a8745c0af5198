//! What a peer does with a request it has read.
//!
//! Each kind is one that a client must tell apart or at least survive. They all read the request first: what goes
//! wrong before that (nobody there, line cut) is for [`refused_addr`](crate::refused_addr) and [`Proxy`](crate::Proxy).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::sleep;

use super::Request;

/// How a [`Peer`](crate::Peer) treats a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers properly, and keeps the connection where the client does not ask to close it.
    Answer {
        /// The status code.
        status: u16,
        /// The `Content-Type`.
        content_type: &'static str,
        /// The body.
        body: String,
    },
    /// Sends bytes that are no HTTP, and closes.
    Garbage,
    /// Never answers, and keeps the connection until the client gives up.
    Hang,
    /// Closes without a byte.
    CloseBeforeAnswer,
    /// Promises a body of 100 bytes, sends 10 of them, and closes.
    CloseHalfWay,
    /// Sends a 200 whose JSON body never ends: a few MiB each second, until the client gives up.
    Endless,
}

const ENDLESS_CHUNK: usize = 8 * 1024;
const ENDLESS_PAUSE: Duration = Duration::from_millis(1);

impl Behaviour {
    /// An answer with a JSON body.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Answer { status, content_type: "application/json", body: body.into() }
    }

    /// Does it. Whether the connection can take another request.
    pub(super) async fn act(
        &self,
        request: &Request,
        stream: &mut (impl AsyncBufRead + AsyncWrite + Unpin),
    ) -> io::Result<bool> {
        match self {
            Self::Answer { status, content_type, body } => {
                let answer = answer(*status, content_type, body, request);
                stream.write_all(answer.as_bytes()).await?;
                return Ok(!request.closes());
            }
            Self::Garbage => stream.write_all(b"\x16\x03\x01 this is no HTTP \xff\xfe\r\n\r\n").await?,
            Self::Hang => while stream.read(&mut [0; 1024]).await? > 0 {},
            Self::CloseBeforeAnswer => {}
            Self::CloseHalfWay => {
                let head =
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n";
                stream.write_all(&[&head[..], b"{\"half\":\"w"].concat()).await?;
            }
            Self::Endless => endless(stream).await?,
        }
        stream.shutdown().await?;
        Ok(false)
    }
}

/// The answer as bytes. To HEAD, and with the statuses that have none, the body is left out.
fn answer(status: u16, content_type: &str, body: &str, request: &Request) -> String {
    if matches!(status, 100..=199 | 204 | 304) {
        return format!("HTTP/1.1 {status} \r\n\r\n");
    }
    let length = body.len();
    let close = if request.closes() { "Connection: close\r\n" } else { "" };
    let body = if request.method == "HEAD" { "" } else { body };
    format!(
        "HTTP/1.1 {status} \r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{close}\r\n{body}"
    )
}

/// Fails, in the end, when the client has closed. The pause is there for clients that have no limit: without it they
/// would be fed gigabytes before their timeout.
async fn endless(stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let begin = "C\r\n{\"endless\":\"\r\n";
    stream.write_all([head, begin].concat().as_bytes()).await?;
    let chunk = format!("{ENDLESS_CHUNK:X}\r\n{}\r\n", "x".repeat(ENDLESS_CHUNK));
    loop {
        stream.write_all(chunk.as_bytes()).await?;
        sleep(ENDLESS_PAUSE).await;
    }
}
