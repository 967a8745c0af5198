//! Listens to one service: a single connection to its `/events`, for all pages, while a page is open.
//!
//! A service that is away, silent, or tells what cannot be read is noted as away, and asked again, less and less often.

use crate::feed::{Feed, OURS};
use crate::limits;
use crate::parser::{Event, Parser, Unreadable};
use crate::settings::Peer;
use axum::body::Bytes;
use breaker::Backoff;
use reqwest::{Client, Response, header};
use serde::Deserialize;
use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{info, warn};

const BACKOFF: Backoff = Backoff { factor: 2.0, ceiling: limits::AGAIN_MOST, jitter: 0.5 };

/// Why there are no more events.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it was silent for {} s", .0.as_secs())]
    Silent(std::time::Duration),
    #[error("it answers {0} to a request for its events")]
    Refused(reqwest::StatusCode),
    #[error("what it sends at /events is no stream of events")]
    NoStream,
    #[error("its stream ended")]
    Ended,
    #[error("it sends {0}")]
    Unreadable(#[from] Unreadable),
    #[error("it sends events that are none of a service of this chain")]
    Foreign,
    #[error("it calls itself {0:?}: correct SERVICES")]
    OtherName(String),
}

/// What comes of a service, in pieces. None where no more comes.
trait Pieces {
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

impl Pieces for Response {
    async fn next(&mut self) -> Option<Bytes> {
        self.chunk().await.ok().flatten()
    }
}

/// One service that is listened to.
#[derive(Debug)]
pub(crate) struct Follower {
    feed: Arc<Feed>,
    client: Client,
    peer: Peer,
    /// Its place in the chain.
    index: usize,
    /// The last event that it told, to go on from.
    last: String,
    /// How often in a row it was lost without having told anything.
    failures: u32,
}

impl Follower {
    pub(crate) fn new(feed: Arc<Feed>, client: Client, peer: Peer, index: usize) -> Self {
        Self { feed, client, peer, index, last: String::new(), failures: 0 }
    }

    /// Never ends by itself.
    pub(crate) async fn follow(mut self) {
        let feed = Arc::clone(&self.feed);
        loop {
            feed.watched().await;
            tokio::select! {
                () = feed.unwatched(limits::LINGER) => {}
                () = self.keep_listening() => {}
            }
            // What happens meanwhile is nobody's business; who comes later begins with how things are then.
            (self.last, self.failures) = (String::new(), 0);
            feed.note(self.index, None, None);
        }
    }

    async fn keep_listening(&mut self) {
        loop {
            let Err(lost) = self.listen().await;
            let name = &self.peer.name;
            if self.failures == 0 {
                warn!("{name} is not heard any more: {lost}");
            }
            self.feed.note(self.index, Some(false), Some(lost.to_string()));
            sleep(BACKOFF.wait(limits::AGAIN, self.failures, rand::random())).await;
            self.failures = self.failures.saturating_add(1);
        }
    }

    /// Listens until the service is lost.
    async fn listen(&mut self) -> Result<Infallible, Lost> {
        let response = self.connect().await?;
        self.hear(response).await
    }

    /// Passes on what comes, piece by piece.
    async fn hear(&mut self, mut pieces: impl Pieces) -> Result<Infallible, Lost> {
        let (mut parser, mut told) = (Parser::default(), Vec::new());
        let mut silent_at = Instant::now() + limits::SILENCE;
        loop {
            let piece =
                timeout_at(silent_at, pieces.next()).await.map_err(|_| Lost::Silent(limits::SILENCE))?;
            let readable = parser.read(&piece.ok_or(Lost::Ended)?, &mut told);
            for event in told.drain(..) {
                self.pass_on(event)?;
            }
            // A line that is never completed is no sign of life.
            if readable? {
                silent_at = Instant::now() + limits::SILENCE;
            }
        }
    }

    async fn connect(&self) -> Result<Response, Lost> {
        let mut url = self.peer.url.clone();
        url.set_path("/events");
        let mut request = self.client.get(url).header(header::ACCEPT, "text/event-stream");
        if !self.last.is_empty() {
            request = request.header("last-event-id", &self.last);
        }
        let answer = timeout(limits::GREETING, request.send()).await;
        let response = answer.map_err(|_| Lost::Silent(limits::GREETING))?.map_err(|_| Lost::Unreachable)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(Lost::Refused(response.status()));
        }
        let is_stream = |kind: &header::HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
        if !response.headers().get(header::CONTENT_TYPE).is_some_and(is_stream) {
            return Err(Lost::NoStream);
        }
        Ok(response)
    }

    fn pass_on(&mut self, event: Event) -> Result<(), Lost> {
        /// What every event says; the rest is the page's business.
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(borrow)]
            service: Cow<'a, str>,
        }
        let head: Head<'_> = serde_json::from_str(&event.data).map_err(|_| Lost::Foreign)?;
        if head.service != self.peer.name {
            return Err(Lost::OtherName(head.service.chars().take(limits::NAME).collect()));
        }
        if event.name.is_empty() || OURS.contains(&&*event.name) {
            return Err(Lost::Foreign);
        }
        self.feed.pass_on(self.index, &event.name, &event.data);
        let is_header = |id: &str| id.len() <= limits::NAME && id.bytes().all(|byte| byte.is_ascii_graphic());
        if is_header(&event.id) {
            self.last = event.id;
        }
        if self.failures > 0 {
            info!("{} is heard again", self.peer.name);
        }
        self.failures = 0;
        self.feed.note(self.index, Some(true), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
