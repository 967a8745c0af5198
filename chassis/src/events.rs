//! `GET /events`: what happens in this service as it happens, and every half second how things are.
//!
//! Whoever has something to tell calls a method here, and knows nothing of readers. What happened is numbered and kept
//! for a while; how things are is looked at only while somebody reads, once for all of them.

mod faults;
mod hystrix;
mod requests;
mod snapshot;
mod tell;
mod ticker;

pub(crate) use hystrix::stream as hystrix;

use crate::app::App;
use crate::limits;
use crate::problem::Problem;
use crate::sample::Sampler;
use crate::sse::Hub;
use crate::wall::At;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use requests::Requests;
use std::sync::{Arc, Mutex, Weak};
use ticker::Ticker;

/// What is told, and to whom.
#[derive(Debug)]
pub(crate) struct Events {
    service: &'static str,
    hub: Arc<Hub>,
    requests: Requests,
    /// Picks the faults that are told of.
    faults: Sampler,
    /// Runs while anyone reads; the readers hold it.
    ticker: Mutex<Weak<Ticker>>,
}

impl Events {
    pub(crate) fn new(service: &'static str) -> Self {
        Self {
            service,
            hub: Arc::new(Hub::new(limits::READERS, At::now().since_1970())),
            requests: Requests::default(),
            faults: Sampler::per_second(limits::FAULTS_TOLD),
            ticker: Mutex::default(),
        }
    }

    /// Ends the streams of all who read: a service that stops does not wait for them.
    pub(crate) fn close(&self) {
        self.hub.close();
    }
}

/// `GET /events`
pub(crate) async fn events(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let ticker = Ticker::running(&app);
    let hub = Arc::clone(&app.events.hub);
    let reader = hub.join(&headers, move || vec![(snapshot::NAME, snapshot::text(&app))])?;
    Ok(reader.into_response(ticker))
}

#[cfg(test)]
mod tests;
