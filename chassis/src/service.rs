//! One service, put together from its settings.

use crate::admin::Admin;
use crate::app::{App, Keeper};
use crate::chaos::{Chaos, Environment};
use crate::circuit::{Circuit, InARow};
use crate::events::Events;
use crate::handled::Observers;
use crate::hop::Next;
use crate::idempotency::UnderWay;
use crate::metrics::{Metrics, Turns};
use crate::otlp::Postman;
use crate::queue::{Queue, Relay, Witness};
use crate::record::Record;
use crate::sample::Sampler;
use crate::settings::{Fallback, Settings, Storage};
use crate::store::{MongoStore, SqliteStore, Store};
use crate::{handled, limits, log, otlp, routes, server};
use axum::Router;
use breaker::{Breaker, EventKind};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

/// A service that is ready to listen.
#[derive(Debug)]
pub struct Service {
    app: Arc<App>,
    router: Router,
    relay: Relay,
    /// Sends traces while it serves.
    postman: Option<Postman>,
}

/// Why a service cannot be started: a setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The URL of the database.
    #[error("MONGO_URL cannot be used: {0}; expected one like mongodb://mongo:27017/retail")]
    Mongo(crate::store::StoreError),
    /// The folder of the embedded store.
    #[error("DATA_DIR cannot be used: {0}")]
    DataDir(crate::store::OpenError),
    /// The circuit.
    #[error("the circuit's settings cannot be used: {0}")]
    Circuit(#[from] breaker::SettingsError),
    /// Faults on purpose.
    #[error(transparent)]
    Faults(#[from] crate::settings::FaultError),
    /// The export of traces.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used: {0}; expected a URL, like http://collector:4318")]
    Traces(#[from] crate::otlp::ExportError),
    /// The HTTP client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
    /// The calls to the next service.
    #[error(transparent)]
    Next(#[from] crate::hop::NextError),
}

impl Service {
    /// Puts a service together. It opens its embedded store, and connects to nothing.
    ///
    /// # Errors
    ///
    /// Where a setting cannot be used.
    pub async fn new<R: Record>(settings: &Settings) -> Result<Self, StartError> {
        let records = format!("{}s", R::NAME);
        // Before a file is made.
        let faults = settings.faults.environment()?;
        let store = open(&settings.storage, &records).await?;
        Self::put_together::<R>(settings, faults, store)
    }

    /// Puts a service together on a store of the caller's.
    ///
    /// # Errors
    ///
    /// Where a setting cannot be used.
    pub fn with_store<R: Record>(settings: &Settings, store: Arc<dyn Store>) -> Result<Self, StartError> {
        Self::put_together::<R>(settings, settings.faults.environment()?, store)
    }

    fn put_together<R: Record>(
        settings: &Settings,
        faults: Environment,
        store: Arc<dyn Store>,
    ) -> Result<Self, StartError> {
        let records = format!("{}s", R::NAME);
        let id = settings.id.clone().unwrap_or_else(|| R::NAME.to_owned());
        let mut metrics = Metrics::new(&id, &records);
        let events = Arc::new(Events::new(R::NAME));
        let circuit = circuit::<R>(settings, &id, &events, metrics.turns())?;
        let next = next(settings, circuit.as_ref(), &mut metrics)?;
        let delivers = next.is_some() && settings.resilience.fallback == Fallback::Queue;
        let (outbox, postman) = match &settings.traces.otel_exporter_otlp_endpoint {
            Some(collector) => {
                let hop = circuit.as_ref().map(|circuit| (circuit.next(), circuit.breaker().name()));
                let (outbox, postman) = otlp::open(collector, &id, hop)?;
                (Some(Arc::new(outbox)), Some(postman))
            }
            None => (None, None),
        };
        let drawn = outbox.clone();
        let witness = drawn.map(|outbox| Witness::new(move |delivery| outbox.take_late(delivery)));
        let queue = delivers.then(|| Arc::new(Queue::new(witness.unwrap_or_default())));
        if let Some(queue) = &queue {
            metrics.add_queue(Arc::clone(queue));
        }
        let told = Arc::clone(&events);
        let chaos = Arc::new(Chaos::new(R::NAME, faults, move |what| {
            log::chaos(&what);
            told.chaos(&what);
        }));
        metrics.add_faults(Arc::clone(&chaos));
        let metrics = Arc::new(metrics);
        let mut observers = Observers::default();
        observers.add(handled::log);
        let (told, next_name) =
            (Arc::clone(&events), circuit.as_ref().map(|circuit| circuit.next().to_owned()));
        observers.add(move |handled| told.handled(handled, next_name.as_deref()));
        let counted = Arc::clone(&metrics);
        observers.add(move |handled| counted.handled(handled));
        if let Some(outbox) = outbox {
            observers.add(move |handled| outbox.take(handled));
        }
        let app = Arc::new(App {
            next,
            queue,
            keys: UnderWay::default(),
            key_time: settings.resilience.idempotency_ttl,
            circuit,
            events,
            id,
            store: Keeper::new(store, &records, metrics.store()),
            records,
            jumps: settings.chain.jumps,
            strict_status: settings.chain.strict_status,
            chaos,
            places: Arc::new(Semaphore::new(limits::REQUESTS)),
            watch: Sampler::per_second(limits::WATCHED),
            observers,
            metrics,
        });
        let relay = Relay::new::<R>(Arc::clone(&app));
        let admin = Admin::new(&settings.admin);
        Ok(Self { router: routes::router::<R>(Arc::clone(&app), &admin), app, relay, postman })
    }

    #[cfg(test)]
    pub(crate) fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// The service without its server.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Serves until `stop`; then finishes what has begun, within 7 s, and lets go of the store.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let Self { app, router, relay, postman } = self;
        let sent = CancellationToken::new();
        let sending = postman.map(|postman| AbortOnDropHandle::new(tokio::spawn(postman.run(sent.clone()))));
        if let Ok(address) = listener.local_addr() {
            let next = app.next.as_ref().map_or("none", Next::name);
            info!(service = app.id, next, "🕹  App listening on port {}", address.port());
        }
        let everything = async {
            let release = async {
                stop.cancelled().await;
                app.chaos.stop();
            };
            tokio::join!(server::serve(listener, router, stop.clone()), relay.run(stop.clone()), release);
            // Requests whose clients have gone have no connection any more, but a place.
            let all = u32::try_from(limits::REQUESTS).expect("a few hundred");
            drop(app.places.acquire_many(all).await);
        };
        let too_long = async {
            stop.cancelled().await;
            app.events.close();
            sleep(limits::DRAIN_TIME).await;
        };
        tokio::select! {
            () = everything => {}
            () = too_long => warn!(service = app.id, "stopped with requests under way"),
        }
        // The last spans have as long as the store has.
        sent.cancel();
        let last_spans = async {
            if let Some(sending) = sending {
                let _ = timeout(limits::STORE_TIME, sending).await;
            }
        };
        tokio::join!(app.store.close(), last_spans);
        info!(service = app.id, "stopped");
    }
}

async fn open(storage: &Storage, records: &str) -> Result<Arc<dyn Store>, StartError> {
    if let Some(url) = &storage.mongo_url {
        let store = MongoStore::new(url, records).await.map_err(StartError::Mongo)?;
        info!("{records} are kept in MongoDB");
        return Ok(Arc::new(store));
    }
    let store = SqliteStore::open(&storage.data_dir, records).map_err(StartError::DataDir)?;
    info!("{records} are kept in an SQLite file in {}", storage.data_dir.display());
    Ok(Arc::new(store))
}

fn circuit<R: Record>(
    settings: &Settings,
    id: &str,
    events: &Arc<Events>,
    turns: Turns,
) -> Result<Option<Circuit>, StartError> {
    let Some(url) = &settings.next.chain_svc else { return Ok(None) };
    let name = settings.next.name(url);
    let (in_a_row, events) = (InARow::default(), Arc::clone(events));
    let breaker = Breaker::builder(format!("{id}→{name}"))
        .settings(settings.circuit.settings())
        .on(log::SAID, log::circuit)
        .on(InARow::COUNTED, in_a_row.listener())
        .on(EventKind::TRANSITIONS, move |event| events.happened(event))
        .on(EventKind::TRANSITIONS, move |event| turns.note(event))
        .build()?;
    Ok(Some(Circuit::new(R::NAME, name, breaker, in_a_row)))
}

fn next(
    settings: &Settings,
    circuit: Option<&Circuit>,
    metrics: &mut Metrics,
) -> Result<Option<Next>, StartError> {
    let (Some(url), Some(circuit)) = (&settings.next.chain_svc, circuit) else { return Ok(None) };
    let breaker = circuit.breaker();
    let durations = metrics.add_circuit(breaker.clone());
    let name = circuit.next().to_owned();
    Ok(Some(Next::new(name, url.clone(), breaker, &settings.resilience, durations)?))
}
