//! What pages are told: the events of all services in one stream, and how each service is.
//!
//! What a service tells is checked and passed on as it is. The last snapshot of each is kept, so that a page which has
//! just been opened, or has fallen behind, sees at once how things are.

use crate::limits;
use crate::settings::Peer;
use axum::http::HeaderMap;
use axum::response::Response;
use chassis::sse::{Greeting, Hub};
use chassis::{At, Problem};
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::time::sleep;

/// The events that are ours: no service may tell them.
pub(crate) const OURS: [&str; 2] = ["service", "load"];
const SNAPSHOT: &str = "snapshot";

/// Tells all pages.
#[derive(Debug)]
pub(crate) struct Feed {
    hub: Arc<Hub>,
    pages: watch::Sender<usize>,
    known: Mutex<Known>,
}

/// How things are, as far as is known.
#[derive(Debug)]
struct Known {
    services: Vec<Service>,
    load: String,
}

/// What is known of a service.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Service {
    service: String,
    url: String,
    /// None where it was not asked yet: nobody listens to the services while no page is open.
    reachable: Option<bool>,
    /// Since when that is so.
    since: At,
    /// Why it is away, in a few words.
    why: Option<String>,
    #[serde(skip)]
    snapshot: Option<String>,
}

impl Feed {
    pub(crate) fn new(peers: &[Peer]) -> Self {
        let service = |peer: &Peer| Service {
            service: peer.name.clone(),
            url: peer.url.as_str().trim_end_matches('/').to_owned(),
            reachable: None,
            since: At::now(),
            why: None,
            snapshot: None,
        };
        let known = Known { services: peers.iter().map(service).collect(), load: "{}".to_owned() };
        Self {
            hub: Arc::new(Hub::new(limits::PAGES, At::now().since_1970())),
            pages: watch::Sender::new(0),
            known: Mutex::new(known),
        }
    }

    /// The stream of a page.
    pub(crate) fn join(self: &Arc<Self>, headers: &HeaderMap) -> Result<Response, Problem> {
        let feed = Arc::clone(self);
        let reader = self.hub.join(headers, move || feed.greeting())?;
        self.pages.send_modify(|pages| *pages += 1);
        Ok(reader.into_response(Page(Arc::clone(self))))
    }

    /// Ends the streams of all pages.
    pub(crate) fn close(&self) {
        self.hub.close();
    }

    /// Waits until a page is open.
    pub(crate) async fn watched(&self) {
        let mut pages = self.pages.subscribe();
        pages.wait_for(|pages| *pages > 0).await.expect("we hold the other end");
    }

    /// Waits until no page has been open for so long.
    pub(crate) async fn unwatched(&self, time: std::time::Duration) {
        let mut pages = self.pages.subscribe();
        loop {
            pages.wait_for(|pages| *pages == 0).await.expect("we hold the other end");
            tokio::select! {
                _ = pages.wait_for(|pages| *pages > 0) => {}
                () = sleep(time) => return,
            }
        }
    }

    /// Passes on what a service told.
    pub(crate) fn pass_on(&self, service: usize, name: &str, data: &str) {
        if name != SNAPSHOT {
            return self.hub.tell(name, data);
        }
        // First, so that a page which comes in between has it, if twice.
        self.known().services[service].snapshot = Some(data.to_owned());
        self.hub.show(name, data);
    }

    /// Notes whether a service is there, and tells it where that is new.
    pub(crate) fn note(&self, service: usize, reachable: Option<bool>, why: Option<String>) {
        let mut known = self.known();
        let known_one = &mut known.services[service];
        if known_one.reachable == reachable && known_one.why == why {
            return;
        }
        if known_one.reachable != reachable {
            known_one.since = At::now();
        }
        (known_one.reachable, known_one.why) = (reachable, why);
        let text = to_text(known_one);
        drop(known);
        self.hub.show(OURS[0], &text);
    }

    /// Tells how the load goes.
    pub(crate) fn show_load(&self, text: String) {
        self.known().load.clone_from(&text);
        self.hub.show(OURS[1], &text);
    }

    /// What is known of each service, in the order of the chain.
    pub(crate) fn services(&self) -> Vec<Service> {
        self.known().services.clone()
    }

    fn greeting(&self) -> Greeting {
        let known = self.known();
        let mut greeting = Vec::new();
        for service in &known.services {
            greeting.push((OURS[0], to_text(service)));
            greeting.extend(service.snapshot.clone().map(|snapshot| (SNAPSHOT, snapshot)));
        }
        greeting.push((OURS[1], known.load.clone()));
        greeting
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn to_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and lists of them are JSON")
}

/// An open page. Dropped when its stream ends or its connection breaks.
#[derive(Debug)]
struct Page(Arc<Feed>);

impl Drop for Page {
    fn drop(&mut self) {
        self.0.pages.send_modify(|pages| *pages -= 1);
    }
}

#[cfg(test)]
mod tests;
