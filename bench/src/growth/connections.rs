//! From one connection to many.

use super::plan::{Store, Subject};
use super::{Step, Work};
use crate::candidate::Trial;
use crate::fleet::Fleet;

const SIZES: [u32; 5] = [1, 4, 16, 64, 256];
/// Connections of the warm-up.
const WARM: u32 = 64;

pub(super) fn measure(work: &mut Work<'_>, store: Store) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> =
        SIZES.iter().map(|&size| Step::new(Subject::Connections(store), size)).collect();
    let mut fleet = Fleet::start(&work.bench.kit, store.row(Trial::Whole, WARM).setup())?;
    work.progress.show(&format!("warming up, {}", store.title()));
    work.bench.warm_up(&mut fleet, WARM, work.plan.warm_up_s)?;
    for _ in 0..work.plan.rounds {
        for step in &mut steps {
            let row = store.row(Trial::Whole, step.size);
            let turn = work.bench.turn(row, &mut fleet, work.plan.spans)?;
            work.done(step, turn);
        }
    }
    Ok(steps)
}
