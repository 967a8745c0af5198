//! Time: interleaved rounds on pinned threads, medians and quartiles.
//!
//! A round takes every row once (A B C …, then again A B C …), so that a slow minute of the machine falls on all alike.
//! Beside each row's turn runs a loop of known work; turns in which that was slower than usual are left out.

mod burst;
mod calibration;
mod crew;
mod others;
mod series;

pub(crate) use crew::Crew;

use crate::options::Options;
use crate::peer::{Case, Row};
use crate::report::{Noise, Value};
use others::Ticks;
use series::Series;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What is measured of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// Nanoseconds a call on one thread, with so many calls in the window before.
    Alone(Case, u32),
    /// Throughput of two threads on one breaker by that of one.
    Together(Case),
}

/// Calls in the window where nothing else is said.
pub(crate) const FEW: u32 = 1_000;
/// Calls in the window while failing calls are measured.
pub(crate) const FAILING: [u32; 3] = [100, 10_000, 1_000_000];

/// How much is done.
struct Plan {
    rounds: usize,
    /// Rounds in which a window is filled with a million calls.
    million: usize,
    /// No further round begins after this.
    at_most: Duration,
}

impl Plan {
    fn of(options: &Options) -> Self {
        if options.quick {
            Self { rounds: 12, million: 0, at_most: Duration::from_secs(6) }
        } else {
            Self { rounds: 50, million: 3, at_most: Duration::from_secs(60) }
        }
    }
}

/// What all rounds together gave: a map a row.
pub(crate) struct Timings {
    pub(crate) rows: Vec<BTreeMap<Figure, Value>>,
    pub(crate) noise: Noise,
}

/// Measures the rows in rounds.
pub(crate) fn measure(rows: &[Row], options: &Options) -> Timings {
    let plan = Plan::of(options);
    let crew = Crew::new(&options.cores);
    let begin = Instant::now();
    let ticks = Ticks::now();
    let mut series: Vec<BTreeMap<Figure, Series>> = rows.iter().map(|_| BTreeMap::new()).collect();
    let mut calibrations = Vec::new();
    let mut rounds = 0;
    while rounds < plan.rounds && begin.elapsed() < plan.at_most {
        for (row, series) in rows.iter().copied().zip(&mut series) {
            let million = rounds < plan.million;
            let turn = crew.alone(move || {
                let before = calibration::take();
                let figures = burst::alone(row, million);
                (figures, before.max(calibration::take()))
            });
            calibrations.push(turn.1);
            for (figure, value) in turn.0 {
                series.entry(figure).or_default().push(value, turn.1);
            }
            for (figure, value) in burst::together(row, &crew) {
                series.entry(figure).or_default().push(value, turn.1);
            }
        }
        rounds += 1;
    }
    let others = ticks.zip(Ticks::now()).map(|(then, now)| now.others_since(then));
    let (noise, usual) = calibration::judge(&calibrations, rounds, others, crew.pinned());
    let rows = series
        .into_iter()
        .map(|row| row.into_iter().map(|(figure, series)| (figure, series.value(usual))).collect())
        .collect();
    Timings { rows, noise }
}
