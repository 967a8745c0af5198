//! One row's turn in a round: calls in bursts, on one thread and on two.

use super::crew::Crew;
use super::series::median;
use super::{FAILING, FEW, Figure};
use crate::peer::{Case, Hand, Row};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Calls that are timed at a time on one thread: some microseconds, so that most bursts meet no interruption.
const CALLS: u32 = 200;
/// Bursts of which the middle one stands for the round.
const BURSTS: usize = 7;
/// Longest time to fill a window. One that takes longer is left out.
const FILLING: Duration = Duration::from_secs(1);
/// Good calls between two bursts of failing ones on one breaker: some keep no more than 1,000 calls, and would open.
const BETWEEN: u32 = 1_000;
/// How long two threads call side by side.
const STINT: Duration = Duration::from_micros(1_000);
/// The same for failing calls, for the same reason.
const FAILING_STINT: Duration = Duration::from_micros(150);
/// About how long a thread calls between two looks at the clock in a stint.
const CHUNK: Duration = Duration::from_micros(2);

/// Nanoseconds a call on this thread, in all cases of the row.
pub(super) fn alone(row: Row, million: bool) -> Vec<(Figure, f64)> {
    let mut figures = Vec::new();
    for &case in row.cases {
        if case != Case::Bad {
            let bursts = (0..BURSTS).filter_map(|_| timed(&mut *fresh(row, case, FEW)?, row, case, CALLS));
            figures.push((Figure::Alone(case, FEW), median(bursts.collect())));
            continue;
        }
        for filled in FAILING {
            let bursts = match filled {
                1_000_000 if !million => continue,
                1_000_000 => on_one_breaker(row, filled),
                // Few enough to leave the window as it is.
                few => (0..BURSTS)
                    .filter_map(|_| timed(&mut *fresh(row, case, few)?, row, case, few.min(CALLS)))
                    .collect(),
            };
            figures.push((Figure::Alone(case, filled), median(bursts)));
        }
    }
    figures
}

/// Bursts of failing calls on one breaker, whose window takes long to fill.
fn on_one_breaker(row: Row, filled: u32) -> Vec<f64> {
    let Some(mut hand) = fresh(row, Case::Bad, filled) else { return Vec::new() };
    let mut burst = || {
        hand.run(Case::Good, BETWEEN);
        timed(&mut *hand, row, Case::Bad, CALLS)
    };
    (0..BURSTS).filter_map(|_| burst()).collect()
}

/// A breaker of its own, with so many calls in its window.
fn fresh(row: Row, case: Case, filled: u32) -> Option<Box<dyn Hand>> {
    let mut hand = (row.make)(case).hand();
    fill(&mut *hand, case, filled).then_some(hand)
}

/// Fills the window, or says that it takes too long.
fn fill(hand: &mut dyn Hand, case: Case, calls: u32) -> bool {
    let with = if case == Case::Refused { Case::Refused } else { Case::Good };
    let begin = Instant::now();
    let mut left = calls;
    while left > 0 {
        let now = left.min(5_000);
        hand.run(with, now);
        left -= now;
        if begin.elapsed() > FILLING {
            return false;
        }
    }
    true
}

fn timed(hand: &mut dyn Hand, row: Row, case: Case, calls: u32) -> Option<f64> {
    let begin = Instant::now();
    let wrong = hand.run(case, calls);
    let took = begin.elapsed();
    assert_eq!(wrong, 0, "{}: {case:?} calls that ended otherwise", row.name);
    Some(took.as_secs_f64() * 1e9 / f64::from(calls))
}

/// What one thread did in a stint.
#[derive(Debug, Clone, Copy)]
struct Stint {
    /// Calls a second.
    pace: f64,
    /// The longest time between two looks at the clock: a thread that was put aside shows here.
    longest: Duration,
}

/// Throughput of two threads on one breaker by that of one, in all cases of the row.
pub(super) fn together(row: Row, crew: &Crew) -> Vec<(Figure, f64)> {
    if !crew.is_pair() {
        return Vec::new();
    }
    let ratio = |case| {
        // The same for one as for both: each look at the clock costs time that is no call's.
        let chunk = crew.alone(move || chunk(&mut *(row.make)(case).hand(), case));
        // One thread on each core in its turn: what runs on the second core is not as warm as on the first.
        let by_itself = |at| {
            crew.on(at, move || {
                let mut hand = (row.make)(case).hand();
                fill(&mut *hand, case, FEW);
                steady(&[stint(&mut *hand, row, case, chunk)], case)
            })
        };
        let one = f64::midpoint(by_itself(0)?, by_itself(1)?);
        let circuit = (row.make)(case);
        let gate = Arc::new(AtomicU32::new(0));
        let jobs = [circuit.hand(), circuit.hand()].map(|mut hand| {
            let gate = Arc::clone(&gate);
            move || {
                fill(&mut *hand, case, FEW);
                gate.fetch_add(1, Ordering::SeqCst);
                while gate.load(Ordering::SeqCst) < 2 {
                    std::hint::spin_loop();
                }
                stint(&mut *hand, row, case, chunk)
            }
        });
        Some(steady(&crew.together(jobs), case)? / one)
    };
    row.together.iter().filter_map(|&case| Some((Figure::Together(case), ratio(case)?))).collect()
}

/// How many calls make a chunk.
fn chunk(hand: &mut dyn Hand, case: Case) -> u32 {
    let begin = Instant::now();
    fill(hand, case, FEW);
    let calls = CHUNK.as_secs_f64() * f64::from(FEW) / begin.elapsed().as_secs_f64();
    (calls as u32).clamp(2, 64)
}

fn stint(hand: &mut dyn Hand, row: Row, case: Case, chunk: u32) -> Stint {
    let (begin, mut calls, mut wrong, mut longest) = (Instant::now(), 0, 0, Duration::ZERO);
    let mut last = begin;
    while last - begin < length(case) {
        wrong += hand.run(case, chunk);
        calls += chunk;
        let now = Instant::now();
        longest = longest.max(now - last);
        last = now;
    }
    assert_eq!(wrong, 0, "{}: {case:?} calls on two threads that ended otherwise", row.name);
    Stint { pace: f64::from(calls) / (last - begin).as_secs_f64(), longest }
}

/// The pace of all together, if none of them was put aside meanwhile.
fn steady(stints: &[Stint], case: Case) -> Option<f64> {
    let ran = stints.iter().all(|stint| stint.longest < length(case) / 2);
    ran.then(|| stints.iter().map(|stint| stint.pace).sum())
}

fn length(case: Case) -> Duration {
    if case == Case::Bad { FAILING_STINT } else { STINT }
}
