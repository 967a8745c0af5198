//! With nothing in the fallback queue and with many orders: what an order costs that is taken and queued meanwhile, what
//! the queue costs while nothing comes, and how fast it empties when the next service answers again.

use super::plan::{Store, Subject};
use super::{Step, Work};
use crate::candidate::Trial;
use crate::fill;
use crate::fleet::Fleet;
use crate::meter::{Cost, Meter};
use crate::turn::{Figure, Turn};
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

const WAITING: u32 = 100_000;
/// So many are seen delivered: all would take minutes.
const PART: u32 = 10_000;
const CONNECTIONS: u32 = 64;
/// How long nothing is sent.
const IDLE: Duration = Duration::from_secs(4);
/// Between two looks at what was delivered.
const PAUSE: Duration = Duration::from_millis(2);
/// After which time without a delivery nothing more is expected.
const STUCK: Duration = Duration::from_secs(15);

pub(super) fn measure(work: &mut Work<'_>, store: Store) -> Result<Vec<Step>, String> {
    let row = store.row(Trial::Queued, CONNECTIONS);
    let mut fleet = Fleet::start(&work.bench.kit, row.setup())?;
    fleet.set_circuits("open")?;
    work.progress.show(&format!("warming up, {}", store.title()));
    work.bench.warm_up(&mut fleet, CONNECTIONS, work.plan.warm_up_s)?;
    let mut none = Step::new(Subject::Waiting(store), 0);
    let mut many = Step::new(Subject::Waiting(store), WAITING);
    // They cannot take turns, for the queue costs something while nothing is sent: before and after.
    let before = work.plan.rounds.div_ceil(2);
    for _ in 0..before {
        work.bench.take_away(&fleet, 0)?;
        let turn = work.bench.turn(row, &mut fleet, work.plan.spans)?;
        work.done(&mut none, turn);
    }
    work.bench.take_away(&fleet, 0)?;
    none.turns.push(idle(work, &fleet));
    work.progress.show(&format!("filling the queue with {WAITING} orders, {}", store.title()));
    fill::fill(&work.bench.kit, &work.bench.counting, &fleet, WAITING, fill::State::Waiting)?;
    many.turns.push(idle(work, &fleet));
    for _ in 0..work.plan.rounds {
        let turn = work.bench.turn(row, &mut fleet, work.plan.spans)?;
        work.done(&mut many, turn);
        work.bench.take_away(&fleet, WAITING)?;
    }
    work.progress.show(&format!("draining, {}", store.title()));
    let draining = drain(work, store, &fleet)?;
    fleet.set_circuits("open")?;
    for _ in before..work.plan.rounds {
        work.bench.take_away(&fleet, 0)?;
        let turn = work.bench.turn(row, &mut fleet, work.plan.spans)?;
        work.done(&mut none, turn);
    }
    Ok([none, many].into_iter().chain(draining).collect())
}

/// What is spent while nothing is sent.
fn idle(work: &mut Work<'_>, fleet: &Fleet) -> Turn {
    let meter = Meter::start(&work.bench.kit, fleet);
    sleep(IDLE);
    let cost = meter.stop(&work.bench.kit, fleet, 0.0);
    let a_second = |ms: f64| ms / IDLE.as_secs_f64();
    turn(
        cost,
        [
            (Figure::IdleServicesCpuMs, a_second(cost.services_ms)),
            (Figure::IdleMongodCpuMs, a_second(cost.mongod_ms)),
        ],
    )
}

/// Lets the circuit close, and sees some of what waits delivered: of many, and where they are all that is left.
fn drain(work: &mut Work<'_>, store: Store, fleet: &Fleet) -> Result<Vec<Step>, String> {
    let sink = &work.bench.sink;
    let mut steps = Vec::new();
    for left in [WAITING, PART] {
        if left < WAITING {
            fleet.set_circuits("open")?;
            fill::fill(&work.bench.kit, &work.bench.counting, fleet, left, fill::State::Waiting)?;
        }
        let begin = Instant::now();
        let meter = Meter::start(&work.bench.kit, fleet);
        let at_first = sink.answered();
        fleet.set_circuits("auto")?;
        let mut last = (at_first, Instant::now());
        while sink.answered() - at_first < u64::from(PART) {
            if sink.answered() > last.0 {
                last = (sink.answered(), Instant::now());
            } else if last.1.elapsed() > STUCK {
                let delivered = sink.answered() - at_first;
                return Err(format!("{}: only {delivered} of {left} were delivered", store.title()));
            }
            sleep(PAUSE);
        }
        let seconds = begin.elapsed().as_secs_f64();
        let cost = meter.stop(&work.bench.kit, fleet, 0.0);
        let number = f64::from(PART);
        let figures = [
            (Figure::OrdersPerSecond, number / seconds),
            (Figure::ServicesCpuMs, cost.services_ms / number * 1e3),
            (Figure::MongodCpuMs, cost.mongod_ms / number * 1e3),
        ];
        let mut step = Step::new(Subject::Draining(store), left);
        work.done(&mut step, turn(cost, figures));
        steps.push(step);
    }
    Ok(steps)
}

fn turn<const N: usize>(cost: Cost, figures: [(Figure, f64); N]) -> Turn {
    let Cost { calibration, others, .. } = cost;
    Turn { figures: BTreeMap::from(figures), calibration, others, first_error: None }
}
