//! A circuit as JSON: made out of a snapshot, in one place.

use crate::millis::Millis;
use crate::wall::At;
use breaker::{Bucket, Counts, FailureKind, Mode, Snapshot, State, Transition, Trip};
use serde::{Serialize, Serializer};
use std::time::Duration;

/// Whose circuit it is.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Names<'a> {
    pub(crate) service: &'a str,
    pub(crate) circuit: &'a str,
    pub(crate) next: &'a str,
}

/// What `GET /circuit` answers.
#[derive(Debug, Serialize)]
pub(crate) struct View<'a> {
    #[serde(flatten)]
    names: Names<'a>,
    /// As in pybreaker, what a caller meets: forced and disabled circuits are not what their state says.
    current_state: State,
    /// As in pybreaker, failures in a row.
    fail_counter: u32,
    state: State,
    mode: Mode,
    at: At,
    since_ms: Millis,
    probe_in_ms: Option<Millis>,
    turns: u64,
    rate: f64,
    threshold: f64,
    volume: u64,
    min_volume: u64,
    in_flight: u32,
    probes: u32,
    probes_allowed: u32,
    window: Window,
    latency: Latency,
    counts: Counts,
    totals: Counts,
    last: Option<Last>,
    settings: Settings,
}

#[derive(Debug, Serialize)]
struct Window {
    length_ms: Millis,
    bucket_ms: Millis,
    /// All that the window has, oldest first.
    buckets: Vec<Part>,
}

/// A bucket of the window.
#[derive(Debug, Serialize)]
struct Part {
    age_ms: Millis,
    fires: u64,
    successes: u64,
    failures: u64,
    timeouts: u64,
    rejects: u64,
    semaphore_rejections: u64,
    slow: u64,
}

#[derive(Debug, Serialize)]
struct Latency {
    calls: u64,
    mean_ms: Millis,
    p50_ms: Millis,
    p90_ms: Millis,
    p95_ms: Millis,
    p99_ms: Millis,
}

/// The last change of state, and why.
#[derive(Debug, Serialize)]
pub(crate) struct Last {
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) at: At,
    ago_ms: Millis,
    pub(crate) reason: String,
    pub(crate) failures: Vec<Failure>,
}

/// A failure that led to an opening.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    #[serde(serialize_with = "by_name")]
    kind: FailureKind,
    ago_ms: Millis,
}

#[derive(Debug, Serialize)]
struct Settings {
    timeout_ms: Option<Millis>,
    error_threshold: f64,
    reset_ms: Millis,
    volume: u64,
    capacity: Option<u32>,
}

impl<'a> View<'a> {
    pub(crate) fn of(names: Names<'a>, snapshot: &Snapshot, fail_counter: u32, at: At) -> Self {
        let settings = &*snapshot.settings;
        let threshold = threshold(&settings.trip);
        Self {
            names,
            current_state: met(snapshot.mode, snapshot.state),
            fail_counter,
            state: snapshot.state,
            mode: snapshot.mode,
            at,
            since_ms: Millis(snapshot.at.saturating_sub(snapshot.since)),
            // Where its state is not gone by, no probe goes through either.
            probe_in_ms: snapshot.probe_in.filter(|_| goes_by_state(snapshot.mode)).map(Millis),
            turns: snapshot.turns,
            // JSON has no infinity: failures of calls from before the window, and no call within it.
            rate: if snapshot.error_rate.is_finite() { snapshot.error_rate } else { 100.0 },
            threshold,
            volume: snapshot.volume,
            min_volume: settings.volume,
            in_flight: snapshot.in_flight,
            probes: snapshot.probes,
            probes_allowed: settings.probing.at_once,
            window: Window::of(snapshot),
            latency: Latency::of(&snapshot.latency),
            counts: snapshot.counts,
            totals: snapshot.totals,
            last: snapshot.last.as_ref().map(|last| Last::of(last, snapshot.at, at)),
            settings: Settings {
                timeout_ms: settings.timeout.map(Millis),
                error_threshold: threshold,
                reset_ms: Millis(settings.reset),
                volume: settings.volume,
                capacity: settings.capacity,
            },
        }
    }
}

impl Window {
    fn of(snapshot: &Snapshot) -> Self {
        let (length, buckets) = match snapshot.settings.window {
            breaker::Window::Time { length, buckets } => (length, buckets),
            // Its figures over time are those of the usual window.
            breaker::Window::Calls(_) => (Duration::from_secs(10), 10),
        };
        let every = length / buckets.max(1);
        // Buckets begin at whole multiples of their length.
        let newest = snapshot.at.as_nanos() / every.as_nanos().max(1);
        let into = snapshot.at.saturating_sub(every * u32::try_from(newest).unwrap_or(u32::MAX));
        let part = |number: u32| {
            let begins = newest.checked_sub(u128::from(number)).map(|number| every.as_nanos() * number);
            let of_it = |bucket: &&Bucket| Some(bucket.begins.as_nanos()) == begins;
            let counts = snapshot.buckets.iter().find(of_it).map(|bucket| bucket.counts).unwrap_or_default();
            Part::of(into + every * number, &counts)
        };
        Self {
            length_ms: Millis(length),
            bucket_ms: Millis(every),
            buckets: (0..buckets).rev().map(part).collect(),
        }
    }
}

impl Part {
    fn of(age: Duration, counts: &Counts) -> Self {
        Self {
            age_ms: Millis(age),
            fires: counts.fires,
            successes: counts.successes,
            failures: counts.failures,
            timeouts: counts.timeouts,
            rejects: counts.rejects,
            semaphore_rejections: counts.semaphore_rejections,
            slow: counts.slow,
        }
    }
}

impl Latency {
    fn of(latency: &breaker::Latency) -> Self {
        let below = |wanted: f64| {
            let found = latency.percentiles().find(|(percent, _)| *percent == wanted);
            Millis(found.map(|(_, time)| time).unwrap_or_default())
        };
        Self {
            calls: latency.calls,
            mean_ms: Millis(latency.mean),
            p50_ms: below(50.0),
            p90_ms: below(90.0),
            p95_ms: below(95.0),
            p99_ms: below(99.0),
        }
    }
}

impl Last {
    /// `now` and `at` are the same moment, by the circuit's clock and by the wall's.
    pub(crate) fn of(transition: &Transition, now: Duration, at: At) -> Self {
        let ago = now.saturating_sub(transition.at);
        let failure = |failure: &breaker::Failure| Failure {
            kind: failure.kind,
            ago_ms: Millis(now.saturating_sub(failure.at)),
        };
        Self {
            from: transition.from,
            to: transition.to,
            at: at.before(ago),
            ago_ms: Millis(ago),
            reason: transition.reason.to_string(),
            failures: transition.failures.iter().map(failure).collect(),
        }
    }
}

fn goes_by_state(mode: Mode) -> bool {
    matches!(mode, Mode::Auto | Mode::MetricsOnly)
}

fn met(mode: Mode, state: State) -> State {
    match mode {
        Mode::Auto | Mode::MetricsOnly => state,
        Mode::ForcedOpen => State::Open,
        Mode::ForcedClosed | Mode::Disabled => State::Closed,
    }
}

/// Above which rate it opens: none where it does not go by a rate.
pub(super) fn threshold(trip: &Trip) -> f64 {
    if let Trip::Errors(threshold) = trip { threshold.percent() } else { 100.0 }
}

fn by_name<S: Serializer>(kind: &FailureKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}
