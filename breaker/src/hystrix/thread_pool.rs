//! What the dashboard draws as a thread pool: the places for calls, and who is in them.

use super::{UNLIMITED, full_failures, json, name, window};
use crate::snapshot::{Counts, Snapshot};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// The places of a circuit as a `HystrixThreadPool`; `to_string` gives its JSON. Made by [`thread_pool`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadPool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: Cow<'a, str>,
    current_time: u64,
    current_active_count: u32,
    current_completed_task_count: u64,
    current_core_pool_size: u32,
    current_largest_pool_size: u32,
    current_maximum_pool_size: u32,
    current_pool_size: u32,
    current_queue_size: u32,
    current_task_count: u64,
    rolling_count_threads_executed: u64,
    rolling_max_active_threads: u32,
    rolling_count_command_rejections: u64,
    #[serde(rename = "propertyValue_queueSizeRejectionThreshold")]
    queue: u32,
    #[serde(rename = "propertyValue_metricsRollingStatisticalWindowInMilliseconds")]
    window: u64,
    reporting_hosts: u32,
}

/// The places of a circuit as a `HystrixThreadPool`: as many as its [`capacity`](crate::Settings::capacity), without a
/// queue. Where there is no limit, it is drawn as a cached thread pool of Java, which grows as it is needed: as large as
/// there are calls under way. `now_ms` is wall time, in milliseconds since 1970. See [the module](super) for what the figures mean.
#[must_use]
pub fn thread_pool<'a>(name: &'a str, snapshot: &Snapshot, now_ms: u64) -> ThreadPool<'a> {
    let capacity = snapshot.settings.capacity;
    let places = capacity.unwrap_or(snapshot.in_flight);
    let completed = executed(&snapshot.totals, snapshot);
    ThreadPool {
        kind: "HystrixThreadPool",
        name: name::shown(name),
        current_time: now_ms,
        current_active_count: snapshot.in_flight,
        current_completed_task_count: completed,
        current_core_pool_size: capacity.unwrap_or(0),
        current_largest_pool_size: places,
        current_maximum_pool_size: capacity.unwrap_or(UNLIMITED),
        current_pool_size: places,
        current_queue_size: 0,
        current_task_count: completed.saturating_add(u64::from(snapshot.in_flight)),
        rolling_count_threads_executed: executed(&snapshot.counts, snapshot),
        rolling_max_active_threads: snapshot.in_flight,
        rolling_count_command_rejections: snapshot.counts.semaphore_rejections,
        queue: 0,
        window: window(snapshot),
        reporting_hosts: 1,
    }
}

/// Calls that were let through and ended.
fn executed(counts: &Counts, snapshot: &Snapshot) -> u64 {
    counts.successes.saturating_add(counts.failures.saturating_sub(full_failures(counts, snapshot)))
}

impl fmt::Display for ThreadPool<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        json(self, f)
    }
}
