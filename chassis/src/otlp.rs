//! Traces, sent to a collector as OTLP over HTTP where `OTEL_EXPORTER_OTLP_ENDPOINT` says where one is.
//!
//! Spans are made of what became of a request, after it was answered, and put into a queue that has an end; a task sends
//! what has gathered. A collector that is away, or slow, costs spans and a line in the log now and then, never a request.

mod spans;

use crate::handled::Handled;
use crate::limits;
use crate::queue::Delivery;
use opentelemetry::KeyValue;
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use reqwest::{Client, Url};
use spans::Draughtsman;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Why traces cannot be exported.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ExportError(#[from] Kind);

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error(transparent)]
    Client(#[from] reqwest::Error),
    #[error(transparent)]
    Exporter(#[from] ExporterBuildError),
}

/// Takes what became of requests, to be sent.
#[derive(Debug)]
pub(crate) struct Outbox {
    draughtsman: Draughtsman,
    to: mpsc::Sender<Vec<SpanData>>,
    lost: Arc<AtomicU64>,
}

/// Sends what the outbox takes.
#[derive(Debug)]
pub(crate) struct Postman {
    collector: String,
    exporter: SpanExporter,
    from: mpsc::Receiver<Vec<SpanData>>,
    lost: Arc<AtomicU64>,
    /// When it was last told that the collector is away; none while it is there.
    complained: Option<Instant>,
}

/// The two halves for a service called `id`; `hop` is the next service's name and the circuit's.
pub(crate) fn open(
    collector: &Url,
    id: &str,
    hop: Option<(&str, &str)>,
) -> Result<(Outbox, Postman), ExportError> {
    let mut exporter = exporter(collector).map_err(ExportError)?;
    // With what OTEL_RESOURCE_ATTRIBUTES says.
    let resource = Resource::builder()
        .with_service_name(id.to_owned())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    exporter.set_resource(&resource);
    let (to, from) = mpsc::channel(limits::TRACES);
    let lost = Arc::new(AtomicU64::new(0));
    let outbox = Outbox { draughtsman: Draughtsman::new(hop), to, lost: Arc::clone(&lost) };
    let collector = collector.to_string();
    Ok((outbox, Postman { collector, exporter, from, lost, complained: None }))
}

fn exporter(collector: &Url) -> Result<SpanExporter, Kind> {
    // OTLP has the signal's path behind the one that is set.
    let endpoint = format!("{}/v1/traces", collector.as_str().trim_end_matches('/'));
    let client = Client::builder().no_proxy().timeout(limits::COLLECTOR_TIME).build()?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(limits::COLLECTOR_TIME)
        .with_endpoint(endpoint);
    Ok(exporter.build()?)
}

impl Outbox {
    /// Waits for nothing: where there is no room, the spans are lost.
    pub(crate) fn take(&self, handled: &Handled) {
        if handled.trace.sampled {
            self.put(self.draughtsman.draw(handled));
        }
    }

    /// The same of a late delivery.
    pub(crate) fn take_late(&self, delivery: &Delivery) {
        if delivery.trace.sampled {
            self.put(vec![self.draughtsman.draw_late(delivery)]);
        }
    }

    fn put(&self, spans: Vec<SpanData>) {
        if self.to.try_send(spans).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Postman {
    /// Sends until `stop`, and then what is left.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut gathered = Vec::new();
        loop {
            let room = limits::TRACES_AT_ONCE;
            let more = stop.run_until_cancelled(self.from.recv_many(&mut gathered, room)).await;
            let stopped = more.is_none();
            if stopped {
                self.from.close();
                while let Ok(spans) = self.from.try_recv() {
                    gathered.push(spans);
                }
            }
            if !gathered.is_empty() {
                self.send(mem::take(&mut gathered).into_iter().flatten().collect()).await;
            }
            if stopped || more == Some(0) {
                return;
            }
            stop.run_until_cancelled(sleep(limits::GATHER_TIME)).await;
        }
    }

    async fn send(&mut self, spans: Vec<SpanData>) {
        let count = spans.len();
        let result = timeout(limits::COLLECTOR_TIME, self.exporter.export(spans)).await;
        let cause = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {:?}", limits::COLLECTOR_TIME)),
        };
        let Some(cause) = cause else {
            if self.complained.take().is_some() {
                let lost = self.lost.swap(0, Ordering::Relaxed);
                info!(collector = self.collector, requests_lost = lost, "traces are sent again");
            }
            return;
        };
        if self.complained.is_none_or(|at| at.elapsed() >= limits::COMPLAIN_TIME) {
            self.complained = Some(Instant::now());
            warn!(collector = self.collector, spans = count, "traces cannot be sent: {cause}");
        }
    }
}
