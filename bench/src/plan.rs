//! Which rows are measured, and for how long.

use crate::candidate::{Candidate, Keeping, Row, Trial};
use crate::options::Options;
use crate::turn::Spans;

/// The connections of the main table.
const CONNECTIONS: [u32; 4] = [1, 16, 64, CROWD];
/// Many at once; also for circuits that give up soon.
const CROWD: u32 = 256;

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
            (7, 5, 60.0, 1.0, 6.0, 15)
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
        row.trial == Trial::Whole || round < self.rounds_beside
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
        for &connections in connections {
            add(Whole, Keeping::Unjournaled, connections, &[Stack, NoBreaker, Bare, Node]);
        }
    }
    add(Saved, Keeping::Journaled, 64, &[Stack, Node, Embedded]);
    add(Refused, Keeping::Journaled, 64, &[Stack, Node, Embedded]);
    add(Hanging, Keeping::Journaled, 64, &[Stack, Bare, Node, Embedded]);
    add(Hasty, Keeping::Journaled, CROWD, &[Stack, Bare, Node, Embedded]);
    rows
}
