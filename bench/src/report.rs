//! All that a run gave, as it is written to JSON.

use crate::candidate::{Candidate, Keeping, Row};
use crate::cold::Start;
use crate::goals::Goal;
use crate::noise::Noise;
use crate::series::Value;
use crate::sizes::Size;
use crate::turn::{Figure, Turn};
use serde::Serialize;
use std::collections::BTreeMap;

/// A run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    /// What was measured, and what it was built by.
    pub(crate) versions: Vec<String>,
    pub(crate) rounds: u32,
    pub(crate) warm_up_s: f64,
    pub(crate) measured_s: f64,
    /// How long all of it took.
    pub(crate) seconds: f64,
    /// Why the figures are not to be taken at their word: a run that was cut short.
    pub(crate) caveat: Option<String>,
    pub(crate) noise: Noise,
    pub(crate) missing: Vec<String>,
    pub(crate) goals: Vec<Goal>,
    pub(crate) lines: Vec<Line>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) starts: Vec<Start>,
    pub(crate) sizes: Vec<Size>,
    /// Every turn, for those who reckon anew.
    pub(crate) turns: Vec<Vec<(Row, Turn)>>,
}

/// What was measured of a row.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    #[serde(flatten)]
    pub(crate) row: Row,
    pub(crate) figures: BTreeMap<Figure, Value>,
    pub(crate) first_error: Option<String>,
}

/// The most memory that the services of a candidate have had after all rounds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Memory {
    pub(crate) candidate: Candidate,
    pub(crate) keeping: Keeping,
    /// In MiB, first service to last.
    pub(crate) services: Vec<f64>,
}

/// The turns of all rounds, as figures are made of them.
#[derive(Debug)]
pub(crate) struct Measured<'a> {
    pub(crate) turns: &'a [BTreeMap<Row, Turn>],
    pub(crate) noise: Noise,
}

impl Measured<'_> {
    /// A figure of a row over all rounds.
    pub(crate) fn value(&self, row: Row, figure: Figure) -> Option<Value> {
        let turns = self.turns.iter().filter_map(|round| round.get(&row));
        Value::of(turns.filter_map(|turn| Some((*turn.figures.get(&figure)?, self.noise.is_calm(turn)))))
    }

    /// A figure of a row by that of another, each in the same round: what slowed the machine slowed both.
    pub(crate) fn ratio(&self, row: Row, by: Row, figure: Figure) -> Option<Value> {
        let both = self.turns.iter().filter_map(|round| Some((round.get(&row)?, round.get(&by)?)));
        Value::of(both.filter_map(|(one, other)| {
            let ratio = one.figures.get(&figure)? / other.figures.get(&figure)?;
            Some((ratio, self.noise.is_calm(one) && self.noise.is_calm(other)))
        }))
    }

    /// The line of a row; `None` where it had no turn.
    pub(crate) fn line(&self, row: Row) -> Option<Line> {
        let turns: Vec<&Turn> = self.turns.iter().filter_map(|round| round.get(&row)).collect();
        let figures = turns.first()?.figures.keys();
        let figures = figures.filter_map(|&figure| Some((figure, self.value(row, figure)?))).collect();
        let first_error = turns.iter().find_map(|turn| turn.first_error.clone());
        Some(Line { row, figures, first_error })
    }
}
