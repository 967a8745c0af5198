//! With few documents in the database and with many.

use super::plan::{Store, Subject};
use super::{Step, Work};
use crate::candidate::Trial;
use crate::fill;
use crate::fleet::Fleet;

const SIZES: [u32; 2] = [10_000, 1_000_000];
const CONNECTIONS: u32 = 64;

pub(super) fn measure(work: &mut Work<'_>, store: Store) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut fleets = Vec::new();
    for size in SIZES {
        work.progress.show(&format!("filling {} with {size} documents for each service", store.title()));
        let mut fleet = Fleet::start(&work.bench.kit, store.row(Trial::Filled(size), CONNECTIONS).setup())?;
        work.bench.warm_up(&mut fleet, CONNECTIONS, work.plan.warm_up_s)?;
        fill::fill(&work.bench.kit, &work.bench.counting, &fleet, size, fill::State::Settled)?;
        steps.push(Step::new(Subject::Documents(store), size));
        fleets.push(fleet);
    }
    for _ in 0..work.plan.rounds {
        for (step, fleet) in steps.iter_mut().zip(&mut fleets) {
            let row = store.row(Trial::Filled(step.size), CONNECTIONS);
            let turn = work.bench.turn(row, fleet, work.plan.spans)?;
            work.done(step, turn);
            work.bench.take_away(fleet, step.size)?;
        }
    }
    Ok(steps)
}
