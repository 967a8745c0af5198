//! Cold start: from the start of the process, or of all three, to the first order that is answered with 200.

use crate::ask::ask;
use crate::candidate::{Candidate, Keeping, Setup, Trial};
use crate::fleet::{Fleet, Kit};
use crate::load::ORDER;
use crate::series::Value;
use serde::Serialize;
use std::thread::sleep;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(1);
const LIMIT: Duration = Duration::from_secs(30);

/// Milliseconds to the first order.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Start {
    pub(crate) candidate: Candidate,
    pub(crate) keeping: Keeping,
    /// Of the first service, alone.
    pub(crate) alone_ms: Option<Value>,
    /// Of the three, started together, to an order that goes the whole way.
    pub(crate) all_ms: Option<Value>,
}

/// Starts each candidate so many times, in turns.
pub(crate) fn measure(
    kit: &Kit,
    candidates: &[(Candidate, Keeping)],
    times: u32,
) -> Result<Vec<Start>, String> {
    let mut taken: Vec<[Vec<f64>; 2]> = candidates.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    for _ in 0..times {
        for (&(candidate, keeping), taken) in candidates.iter().zip(&mut taken) {
            for (trial, taken) in [Trial::Saved, Trial::Whole].into_iter().zip(taken) {
                taken.push(start(kit, Setup { candidate, keeping, trial })?);
            }
        }
    }
    let value = |taken: &[f64]| Value::of(taken.iter().map(|&ms| (ms, true)));
    let starts = candidates.iter().zip(&taken).map(|(&(candidate, keeping), [alone, all])| Start {
        candidate,
        keeping,
        alone_ms: value(alone),
        all_ms: value(all),
    });
    Ok(starts.collect())
}

fn start(kit: &Kit, setup: Setup) -> Result<f64, String> {
    let begin = Instant::now();
    let fleet = Fleet::spawn(kit, setup)?;
    // The first service is asked last: an order that comes too early might open its circuit.
    let later = || fleet.services[1..].iter().all(|service| ask(service.addr, "GET", "/", "").is_ok());
    let served = || {
        let answer = ask(fleet.first(), "POST", "/create?count=0", ORDER);
        answer.is_ok_and(|answer| answer.status == 200 && answer.body.contains("Last"))
    };
    while !later() || !served() {
        if begin.elapsed() > LIMIT {
            return Err(format!("{setup:?} does not serve an order within {LIMIT:?}"));
        }
        sleep(PAUSE);
    }
    Ok(begin.elapsed().as_secs_f64() * 1e3)
}
