//! The rounds: every row has its turn (A B C …), then again, so that a slow minute of the machine falls on all alike.

use crate::candidate::{Row, Setup};
use crate::fleet::Fleet;
use crate::plan::Plan;
use crate::turn::{Bench, Figure, Turn};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::PathBuf;
use std::time::Instant;

/// Connections of a warm-up.
const WARM: u32 = 64;

/// What the rounds gave.
#[derive(Debug)]
pub(crate) struct Rounds {
    /// A map a round.
    pub(crate) turns: Vec<BTreeMap<Row, Turn>>,
    /// The processes, still running.
    pub(crate) fleets: BTreeMap<Setup, Fleet>,
}

/// Starts what is needed, warms it up and measures it.
pub(crate) fn measure(bench: &Bench, plan: &Plan, locks: &[PathBuf]) -> Result<Rounds, String> {
    let mut progress = Progress::new();
    let mut fleets = BTreeMap::new();
    let setups: Vec<Setup> = plan.rows.iter().map(|row| row.setup()).collect();
    for (at, setup) in setups.iter().enumerate() {
        if setups[..at].contains(setup) {
            continue;
        }
        progress.show(&format!(
            "warming up for {} s: {}, {}, {}",
            plan.warm_up_s,
            setup.candidate.title(),
            setup.keeping.title(),
            setup.trial.title()
        ));
        let mut fleet = Fleet::start(&bench.kit, *setup)?;
        bench.warm_up(&mut fleet, WARM, plan.warm_up_s)?;
        fleets.insert(*setup, fleet);
    }
    let mut turns = Vec::new();
    for round in 0..plan.rounds {
        let _held = hold(locks)?;
        let mut of_round = BTreeMap::new();
        let rows: Vec<&Row> = plan.rows.iter().filter(|row| plan.has_turn(row, round)).collect();
        for (at, row) in rows.iter().enumerate() {
            progress.show(&format!(
                "round {} of {}, {} of {}: {}",
                round + 1,
                plan.rounds,
                at + 1,
                rows.len(),
                row.name()
            ));
            let fleet = fleets.get_mut(&row.setup()).ok_or("a row without processes")?;
            let turn = bench.turn(**row, fleet, plan.spans)?;
            progress.done(row, &turn);
            of_round.insert(**row, turn);
        }
        turns.push(of_round);
    }
    progress.clear();
    Ok(Rounds { turns, fleets })
}

/// Waits for the locks, and holds them until the value is dropped.
fn hold(locks: &[PathBuf]) -> Result<Vec<File>, String> {
    let lock = |path: &PathBuf| {
        let file = File::open(path)?;
        file.lock()?;
        Ok(file)
    };
    locks
        .iter()
        .map(|path| lock(path).map_err(|error: std::io::Error| format!("{}: {error}", path.display())))
        .collect()
}

/// What is going on, on the standard error: one line that changes, or where nobody watches, a line a turn.
struct Progress {
    begin: Instant,
    terminal: bool,
}

impl Progress {
    fn new() -> Self {
        Self { begin: Instant::now(), terminal: stderr().is_terminal() }
    }

    fn show(&mut self, what: &str) {
        let seconds = self.begin.elapsed().as_secs();
        let time = format!("{:>2}:{:02}", seconds / 60, seconds % 60);
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K{time} {what}");
        } else {
            let _ = writeln!(stderr(), "{time} {what}");
        }
    }

    fn done(&mut self, row: &Row, turn: &Turn) {
        let figure = |figure| turn.figures.get(&figure).copied().unwrap_or(f64::NAN);
        let (speed, cpu) = (figure(Figure::OrdersPerSecond), figure(Figure::ServicesCpuMs));
        self.show(&format!("{speed:>8.0} orders/s, {cpu:>6.0} CPU ms per 1,000 orders: {}", row.name()));
    }

    fn clear(&mut self) {
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
