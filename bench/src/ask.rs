//! One request at a time, for what is not measured: health, circuits, pages.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TIME: Duration = Duration::from_secs(10);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends a request on a connection of its own and reads the answer to its end.
pub(crate) fn ask(to: SocketAddr, method: &str, path: &str, body: &str) -> Result<Answer, String> {
    let told = |error: std::io::Error| format!("{method} {path} at {to}: {error}");
    let mut stream = TcpStream::connect_timeout(&to, TIME).map_err(told)?;
    stream.set_read_timeout(Some(TIME)).map_err(told)?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).map_err(told)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(told)?;
    let text = String::from_utf8_lossy(&bytes);
    let unreadable = || format!("{method} {path} at {to}: no readable answer");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(unreadable)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(unreadable)?;
    Ok(Answer { status, body: body.to_owned() })
}
