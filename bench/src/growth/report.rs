//! All that was measured, as it is written to JSON.

use super::Step;
use super::plan::{Plan, Subject};
use crate::machine::{machine, versions};
use crate::noise::Noise;
use crate::options::Options;
use crate::series::Value;
use crate::turn::{Figure, Turn};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Up to so many times what it is at the smallest size, a cost counts as flat: rounds vary by as much.
const FLAT: f64 = 1.15;
/// The costs that are judged.
const COSTS: [Figure; 3] = [Figure::ServicesCpuMs, Figure::MongodCpuMs, Figure::CallNs];

/// A run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(super) machine: String,
    pub(super) versions: Vec<String>,
    pub(super) rounds: u32,
    pub(super) measured_s: f64,
    /// How long all of it took.
    pub(super) seconds: f64,
    pub(super) noise: Noise,
    pub(super) lines: Vec<Line>,
}

/// What was measured at one size.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    #[serde(flatten)]
    pub(super) subject: Subject,
    pub(super) size: u32,
    pub(super) figures: BTreeMap<Figure, Value>,
    /// Each cost by what it is at the smallest size.
    pub(super) by_smallest: BTreeMap<Figure, f64>,
    /// Whether none of them grows; nothing of the smallest size itself.
    pub(super) flat: Option<bool>,
    pub(super) first_error: Option<String>,
    /// Every turn, for those who reckon anew.
    turns: Vec<Turn>,
}

impl Report {
    pub(super) fn of(options: &Options, plan: &Plan, steps: Vec<Step>, took: Duration) -> Self {
        let noise = Noise::of(steps.iter().flat_map(|step| &step.turns));
        Self {
            machine: machine(),
            versions: versions(options),
            rounds: plan.rounds,
            measured_s: plan.spans.measured_s,
            seconds: took.as_secs_f64(),
            noise,
            lines: lines(steps, noise),
        }
    }
}

fn lines(steps: Vec<Step>, noise: Noise) -> Vec<Line> {
    let mut lines: Vec<Line> = steps.into_iter().map(|step| line(step, noise)).collect();
    let smallest = |subject: Subject, lines: &[Line]| {
        let line = lines.iter().filter(|line| line.subject == subject).min_by_key(|line| line.size)?;
        Some((line.size, line.figures.clone()))
    };
    for at in 0..lines.len() {
        let Some((size, least)) = smallest(lines[at].subject, &lines) else { continue };
        let line = &mut lines[at];
        if line.size == size {
            continue;
        }
        let ratio = |figure: Figure| {
            let ratio = line.figures.get(&figure)?.median / least.get(&figure)?.median;
            ratio.is_finite().then_some((figure, ratio))
        };
        line.by_smallest = COSTS.into_iter().filter_map(ratio).collect();
        line.flat = Some(line.by_smallest.values().all(|&ratio| ratio <= FLAT));
    }
    lines
}

fn line(step: Step, noise: Noise) -> Line {
    let known: BTreeSet<Figure> = step.turns.iter().flat_map(|turn| turn.figures.keys().copied()).collect();
    let value = |figure: Figure| {
        let values =
            step.turns.iter().filter_map(|turn| Some((*turn.figures.get(&figure)?, noise.is_calm(turn))));
        Some((figure, Value::of(values)?))
    };
    Line {
        subject: step.subject,
        size: step.size,
        figures: known.into_iter().filter_map(value).collect(),
        by_smallest: BTreeMap::new(),
        flat: None,
        first_error: step.turns.iter().find_map(|turn| turn.first_error.clone()),
        turns: step.turns,
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Store;
    use super::*;

    fn step(subject: Subject, size: u32, costs: &[f64]) -> Step {
        let turn = |&cost: &f64| Turn {
            figures: BTreeMap::from([(Figure::ServicesCpuMs, cost), (Figure::P50Ms, cost * 100.0)]),
            calibration: 1.0,
            others: None,
            first_error: None,
        };
        Step { subject, size, turns: costs.iter().map(turn).collect() }
    }

    #[test]
    fn a_cost_is_judged_by_that_at_the_smallest_size_of_its_subject() {
        let (one, other) = (Subject::Connections(Store::Mongo), Subject::Connections(Store::Sqlite));
        let steps = vec![
            step(one, 16, &[110.0, 130.0, 90.0]),
            step(one, 1, &[100.0, 101.0, 99.0]),
            step(one, 64, &[150.0]),
            step(other, 64, &[1_000.0]),
        ];
        let noise = Noise::of(steps.iter().flat_map(|step| &step.turns));
        let lines = lines(steps, noise);
        let flat: Vec<Option<bool>> = lines.iter().map(|line| line.flat).collect();
        assert_eq!(flat, [Some(true), None, Some(false), None]);
        assert_eq!(lines[0].by_smallest, BTreeMap::from([(Figure::ServicesCpuMs, 1.1)]));
        assert_eq!(lines[2].by_smallest, BTreeMap::from([(Figure::ServicesCpuMs, 1.5)]));
    }

    #[test]
    fn a_figure_of_one_turn_alone_is_shown_too() {
        let mut idle = step(Subject::Waiting(Store::Mongo), 0, &[7.0]);
        idle.turns[0].figures = BTreeMap::from([(Figure::IdleMongodCpuMs, 3.0)]);
        idle.turns.extend(step(Subject::Waiting(Store::Mongo), 0, &[8.0]).turns);
        let noise = Noise::of(idle.turns.iter());
        let line = line(idle, noise);
        assert_eq!(line.figures[&Figure::IdleMongodCpuMs].median, 3.0);
        assert_eq!(line.figures[&Figure::ServicesCpuMs].median, 8.0);
    }
}
