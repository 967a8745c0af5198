//! The rounds: every row has its turn (A B C …), then again, so that a slow minute of the machine falls on all alike.

use crate::candidate::{Row, Setup};
use crate::fleet::Fleet;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::turn::{Bench, Turn};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

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
    progress.say(&format!(
        "{} rows, {} rounds, some {:.0} min",
        plan.rows.len(),
        plan.rounds,
        (plan.seconds() / 60.0).ceil()
    ));
    for setup in plan.setups() {
        let warm_up_s = plan.warm_up_of(setup);
        progress.show(&format!(
            "warming up for {warm_up_s} s: {}, {}, {}",
            setup.candidate.title(),
            setup.keeping.title(),
            setup.trial.title()
        ));
        let mut fleet = Fleet::start(&bench.kit, setup)?;
        bench.warm_up(&mut fleet, WARM, warm_up_s)?;
        fleets.insert(setup, fleet);
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
            progress.show(&format!("{}: {}", turn.told(), row.name()));
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
