//! What happens to circuits as a bounded stream, for those who cannot answer in the moment: dashboards, logs, tests.
//!
//! A listener is waited for; a subscriber is not. One who lags loses the oldest and is told how many.

use crate::event::{Event, EventKind};
use crate::reason::Transition;
use crate::snapshot::Status;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};

/// Something that happened to a circuit, as a value of its own; see [`Event`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Happened {
    /// What happened.
    pub kind: EventKind,
    /// The circuit's name.
    pub circuit: Arc<str>,
    /// When, since the circuit was made.
    pub at: Duration,
    /// The circuit after the step that this is a part of.
    pub status: Status,
    /// Changes of state: which, and why.
    pub transition: Option<Arc<Transition>>,
}

/// A stream of what happens to one circuit or several, with room for so many that nobody has read yet.
///
/// ```
/// use breaker::{Breaker, EventKind, EventStream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stream = EventStream::of_transitions(1_000);
/// let breaker = Breaker::builder("payment").on(EventKind::TRANSITIONS, stream.listener()).build()?;
///
/// let mut events = stream.subscribe();
/// breaker.open();
/// let opened = events.next().await.ok_or("the stream has ended")??;
/// assert_eq!(opened.kind, EventKind::Open);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct EventStream {
    sender: broadcast::Sender<Happened>,
    transitions_only: bool,
}

/// One who reads a stream; made by [`EventStream::subscribe`].
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Happened>,
}

/// The reader was too slow, and so many events were passed over. What comes next is the oldest that is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{missed} events were passed over: the reader was too slow")]
pub struct Lagged {
    /// How many.
    pub missed: u64,
}

impl EventStream {
    /// A stream of all that happens. `room` is from 1 to 1,000,000; more or less is taken as the nearest of these.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Self { sender: broadcast::Sender::new(room.clamp(1, 1_000_000)), transitions_only: false }
    }

    /// A stream of the changes of state alone.
    #[must_use]
    pub fn of_transitions(room: usize) -> Self {
        Self { transitions_only: true, ..Self::new(room) }
    }

    /// What [`Builder::on_event`](crate::Builder::on_event) is to be given, for each circuit that is to be seen here. It
    /// costs little while nobody reads.
    pub fn listener(&self) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
        let Self { sender, transitions_only } = self.clone();
        move |event| {
            if sender.receiver_count() == 0 || (transitions_only && event.transition.is_none()) {
                return;
            }
            // Nobody may be reading any more; then nobody misses it.
            let _ = sender.send(Happened {
                kind: event.kind,
                circuit: event.circuit.into(),
                at: event.at,
                status: *event.status,
                transition: event.transition.cloned().map(Arc::new),
            });
        }
    }

    /// Starts to read: what happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> Events {
        Events { receiver: self.sender.subscribe() }
    }
}

impl Events {
    /// Waits for the next event. `None` where there is no circuit any more that could tell one.
    ///
    /// May be dropped and asked again without loss.
    pub async fn next(&mut self) -> Option<Result<Happened, Lagged>> {
        match self.receiver.recv().await {
            Ok(happened) => Some(Ok(happened)),
            Err(RecvError::Lagged(missed)) => Some(Err(Lagged { missed })),
            Err(RecvError::Closed) => None,
        }
    }
}
