//! One connection: HTTP/1.1, kept alive, one request at a time.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Largest answer that is read.
const MOST: usize = 1024 * 1024;
/// What stands in every answer of an order that went the whole way: the last service's `Last`.
const WHOLE: &[u8] = b"Last";

/// Of an answer, what counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) whole: bool,
}

#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
}

/// The bytes of a request.
pub(super) fn request(to: SocketAddr, body: &str) -> Vec<u8> {
    format!(
        "POST /create?count=0 HTTP/1.1\r\nhost: {to}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl Connection {
    pub(super) async fn to(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, bytes: Vec::with_capacity(4096) })
    }

    /// Sends a request and reads the answer. After an error the connection is of no more use.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        self.bytes.clear();
        loop {
            if self.stream.read_buf(&mut self.bytes).await? == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "the connection was closed"));
            }
            if let Some(answer) = answer(&self.bytes)? {
                return Ok(answer);
            }
            if self.bytes.len() > MOST {
                return Err(Error::new(ErrorKind::InvalidData, "the answer is too large"));
            }
        }
    }
}

/// The answer, where all of it has come in.
fn answer(bytes: &[u8]) -> Result<Option<Answer>> {
    let wrong = |why: &str| Error::new(ErrorKind::InvalidData, why.to_owned());
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes).map_err(|error| wrong(&error.to_string()))?;
    let httparse::Status::Complete(head) = parsed else { return Ok(None) };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    let length = length.ok_or_else(|| wrong("an answer without content-length"))?;
    if bytes.len() < head + length {
        return Ok(None);
    }
    let whole = bytes[head..].windows(WHOLE.len()).any(|window| window == WHOLE);
    Ok(Some(Answer { status: response.code.unwrap_or(0), whole }))
}
