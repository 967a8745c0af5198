//! What a rule says to figures.

use breaker::Trip;

#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

/// What a rule is judged on.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) calls: u64,
    pub(super) failures: u64,
    pub(super) ended: u64,
    pub(super) slow: u64,
    pub(super) consecutive: u32,
    pub(super) under_way: u32,
    pub(super) volume: u64,
}

pub(super) fn of(ends: &[End]) -> Figures {
    let in_a_row = ends.iter().rev().take_while(|end| end.failed).count();
    Figures {
        calls: ends.len() as u64,
        ended: ends.len() as u64,
        failures: ends.iter().filter(|end| end.failed).count() as u64,
        slow: ends.iter().filter(|end| end.slow).count() as u64,
        consecutive: in_a_row as u32,
        ..Figures::default()
    }
}

pub(super) fn trips(trip: &Trip, on: &Figures) -> bool {
    match trip {
        Trip::Errors(threshold) => {
            let rate = on.failures as f64 / on.calls as f64 * 100.0;
            on.failures > 0 && on.calls >= on.volume && threshold.is_passed_by(rate)
        }
        Trip::Slow { share, .. } => {
            on.slow > 0
                && on.ended >= on.volume
                && share.is_passed_by(on.slow as f64 / on.ended as f64 * 100.0)
        }
        Trip::Consecutive(most) => on.consecutive >= *most,
        Trip::Failures(most) => on.failures >= *most,
        Trip::PileUp(most) => on.under_way >= *most,
        Trip::Any(rules) => rules.iter().any(|rule| trips(rule, on)),
        Trip::All(rules) => rules.iter().all(|rule| trips(rule, on)),
        other => panic!("the model does not know {other:?}"),
    }
}

pub(super) fn rules(trip: &Trip) -> Vec<&Trip> {
    match trip {
        Trip::Any(all) | Trip::All(all) => all.iter().flat_map(rules).collect(),
        rule => vec![rule],
    }
}
