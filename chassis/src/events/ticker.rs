//! The half-second beat of those who read: it runs while there are any, and is one for all.

use super::snapshot;
use crate::app::App;
use crate::limits;
use std::sync::{Arc, PoisonError, Weak};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Shows all readers a snapshot each half second, until it is dropped.
#[derive(Debug)]
pub(crate) struct Ticker(AbortHandle);

impl Ticker {
    /// The one that runs; where none does, a new one.
    pub(super) fn running(app: &Arc<App>) -> Arc<Self> {
        let mut running = app.events.ticker.lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            // The service is held by those who read, and not by the beat.
            let ticker = Arc::new(Self(tokio::spawn(tick(Arc::downgrade(app))).abort_handle()));
            *running = Arc::downgrade(&ticker);
            ticker
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn tick(app: Weak<App>) {
    let mut beat = interval_at(Instant::now() + limits::SNAPSHOT, limits::SNAPSHOT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let Some(app) = app.upgrade() else { return };
        app.events.hub.show(snapshot::NAME, &snapshot::text(&app));
    }
}
