//! From one circuit to many: `breaker`'s registry, asked for one circuit after the other, and a call through each.
//!
//! A service of the chain has one circuit, that to the next service. A program that calls many others would keep theirs in
//! the registry; what it then spends on a call beside its work is measured here, in this process.

use super::plan::Subject;
use super::{Step, Work};
use crate::noise;
use crate::turn::{Figure, Turn};
use breaker::Registry;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

const SIZES: [u32; 3] = [1, 10, 1_000];
const CALLS: usize = 200_000;
/// It is quickly done, and one that is interrupted counts for little among many.
const ROUNDS: u32 = 15;
/// From one circuit to the next, so that neighbours in memory do not help. It shares no factor with the sizes.
const STRIDE: usize = 617;

pub(super) fn measure(work: &mut Work<'_>) -> Result<Vec<Step>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut steps: Vec<Step> = SIZES.iter().map(|&size| Step::new(Subject::Circuits, size)).collect();
    let registries: Vec<(Registry, Vec<String>)> = SIZES.iter().map(|&size| filled(size)).collect();
    work.progress.show("circuits");
    runtime.block_on(async {
        for round in 0..=ROUNDS {
            for (step, (registry, names)) in steps.iter_mut().zip(&registries) {
                let begin = Instant::now();
                for at in 0..CALLS {
                    let circuit = registry.get(&names[at * STRIDE % names.len()]);
                    let _ = black_box(circuit.call(async { Ok::<_, ()>(black_box(at)) }).await);
                }
                let call = begin.elapsed().as_secs_f64() * 1e9 / CALLS as f64;
                // The first round is the warm-up.
                if round > 0 {
                    step.turns.push(Turn {
                        figures: BTreeMap::from([(Figure::CallNs, call)]),
                        calibration: noise::calibrate(),
                        others: None,
                        first_error: None,
                    });
                }
            }
        }
    });
    Ok(steps)
}

fn filled(size: u32) -> (Registry, Vec<String>) {
    let names: Vec<String> = (0..size).map(|number| format!("service-{number}")).collect();
    let registry = Registry::builder().build();
    for name in &names {
        drop(registry.get(name));
    }
    (registry, names)
}
