//! Server-sent events: one who tells, and many who read.
//!
//! What is told is written down once and shared by all readers. A reader asks for the next event when its connection
//! takes more, so one that is slow costs nobody else anything: when it has fallen too far behind, it goes on as one who
//! comes back after its last event. How many may read, how much is kept, how far behind one may be: all of it is bounded.
//!
//! Not axum's `Sse`, which writes each event anew for each reader.

use crate::limits;
use crate::problem::Problem;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Interval, interval_at};
use tokio_util::sync::CancellationToken;

/// What a reader is sent when it comes, and again when it has missed something: names of events and their data.
pub type Greeting = Vec<(&'static str, String)>;

/// Tells many readers. It keeps the last events for those who come back.
#[derive(Debug)]
pub struct Hub {
    most: usize,
    places: Arc<Semaphore>,
    closed: CancellationToken,
    sender: broadcast::Sender<Message>,
    kept: Mutex<Kept>,
}

/// An event in its wire form.
#[derive(Debug, Clone)]
struct Message {
    id: u64,
    bytes: Bytes,
}

#[derive(Debug)]
struct Kept {
    /// The number of the last event.
    last: u64,
    events: VecDeque<Message>,
}

/// One who reads; made by [`Hub::join`].
pub struct Reader {
    hub: Arc<Hub>,
    receiver: broadcast::Receiver<Message>,
    waiting: VecDeque<Bytes>,
    /// The number of the last event that it was given, those that wait included.
    last: u64,
    greet: Box<dyn Fn() -> Greeting + Send + Sync>,
    keep_alive: Interval,
    _place: OwnedSemaphorePermit,
}

impl Hub {
    /// A hub for at most so many readers at once. The numbers of its events begin above `first`: where that is the time,
    /// those of a process that is started anew go on above those of the one before.
    #[must_use]
    pub fn new(readers: usize, first: u64) -> Self {
        Self {
            most: readers,
            places: Arc::new(Semaphore::new(readers)),
            closed: CancellationToken::new(),
            sender: broadcast::Sender::new(limits::BEHIND),
            kept: Mutex::new(Kept { last: first, events: VecDeque::new() }),
        }
    }

    /// Tells an event, and keeps it for those who come back.
    pub fn tell(&self, name: &str, data: &str) {
        let mut kept = self.kept();
        kept.last += 1;
        let message = Message { id: kept.last, bytes: event(kept.last, name, data) };
        if kept.events.len() == limits::KEPT {
            kept.events.pop_front();
        }
        kept.events.push_back(message.clone());
        // Under the lock, so that all are told in the order of the numbers. Nobody may be reading.
        let _ = self.sender.send(message);
    }

    /// Tells those who read now, and nobody later: how things are, not what happened. It bears the number of the last
    /// event.
    pub fn show(&self, name: &str, data: &str) {
        let kept = self.kept();
        let _ = self.sender.send(Message { id: kept.last, bytes: event(kept.last, name, data) });
    }

    /// Begins to read: first what happened since the event of the header `Last-Event-ID`, where that is given and still
    /// kept, then what `greet` says, then what happens.
    ///
    /// # Errors
    ///
    /// Where as many read as may.
    pub fn join(
        self: &Arc<Self>,
        headers: &HeaderMap,
        greet: impl Fn() -> Greeting + Send + Sync + 'static,
    ) -> Result<Reader, Problem> {
        let place = self.place()?;
        let every = limits::KEEP_ALIVE;
        let mut reader = Reader {
            hub: Arc::clone(self),
            receiver: self.sender.subscribe(),
            waiting: VecDeque::from([retry()]),
            last: 0,
            greet: Box::new(greet),
            keep_alive: interval_at(Instant::now() + every, every),
            _place: place,
        };
        reader.catch_up(last_event_id(headers));
        Ok(reader)
    }

    /// A place among those who may read.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Problem::unavailable(format!("{} read already: that is as many as may", self.most), limits::RETRY)
        })
    }

    /// Ends the stream of everyone who reads or will read.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// The answer of a future, unless the hub is closed before.
    pub(crate) async fn unless_closed<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.closed.run_until_cancelled(future).await
    }

    /// How many read.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.most - self.places.available_permits()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// The next piece of the stream. `None` where it has ended. May be dropped and asked again without loss.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.hub.closed.is_cancelled() {
                return None;
            }
            if let Some(bytes) = self.waiting.pop_front() {
                return Some(bytes);
            }
            tokio::select! {
                biased;
                () = self.hub.closed.cancelled() => return None,
                received = self.receiver.recv() => match received {
                    Ok(message) => {
                        self.last = message.id;
                        return Some(message.bytes);
                    }
                    Err(RecvError::Lagged(_)) => self.catch_up(Some(self.last)),
                    Err(RecvError::Closed) => return None,
                },
                _ = self.keep_alive.tick() => return Some(Bytes::from_static(b": keep-alive\n\n")),
            }
        }
    }

    /// The stream as an answer. `held` is let go of when it ends, or when the client goes away.
    pub fn into_response(self, held: impl Send + 'static) -> Response {
        answer(stream::unfold((self, held), async |(mut reader, held)| {
            let bytes = reader.next().await?;
            Some((bytes, (reader, held)))
        }))
    }

    /// Has what happened since that event wait, where it is still kept, and how things are.
    fn catch_up(&mut self, since: Option<u64>) {
        let kept = self.hub.kept();
        self.receiver = self.hub.sender.subscribe();
        // A number that none of ours has is of another time.
        let seen = since.map(|since| if since > kept.last { 0 } else { since });
        let missed = kept.events.iter().filter(|event| seen.is_some_and(|seen| event.id > seen));
        self.waiting.extend(missed.map(|event| event.bytes.clone()));
        self.last = kept.last;
        drop(kept);
        let id = self.last;
        self.waiting.extend((self.greet)().into_iter().map(|(name, data)| event(id, name, &data)));
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("last", &self.last).finish_non_exhaustive()
    }
}

/// An answer that streams pieces of events. It is never kept by a cache, nor held back by a proxy.
pub fn answer(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let pieces = futures_util::StreamExt::map(pieces, Ok::<_, Infallible>);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, max-age=0, must-revalidate")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

/// An event in its wire form.
fn event(id: u64, name: &str, data: &str) -> Bytes {
    let mut text = format!("id: {id}\nevent: {name}\n");
    // A lone carriage return ends a line, too.
    for line in data.lines().flat_map(|line| line.split('\r')) {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text.into()
}

/// How long to wait before coming back.
fn retry() -> Bytes {
    format!("retry: {}\n\n", limits::RETRY.as_millis()).into()
}

fn last_event_id(headers: &HeaderMap) -> Option<u64> {
    headers.get("last-event-id")?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
