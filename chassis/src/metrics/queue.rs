//! The queue in numbers, as the relay has counted it: reading them costs nothing.

use crate::queue::Queue;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::sync::Arc;

/// Tells what is in the queue.
#[derive(Debug)]
pub(super) struct Figures(pub(super) Arc<Queue>);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let figures = self.0.figures();
        let help = "Documents whose hand-over waits to be delivered.";
        let metric = encoder.encode_descriptor("queue_waiting", help, None, MetricType::Gauge)?;
        ConstGauge::new(i64::try_from(figures.waiting).unwrap_or(i64::MAX)).encode(metric)?;
        let help = "For how long the oldest of them has waited, 0 where there is none.";
        let metric = encoder.encode_descriptor("queue_oldest_seconds", help, None, MetricType::Gauge)?;
        ConstGauge::new(figures.oldest.unwrap_or_default().as_secs_f64()).encode(metric)?;
        let help = "Documents whose hand-over was set aside.";
        let metric = encoder.encode_descriptor("queue_set_aside", help, None, MetricType::Gauge)?;
        ConstGauge::new(i64::try_from(figures.set_aside).unwrap_or(i64::MAX)).encode(metric)?;
        let help = "Hand-overs delivered, other than at the first try.";
        let metric = encoder.encode_descriptor("queue_delivered", help, None, MetricType::Counter)?;
        ConstCounter::new(figures.delivered).encode(metric)
    }
}
