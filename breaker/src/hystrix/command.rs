//! What the dashboard draws as a circuit: state, counts, latencies.

use super::{UNLIMITED, full_failures, json, millis, name, window};
use crate::settings::{Settings, Trip, share};
use crate::snapshot::{Latency, Mode, Snapshot, State};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A circuit as a `HystrixCommand`; `to_string` gives its JSON. Made by [`command`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Command<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: Cow<'a, str>,
    group: Cow<'a, str>,
    current_time: u64,
    is_circuit_breaker_open: bool,
    error_percentage: u64,
    error_count: u64,
    request_count: u64,
    rolling_count_bad_requests: u64,
    rolling_count_collapsed_requests: u64,
    rolling_count_emit: u64,
    rolling_count_exceptions_thrown: u64,
    rolling_count_failure: u64,
    rolling_count_fallback_emit: u64,
    rolling_count_fallback_failure: u64,
    rolling_count_fallback_missing: u64,
    rolling_count_fallback_rejection: u64,
    rolling_count_fallback_success: u64,
    rolling_count_responses_from_cache: u64,
    rolling_count_semaphore_rejected: u64,
    rolling_count_short_circuited: u64,
    rolling_count_success: u64,
    rolling_count_thread_pool_rejected: u64,
    rolling_count_timeout: u64,
    current_concurrent_execution_count: u32,
    rolling_max_concurrent_execution_count: u32,
    #[serde(rename = "latencyExecute_mean")]
    latency_execute_mean: u64,
    #[serde(serialize_with = "percentiles")]
    latency_execute: Latency,
    #[serde(rename = "latencyTotal_mean")]
    latency_total_mean: u64,
    #[serde(serialize_with = "percentiles")]
    latency_total: Latency,
    #[serde(flatten)]
    properties: Properties,
    reporting_hosts: u32,
    thread_pool: Cow<'a, str>,
}

/// The settings, each as `propertyValue_` and its name in Hystrix.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Properties {
    #[serde(rename = "propertyValue_circuitBreakerRequestVolumeThreshold")]
    volume: u64,
    #[serde(rename = "propertyValue_circuitBreakerSleepWindowInMilliseconds")]
    sleep_window: u64,
    #[serde(rename = "propertyValue_circuitBreakerErrorThresholdPercentage")]
    error_threshold: u64,
    #[serde(rename = "propertyValue_circuitBreakerForceOpen")]
    force_open: bool,
    #[serde(rename = "propertyValue_circuitBreakerForceClosed")]
    force_closed: bool,
    #[serde(rename = "propertyValue_circuitBreakerEnabled")]
    enabled: bool,
    #[serde(rename = "propertyValue_executionIsolationStrategy")]
    isolation: &'static str,
    #[serde(rename = "propertyValue_executionIsolationThreadTimeoutInMilliseconds")]
    thread_timeout: u64,
    #[serde(rename = "propertyValue_executionTimeoutInMilliseconds")]
    timeout: u64,
    #[serde(rename = "propertyValue_executionIsolationThreadInterruptOnTimeout")]
    interrupt: bool,
    #[serde(rename = "propertyValue_executionIsolationThreadPoolKeyOverride")]
    pool_key: Option<&'static str>,
    #[serde(rename = "propertyValue_executionIsolationSemaphoreMaxConcurrentRequests")]
    capacity: u32,
    #[serde(rename = "propertyValue_fallbackIsolationSemaphoreMaxConcurrentRequests")]
    fallback_capacity: u32,
    #[serde(rename = "propertyValue_metricsRollingStatisticalWindowInMilliseconds")]
    window: u64,
    #[serde(rename = "propertyValue_requestCacheEnabled")]
    cache: bool,
    #[serde(rename = "propertyValue_requestLogEnabled")]
    log: bool,
}

