//! A request as it came over the line, and reading it.
//!
//! Only what an HTTP/1.1 client sends is read, and strictly: a test should hear of it when our client sends something
//! odd, so everything else is an error, which the peer answers with 400.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

const LINE_LIMIT: u64 = 64 * 1024;
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// A request that a [`Peer`](crate::Peer) has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path with its query, as in the request line.
    pub path: String,
    /// Names, as they were spelled, and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, its chunks put together.
    pub body: String,
}

impl Request {
    /// The value of the first header of that name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the client wants the connection closed after the answer.
    pub(super) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// The next request; none where the client has closed after the last one.
    pub(super) async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Self>> {
        if stream.fill_buf().await?.is_empty() {
            return Ok(None);
        }
        let first = line(stream).await?;
        let [method, path, "HTTP/1.1"] = first.split(' ').collect::<Vec<_>>()[..] else {
            return Err(odd(&format!("request line {first:?}")));
        };
        let (method, path) = (method.to_owned(), path.to_owned());
        let headers = headers(stream).await?;
        let mut request = Self { method, path, headers, body: String::new() };
        let body = body(&request, stream).await?;
        request.body = String::from_utf8(body).map_err(|_| odd("a body that is not UTF-8"))?;
        Ok(Some(request))
    }
}

async fn headers(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = line(stream).await?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| odd(&format!("header {line:?}")))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

async fn body(request: &Request, stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    match (request.header("transfer-encoding"), request.header("content-length")) {
        (None, None) => Ok(Vec::new()),
        (None, Some(length)) => {
            let length = length.parse().map_err(|_| odd(&format!("Content-Length {length:?}")))?;
            exactly(length, stream).await
        }
        (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => chunks(stream).await,
        (coding, length) => Err(odd(&format!("Transfer-Encoding {coding:?} with Content-Length {length:?}"))),
    }
}

async fn chunks(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(stream).await?;
        let digits = size.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(digits, 16).map_err(|_| odd(&format!("chunk size {size:?}")))?;
        if length == 0 {
            let _trailers = headers(stream).await?;
            return Ok(body);
        }
        body.extend(exactly(length, stream).await?);
        if body.len() > BODY_LIMIT || !line(stream).await?.is_empty() {
            return Err(odd("a chunk longer than its size, or a body without end"));
        }
    }
}

async fn exactly(length: usize, stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    if length > BODY_LIMIT {
        return Err(odd(&format!("a body of {length} bytes")));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// A line without its CRLF.
async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = String::new();
    stream.take(LINE_LIMIT).read_line(&mut line).await?;
    match line.strip_suffix("\r\n") {
        Some(text) => Ok(text.to_owned()),
        None => Err(odd(&format!("a line that does not end in CRLF: {line:?}"))),
    }
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
