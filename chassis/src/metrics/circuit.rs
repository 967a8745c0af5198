//! A circuit, read when it is asked for.

use super::labels::{STATES, state};
use breaker::{Breaker, Mode, Snapshot, Threshold, Trip};
use prometheus_client::collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const MODES: [Mode; 5] =
    [Mode::Auto, Mode::ForcedOpen, Mode::ForcedClosed, Mode::Disabled, Mode::MetricsOnly];
const OUTCOMES: [&str; 5] = ["success", "failure", "timeout", "rejected", "full"];

/// Tells what a circuit is like.
#[derive(Debug)]
pub(super) struct Collector {
    breaker: Breaker,
    /// Calls by outcome, as they were told last.
    told: Mutex<[u64; OUTCOMES.len()]>,
}

impl Collector {
    pub(super) fn new(breaker: Breaker) -> Self {
        Self { breaker, told: Mutex::default() }
    }

    /// Calls by outcome. What is counted is read while calls go on, so that a difference of two counts may be behind the one
    /// that was told before; a counter that sank would be taken for a restart.
    fn calls(&self, seen: &Snapshot) -> [u64; OUTCOMES.len()] {
        let all = seen.totals;
        let failed = all.failures.saturating_sub(all.timeouts).saturating_sub(all.semaphore_rejections);
        let now = [all.successes, failed, all.timeouts, all.rejects, all.semaphore_rejections];
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (told, now) in told.iter_mut().zip(now) {
            *told = now.max(*told);
        }
        *told
    }
}

impl collector::Collector for Collector {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let seen = self.breaker.snapshot();
        let settings = &seen.settings;
        let mut page = Page { encoder, circuit: self.breaker.name() };

        let states = STATES.map(|one| (state(one), one == seen.state));
        page.one_hot("circuit_breaker_state", "Whether the circuit is in this state.", "state", &states)?;
        let modes = MODES.map(|one| (one.name(), one == seen.mode));
        page.one_hot(
            "circuit_breaker_mode",
            "Whether the circuit goes by its state, or is forced.",
            "mode",
            &modes,
        )?;
        page.calls(self.calls(&seen))?;

        let seconds = |time: Option<Duration>| time.map_or(0.0, |time| time.as_secs_f64());
        let threshold = match settings.trip {
            Trip::Errors(Threshold::Above(percent) | Threshold::AtLeast(percent)) => percent / 100.0,
            _ => 0.0,
        };
        for (name, help, value) in [
            (
                "circuit_breaker_failure_ratio",
                "Failures by calls over the window, from 0 to 1.",
                (seen.error_rate / 100.0).min(1.0),
            ),
            ("circuit_breaker_window_calls", "Calls that the ratio is taken of.", float(seen.volume)),
            ("circuit_breaker_in_flight_calls", "Calls under way.", f64::from(seen.in_flight)),
            (
                "circuit_breaker_next_probe_seconds",
                "How long until an open circuit lets a probe through; 0 where it is not open.",
                seconds(seen.probe_in),
            ),
            (
                "circuit_breaker_threshold_ratio",
                "Setting: the ratio of failures above which the circuit opens.",
                threshold,
            ),
            (
                "circuit_breaker_minimum_calls",
                "Setting: calls within the window below which the circuit does not open.",
                float(settings.volume),
            ),
            (
                "circuit_breaker_timeout_seconds",
                "Setting: how long a call may take; 0 for no limit.",
                seconds(settings.timeout),
            ),
            (
                "circuit_breaker_reset_seconds",
                "Setting: how long an open circuit waits before it lets a probe through.",
                settings.reset.as_secs_f64(),
            ),
            (
                "circuit_breaker_capacity_calls",
                "Setting: calls that may be under way at once; 0 for no limit.",
                settings.capacity.map_or(0.0, f64::from),
            ),
        ] {
            page.gauge(name, help, value)?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts so far in one window")]
fn float(count: u64) -> f64 {
    count as f64
}

/// What is told of one circuit.
struct Page<'a, 'b> {
    encoder: DescriptorEncoder<'a>,
    circuit: &'b str,
}

impl Page<'_, '_> {
    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(value).encode(metric.encode_family(&[("circuit", self.circuit)])?)
    }

    fn one_hot(&mut self, name: &str, help: &str, label: &str, all: &[(&str, bool)]) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (word, is) in all {
            let labels = [("circuit", self.circuit), (label, word)];
            ConstGauge::new(i64::from(*is)).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn calls(&mut self, counts: [u64; OUTCOMES.len()]) -> fmt::Result {
        let help = "Calls that ended or were refused, by outcome.";
        let mut metric =
            self.encoder.encode_descriptor("circuit_breaker_calls", help, None, MetricType::Counter)?;
        for (outcome, count) in OUTCOMES.into_iter().zip(counts) {
            let labels = [("circuit", self.circuit), ("outcome", outcome)];
            ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
