//! What a connection is told for which there is no place: `503` at once, not a place in a line.
//!
//! In HTTP/1.1, which a client of HTTP/2 takes for a broken connection: that is as good.

use crate::limits;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

const ANSWER: &str = concat!(
    "HTTP/1.1 503 Service Unavailable\r\n",
    "Content-Type: application/problem+json\r\nContent-Length: 115\r\nRetry-After: 1\r\nConnection: close\r\n\r\n",
    r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"as many connections are open as may be"}"#,
);

/// Turns connections away; so many at once, the others without a word.
#[derive(Debug, Clone)]
pub(crate) struct Full(Arc<Semaphore>);

impl Full {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(limits::TURNED_AWAY)))
    }

    pub(crate) fn turn_away(&self, stream: TcpStream) {
        if let Ok(place) = Arc::clone(&self.0).try_acquire_owned() {
            tokio::spawn(async move {
                let _place = place;
                let _ = timeout(limits::TURN_AWAY_TIME, answer(stream)).await;
            });
        }
    }
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(ANSWER.as_bytes()).await?;
    stream.shutdown().await?;
    // A connection that is closed with its request unread is reset, and the answer lost with it.
    let mut request = [0; 1024];
    while stream.read(&mut request).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::ANSWER;

    #[test]
    fn the_answer_is_as_long_as_it_says() {
        let (head, body) = ANSWER.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
        let problem: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(problem["status"], 503);
    }
}
