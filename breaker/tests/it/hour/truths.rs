//! What must hold at every moment, whatever has happened.

use super::traffic::{Seen, Traffic};
use breaker::{Breaker, Counts, Event, EventKind, Mode, RateOf, Reason, Snapshot, State, Transition};
use std::sync::{Arc, Mutex, PoisonError};

/// What the listener was told.
#[derive(Debug, Default)]
struct Told {
    changes: Vec<Transition>,
    fires: u64,
    successes: u64,
    failures: u64,
    timeouts: u64,
    rejects: u64,
    fallbacks: u64,
    full: u64,
}

pub(super) struct Truths {
    told: Arc<Mutex<Told>>,
}

impl Truths {
    /// With the listener that has to be given to the breaker.
    pub(super) fn new() -> (Self, impl Fn(&Event<'_>) + Send + Sync + 'static) {
        let told = Arc::new(Mutex::new(Told::default()));
        let listener = Arc::clone(&told);
        (Self { told }, move |event| {
            let mut told = listener.lock().unwrap_or_else(PoisonError::into_inner);
            match event.kind {
                EventKind::Fire => told.fires += 1,
                EventKind::Success => told.successes += 1,
                EventKind::Failure => told.failures += 1,
                EventKind::Timeout => told.timeouts += 1,
                EventKind::Reject => told.rejects += 1,
                EventKind::Fallback => told.fallbacks += 1,
                EventKind::SemaphoreLocked => told.full += 1,
                _ => {}
            }
            told.changes.extend(event.transition.cloned());
        })
    }

    /// All of it, at this moment.
    pub(super) fn hold(&self, breaker: &Breaker, traffic: &Traffic) {
        let seen = breaker.snapshot();
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = &traffic.seen;

        // Places: those of the calls under way, and no more than there are.
        let counted = Seen::get(&calls.under_way) - Seen::get(&calls.uncounted);
        assert_eq!(u64::from(seen.in_flight), counted, "{seen:?}");
        assert!(seen.probes <= seen.in_flight, "{seen:?}");
        let wrong = calls.let_through_wrongly.lock().expect("no test panics in here");
        assert!(wrong.is_empty(), "let through by {wrong:?}");
        drop(wrong);
        assert!(seen.state == State::HalfOpen || seen.probes == 0, "{seen:?}");
        assert_eq!(seen.probe_in.is_some(), seen.state == State::Open, "{seen:?}");
        assert!(seen.ramp.is_none_or(|share| (0.0..=100.0).contains(&share)), "{seen:?}");

        // Sums: what the callers saw, what the listener was told, what the circuit has counted.
        assert_eq!(seen.totals.fires, Seen::get(&calls.asked), "{seen:?}");
        assert_eq!(seen.totals.rejects, Seen::get(&calls.refused));
        assert_eq!(seen.totals.semaphore_rejections, Seen::get(&calls.full));
        assert_eq!(seen.totals.fallbacks, Seen::get(&calls.fell_back));
        assert_eq!(seen.totals.fires, told.fires);
        assert_eq!(seen.totals.rejects, told.rejects);
        assert_eq!(seen.totals.semaphore_rejections, told.full);
        assert_eq!(seen.totals.fallbacks, told.fallbacks);
        assert_eq!(told.timeouts, Seen::get(&calls.timed_out));
        // A late answer is told, and counts for nothing.
        assert!(seen.totals.successes <= told.successes && seen.totals.failures <= told.failures);
        assert!(seen.totals.timeouts <= told.timeouts && seen.totals.timeouts <= seen.totals.failures);
        let ended = seen.totals.successes + seen.totals.failures + seen.totals.rejects;
        assert!(ended + u64::from(seen.in_flight) <= seen.totals.fires, "more ended than began: {seen:?}");

        the_window_is_its_buckets(&seen);
        changes_are_legal(&told.changes, &seen);
    }

    /// At the end.
    pub(super) fn nothing_is_held(&self, breaker: &Breaker, traffic: &Traffic) {
        let seen = breaker.snapshot();
        assert_eq!((seen.in_flight, Seen::get(&traffic.seen.under_way)), (0, 0));
        assert_eq!(breaker.status().in_flight, 0);
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if cfg!(miri) {
            return; // The few seconds there may be quiet ones.
        }
        // The hour was not a quiet one.
        assert!(told.changes.len() > 100, "only {} changes of state", told.changes.len());
        for to in [State::Closed, State::Open, State::HalfOpen] {
            assert!(told.changes.iter().any(|change| change.to == to), "never {to}");
        }
        let few = told.successes.min(told.failures).min(told.timeouts).min(told.rejects).min(told.full);
        assert!(
            few > 20,
            "too little of something: {:?}",
            (told.successes, told.failures, told.timeouts, told.full)
        );
    }
}

/// Counts, rate and volume of the window are those of its buckets.
fn the_window_is_its_buckets(seen: &Snapshot) {
    let mut sum = Counts::default();
    for bucket in &seen.buckets {
        sum += bucket.counts;
    }
    assert_eq!(sum, seen.counts, "{seen:?}");
    assert!(seen.buckets.windows(2).all(|pair| pair[0].begins < pair[1].begins), "{seen:?}");
    assert!(seen.buckets.iter().all(|bucket| bucket.begins <= seen.at), "{seen:?}");
    // While calls come back, they alone are judged.
    if seen.state == State::HalfOpen {
        return;
    }
    let volume = match seen.settings.rate_of {
        RateOf::Asked => sum.fires,
        RateOf::Ended => sum.successes + sum.failures,
    };
    assert_eq!(seen.volume, volume, "{seen:?}");
    let rate = match (sum.failures, volume) {
        (0, _) => 0.0,
        (failures, volume) => failures as f64 / volume as f64 * 100.0,
    };
    assert!(seen.error_rate == rate || (seen.error_rate - rate).abs() < 1e-9, "{rate}: {seen:?}");
}

/// Each change begins where the one before has ended, is one that a circuit can make, and has a reason that fits.
fn changes_are_legal(changes: &[Transition], seen: &Snapshot) {
    // Those before were looked at in their time.
    for pair in changes.windows(2).rev().take(4) {
        assert_eq!(pair[0].to, pair[1].from, "{pair:?}");
        assert_eq!(pair[0].turns + 1, pair[1].turns, "{pair:?}");
        assert!(pair[0].at <= pair[1].at, "{pair:?}");
    }
    for change in changes.iter().rev().take(4) {
        let by_hand = change.reason == Reason::ByHand;
        let fits = match (change.from, change.to) {
            (State::Closed, State::Open) => matches!(
                change.reason,
                Reason::ErrorRate { .. }
                    | Reason::Consecutive { .. }
                    | Reason::Failures { .. }
                    | Reason::PileUp { .. }
            ),
            (State::Open, State::HalfOpen) => change.reason == Reason::ResetOver,
            (State::HalfOpen, State::Open) => matches!(
                change.reason,
                Reason::ProbeFailed(_)
                    | Reason::ProbeSlow { .. }
                    | Reason::RampFailed(_)
                    | Reason::HalfOpenTooLong
                    // By the calls under way, whoever they are.
                    | Reason::PileUp { .. }
            ),
            (State::HalfOpen, State::Closed) => {
                matches!(
                    change.reason,
                    Reason::ProbesPassed { .. } | Reason::RampOver | Reason::HalfOpenTooLong
                )
            }
            (State::Open, State::Closed) => false,
            _ => panic!("from {} to {}", change.from, change.to),
        };
        assert!(fits || by_hand && change.to != State::HalfOpen, "{change:?}");
        assert!(!change.reason.to_string().is_empty());
        assert!(
            change.failures.len() <= 8 && change.failures.is_sorted_by_key(|failure| failure.at),
            "{change:?}"
        );
    }
    if let Some(last) = changes.last() {
        assert!(last.turns <= seen.turns, "{last:?}, {seen:?}");
        if last.turns == seen.turns {
            assert_eq!((last.to, last.at), (seen.state, seen.since), "{last:?}, {seen:?}");
        }
    } else {
        assert!(seen.turns == 0 || seen.mode != Mode::Auto || seen.state == State::HalfOpen, "{seen:?}");
    }
}
