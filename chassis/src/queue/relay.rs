//! Delivers what waits: the oldest first, some at a time, and only while the circuit lets calls through.
//!
//! It needs no client: where the circuit is half-open, the relay's call is the probe. It claims before it sends, so
//! that of several instances on one database each has its own; where one dies, its claim runs out and another goes on.

use super::Delivery;
use super::end::Try;
use super::pace::{self, Batch, Pace, TICK};
use crate::app::App;
use crate::deadline::Deadline;
use crate::hop::{Missed, Next, Parcel};
use crate::idempotency;
use crate::record::Record;
use crate::store::{Claimed, End, Saved};
use crate::trace::TraceContext;
use crate::wall;
use breaker::State;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, error_span, info, warn};

/// How often keys that have expired are forgotten.
const SWEEP: Duration = Duration::from_secs(60);
/// The part of the time that counting the queue may take up.
const COUNTING: u32 = 10;

/// Delivers what waits in the queue of one service.
#[derive(Debug, Clone)]
pub(crate) struct Relay {
    app: Arc<App>,
    /// What of a document is handed on.
    part: fn(Saved) -> Result<Value, String>,
}

impl Relay {
    pub(crate) fn new<R: Record>(app: Arc<App>) -> Self {
        Self { app, part: part::<R> }
    }

    /// Works until `stop`, and finishes what it has begun.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let counting = stop.run_until_cancelled(self.count());
        let sweeping = stop.run_until_cancelled(self.sweep());
        tokio::join!(self.deliver(&stop), counting, sweeping);
    }

    async fn deliver(&self, stop: &CancellationToken) {
        let (Some(next), Some(_)) = (&self.app.next, &self.app.queue) else { return };
        let mut pace = Pace::default();
        while !stop.is_cancelled() {
            let wait = match next.would_refuse() {
                // By hand it may be closed before.
                Some(refused) => refused.min(TICK),
                None => {
                    let batch = self.batch(next).await;
                    if next.would_refuse().is_some() {
                        pace.left_to_the_circuit();
                        continue;
                    }
                    pace.after(batch, next.reset(), rand::random())
                }
            };
            stop.run_until_cancelled(sleep(wait)).await;
        }
    }

    async fn batch(&self, next: &Next) -> Batch {
        let limit = match (pace::room(next.places()), next.state()) {
            (0, _) => return Batch::default(),
            (_, State::HalfOpen) => 1,
            (room, _) => room,
        };
        let (now, lease) = (wall::now(), wall::after(next.longest()));
        let Ok(claimed) = self.app.store.ask("claim", |store| store.claim(now, lease, limit)).await else {
            return Batch::default();
        };
        let mut deliveries = JoinSet::new();
        for one in claimed {
            let relay = self.clone();
            let trace = TraceContext::taken_up(one.trace.as_ref(), &self.app.watch);
            let span = error_span!("delivery", trace = %trace.id);
            deliveries.spawn(async move { relay.one(one, trace).await }.instrument(span));
        }
        let mut batch = Batch::default();
        while let Some(done) = deliveries.join_next().await {
            *if done.unwrap_or(false) { &mut batch.done } else { &mut batch.missed } += 1;
        }
        batch
    }

    /// Whether it is out of the way now.
    async fn one(&self, claimed: Claimed, trace: TraceContext) -> bool {
        let (Some(next), Some(queue)) = (&self.app.next, &self.app.queue) else { return false };
        let Claimed { saved, hop, attempts, keyed, .. } = claimed;
        let key = saved.key;
        let end = match (self.part)(saved) {
            Ok(part) => {
                let (at, begun, state) = (wall::now(), Instant::now(), next.state());
                let headers = trace.headers(trace.span);
                let parcel = Parcel { hop, part: &part, key: idempotency::of_hand_over(key), trace: headers };
                let result = next.hand_over(&parcel, Deadline::default()).await;
                let missed = result.as_ref().err();
                queue.witness.tell(&Delivery {
                    trace,
                    at,
                    took: begun.elapsed(),
                    hop,
                    before: attempts,
                    state,
                    error: missed.map(Missed::code),
                    retry_after: missed.and_then(Missed::retry_after),
                });
                Try { before: attempts, keyed, now: wall::now(), random: rand::random() }.ended(&result)
            }
            Err(message) => {
                let error = json!({ "code": "EDOCUMENT", "message": message });
                End::Refused { attempts, error }
            }
        };
        let out_of_the_way = !matches!(end, End::Missed { .. });
        match &end {
            End::Taken(_) => {
                queue.count_delivered();
                info!(%key, next = next.name(), attempts = attempts + 1, "📮 delivered what had waited");
            }
            End::Refused { error, .. } => warn!(%key, next = next.name(), %error, "📪 set aside"),
            End::Missed { .. } => {}
        }
        self.app.store.settle(key, end).await;
        out_of_the_way
    }

    async fn count(&self) {
        let Some(queue) = &self.app.queue else { return };
        loop {
            let begun = Instant::now();
            let now = wall::now();
            if let Ok(backlog) = self.app.store.ask("backlog", |store| store.backlog(now)).await {
                queue.keep(backlog);
            }
            sleep(TICK.max(begun.elapsed() * COUNTING)).await;
        }
    }

    async fn sweep(&self) {
        loop {
            let now = wall::now();
            while let Ok(1..) = self.app.store.ask("sweep", |store| store.sweep(now)).await {}
            sleep(SWEEP).await;
        }
    }
}

fn part<R: Record>(saved: Saved) -> Result<Value, String> {
    let document = Value::Object(saved.document);
    let record: R = serde_json::from_value(document)
        .map_err(|error| format!("the document is not one of this service any more: {error}"))?;
    record.next().cloned().ok_or_else(|| "the document has no part to hand on any more".to_owned())
}
