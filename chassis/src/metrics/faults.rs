//! The faults that were injected, read when they are asked for.

use crate::chaos::Chaos;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use std::fmt;
use std::sync::Arc;

/// Tells what was injected.
#[derive(Debug)]
pub(super) struct Faults(pub(super) Arc<Chaos>);

impl Collector for Faults {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let help = "Faults injected, by rule and kind.";
        let mut metric =
            encoder.encode_descriptor("chaos_faults_injected", help, None, MetricType::Counter)?;
        for (rule, kind, count) in self.0.injected() {
            let labels = [("rule", rule.as_str()), ("kind", kind.name())];
            ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
