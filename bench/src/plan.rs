//! Which rows are measured, and for how long.

use crate::candidate::{Candidate, Keeping, Row, Setup, Trial};
use crate::options::Options;
use crate::turn::Spans;

/// The connections of the main table.
const CONNECTIONS: [u32; 4] = [1, 16, 64, CROWD];
/// Many at once; also for circuits that give up soon.
const CROWD: u32 = 256;

/// Longest warm-up of what needs none.
const SHORT: f64 = 10.0;
/// Seconds for the processes of a setup to start, beside the warm-up.
const SETUP: f64 = 0.7;
/// Seconds of a turn in which nothing is loaded.
const ASIDE: f64 = 0.4;
/// The same where what comes later is waited for.
const LATE: f64 = 10.0;
/// Seconds for a cold start, alone and of all three.
const START: f64 = 0.7;

/// What is done.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) rows: Vec<Row>,
    pub(crate) rounds: u32,
    /// Rounds in which rows other than those of the main table are measured.
    pub(crate) rounds_beside: u32,
    pub(crate) warm_up_s: f64,
    pub(crate) spans: Spans,
    /// How often each candidate is started cold.
    pub(crate) starts: u32,
}

impl Plan {
    pub(crate) fn of(options: &Options) -> Self {
        let (rounds, rounds_beside, warm_up_s, before_s, measured_s, starts) = if options.smoke {
            (1, 1, 0.5, 0.2, 1.0, 1)
        } else if options.quick {
            (2, 1, 2.5, 0.3, 1.5, 3)
        } else {
            (6, 3, 60.0, 1.0, 4.0, 10)
        };
        let rows = rows(options).into_iter();
        let names: Vec<String> = options.names.iter().map(|name| name.to_lowercase()).collect();
        let asked = |row: &Row| {
            let name = row.name().to_lowercase();
            names.is_empty() || names.iter().any(|asked| name.contains(asked))
        };
        Self {
            rows: rows.filter(asked).collect(),
            rounds: options.rounds.unwrap_or(rounds),
            rounds_beside: options.rounds.unwrap_or(rounds_beside),
            warm_up_s: options.warm_up.map_or(warm_up_s, f64::from),
            spans: Spans { before_s, measured_s },
            starts,
        }
    }

    /// Whether a row has its turn in this round.
    pub(crate) fn has_turn(&self, row: &Row, round: u32) -> bool {
        is_main(row.trial, row.keeping) || round < self.rounds_beside
    }

    /// How long the processes of a setup are loaded before anything is measured. Node compiles what it often runs, and does
    /// so in each process; of programs that were compiled before, those that are measured beside the main table have only
    /// their connections to open.
    pub(crate) fn warm_up_of(&self, setup: Setup) -> f64 {
        if setup.candidate == Candidate::Node || is_main(setup.trial, setup.keeping) {
            self.warm_up_s
        } else {
            self.warm_up_s.min(SHORT)
        }
    }

    /// Each setup once, in the order of the rows.
    pub(crate) fn setups(&self) -> Vec<Setup> {
        let mut setups = Vec::new();
        for setup in self.rows.iter().map(|row| row.setup()) {
            if !setups.contains(&setup) {
                setups.push(setup);
            }
        }
        setups
    }

    /// How long all of it may take.
    pub(crate) fn seconds(&self) -> f64 {
        let warm_ups: f64 = self.setups().into_iter().map(|setup| self.warm_up_of(setup) + SETUP).sum();
        let turn = |row: &Row| {
            let rounds = if is_main(row.trial, row.keeping) {
                self.rounds
            } else {
                self.rounds_beside.min(self.rounds)
            };
            let besides = if row.trial == Trial::Hasty { LATE } else { ASIDE };
            f64::from(rounds) * (self.spans.before_s + self.spans.measured_s + besides)
        };
        let turns: f64 = self.rows.iter().map(turn).sum();
        warm_ups + turns + self.candidates().len() as f64 * f64::from(self.starts) * START
    }

    /// The candidates that are measured, each once.
    pub(crate) fn candidates(&self) -> Vec<(Candidate, Keeping)> {
        let mut candidates = Vec::new();
        for row in self.rows.iter().filter(|row| row.keeping != Keeping::Unjournaled) {
            let candidate = (row.candidate.processes(), row.keeping);
            if !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
        }
        candidates
    }
}

/// Whether it is of the main table.
fn is_main(trial: Trial, keeping: Keeping) -> bool {
    trial == Trial::Whole && keeping != Keeping::Unjournaled
}

/// All rows, in the order in which they have their turns: candidates that are compared, one after the other.
fn rows(options: &Options) -> Vec<Row> {
    use Candidate::{Bare, Embedded, NoBreaker, Node, Stack};
    use Trial::{Hanging, Hasty, Refused, Saved, Whole};
    if options.smoke {
        let row = |candidate, keeping| Row { trial: Whole, keeping, connections: 16, candidate };
        return vec![row(Bare, Keeping::Journaled), row(Embedded, Keeping::Sqlite)];
    }
    let mut rows = Vec::new();
    let mut add = |trial, keeping, connections, candidates: &[Candidate]| {
        for &candidate in candidates {
            let keeping = if candidate == Embedded { Keeping::Sqlite } else { keeping };
            if candidate != Node || options.node.is_some() {
                rows.push(Row { trial, keeping, connections, candidate });
            }
        }
    };
    let connections = if options.quick { &CONNECTIONS[..3] } else { &CONNECTIONS };
    for &connections in connections {
        add(Whole, Keeping::Journaled, connections, &[Stack, NoBreaker, Bare, Node, Embedded]);
    }
    if !options.quick {
        for &connections in &CONNECTIONS[..3] {
            add(Whole, Keeping::Unjournaled, connections, &[Stack, NoBreaker, Bare, Node]);
        }
    }
    add(Saved, Keeping::Journaled, 64, &[Stack, Node, Embedded]);
    add(Refused, Keeping::Journaled, 64, &[Stack, Node, Embedded]);
    add(Hanging, Keeping::Journaled, 64, &[Stack, Bare, Node, Embedded]);
    add(Hasty, Keeping::Journaled, CROWD, &[Stack, Bare, Node, Embedded]);
    rows
}