/// A circuit as a `HystrixCommand`. `now_ms` is wall time, in milliseconds since 1970. See [the module](super) for what
/// the figures mean.
#[must_use]
pub fn command<'a>(name: &'a str, snapshot: &Snapshot, now_ms: u64) -> Command<'a> {
    let name = name::shown(name);
    let counts = &snapshot.counts;
    let full = full_failures(counts, snapshot);
    let failures = counts.failures.saturating_sub(counts.timeouts).saturating_sub(full);
    let errors =
        [failures, counts.timeouts, counts.semaphore_rejections].into_iter().fold(0, u64::saturating_add);
    let requests = errors.saturating_add(counts.successes);
    let mean = millis(snapshot.latency.mean);
    Command {
        kind: "HystrixCommand",
        group: name.clone(),
        thread_pool: name.clone(),
        name,
        current_time: now_ms,
        is_circuit_breaker_open: is_open(snapshot),
        // In floating point and cut off, as in `HealthCounts`.
        error_percentage: share(errors, requests) as u64,
        error_count: errors,
        request_count: requests,
        rolling_count_bad_requests: 0,
        rolling_count_collapsed_requests: 0,
        rolling_count_emit: 0,
        rolling_count_exceptions_thrown: errors
            .saturating_add(counts.rejects)
            .saturating_sub(counts.fallbacks),
        rolling_count_failure: failures,
        rolling_count_fallback_emit: 0,
        rolling_count_fallback_failure: 0,
        rolling_count_fallback_missing: 0,
        rolling_count_fallback_rejection: 0,
        rolling_count_fallback_success: counts.fallbacks,
        rolling_count_responses_from_cache: 0,
        rolling_count_semaphore_rejected: counts.semaphore_rejections,
        rolling_count_short_circuited: counts.rejects,
        rolling_count_success: counts.successes,
        rolling_count_thread_pool_rejected: 0,
        rolling_count_timeout: counts.timeouts,
        current_concurrent_execution_count: snapshot.in_flight,
        rolling_max_concurrent_execution_count: snapshot.in_flight,
        latency_execute_mean: mean,
        latency_execute: snapshot.latency,
        latency_total_mean: mean,
        latency_total: snapshot.latency,
        properties: properties(snapshot),
        // The dashboard compares it with whether the circuit is open: it is one circuit.
        reporting_hosts: 1,
    }
}

fn is_open(snapshot: &Snapshot) -> bool {
    match snapshot.mode {
        Mode::Auto | Mode::MetricsOnly => snapshot.state != State::Closed,
        Mode::ForcedOpen => true,
        Mode::ForcedClosed | Mode::Disabled => false,
    }
}

fn properties(snapshot: &Snapshot) -> Properties {
    let settings = &*snapshot.settings;
    let timeout = settings.timeout.map_or(0, millis);
    Properties {
        volume: settings.volume,
        sleep_window: millis(settings.reset),
        error_threshold: error_threshold(settings),
        force_open: snapshot.mode == Mode::ForcedOpen,
        force_closed: matches!(snapshot.mode, Mode::ForcedClosed | Mode::MetricsOnly),
        enabled: snapshot.mode != Mode::Disabled,
        isolation: "SEMAPHORE",
        thread_timeout: timeout,
        timeout,
        interrupt: true,
        pool_key: None,
        capacity: settings.capacity.unwrap_or(UNLIMITED),
        fallback_capacity: UNLIMITED,
        window: window(snapshot),
        cache: false,
        log: false,
    }
}

fn error_threshold(settings: &Settings) -> u64 {
    let percent =
        |rule: &Trip| if let Trip::Errors(threshold) = rule { Some(threshold.percent()) } else { None };
    settings.trip.walk().find_map(percent).map_or(100, |percent| percent.round() as u64)
}

fn percentiles<S: Serializer>(latency: &Latency, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(latency.percentiles().map(|(percent, time)| (percent.to_string(), millis(time))))
}

impl fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        json(self, f)
    }
}
