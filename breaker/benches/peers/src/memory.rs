//! Allocations a call and bytes a breaker, in a process of its own.
//!
//! Bytes are those asked of the allocator; what it adds for itself is not among them.

use crate::measure::{Crew, FEW};
use crate::options::Options;
use crate::peer::{Case, Row};
use crate::peers;
use crate::registry;
use crate::report::{Cases, Memory, Registry};
use serde::{Deserialize, Serialize};
use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

/// What the allocator has given out so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// How often it was asked.
    pub allocations: usize,
    /// Bytes that are not given back yet.
    pub bytes: usize,
}

/// What the process found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) rows: Vec<(String, Memory)>,
    pub(crate) registries: Vec<Registry>,
}

/// Breakers over which their bytes are averaged.
const BREAKERS: usize = 64;
/// Breakers that are used by two threads.
const USED: usize = 4;
/// Calls that each of them makes.
const CALLS: u32 = 10_000;

/// Starts the process that counts, which lies beside this one, and reads what it found.
pub(crate) fn ask(arguments: &[String]) -> Result<Found, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?.with_file_name("peers-memory");
    let output = Command::new(&program).args(arguments).output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

/// The process that counts: prints [`Found`].
///
/// # Panics
///
/// Where a row does not do what it should.
pub fn main(usage: impl Fn() -> Usage) {
    let options = Options::read(env::args().skip(1)).expect("arguments that the first process has read");
    let crew = Crew::new(&options.cores);
    let mut found = Found::default();
    for row in peers::rows().into_iter().filter(|row| row.is_breaker() && options.asks_for(row.name)) {
        found.rows.push((row.name.to_owned(), of(row, &crew, &usage)));
    }
    if options.registry {
        found.registries = of_registries(options.circuits(), &usage);
    }
    println!("{}", serde_json::to_string(&found).expect("plain data"));
}

fn of(row: Row, crew: &Crew, usage: &impl Fn() -> Usage) -> Memory {
    // What the library keeps once for the whole process or thread is not a breaker's.
    use_by_two(row, crew, 1);
    let mut allocations = Cases { good: None, refused: None, bad: None, pends: None };
    for &case in row.cases {
        let slot = match case {
            Case::Good => &mut allocations.good,
            Case::Refused => &mut allocations.refused,
            Case::Bad => &mut allocations.bad,
            Case::Pends => &mut allocations.pends,
        };
        *slot = Some(allocations_of(row, case, usage));
    }
    let before = usage().bytes;
    let idle: Vec<_> = (0..BREAKERS).map(|_| (row.make)(Case::Good)).collect();
    // The boxes are this project's; they are a pointer or two.
    let idle_bytes = usage().bytes.saturating_sub(before) as f64 / idle.len() as f64;
    drop(idle);
    let mut in_use: Vec<f64> = (0..3)
        .map(|_| {
            let before = settled(usage);
            let used = use_by_two(row, crew, USED);
            settled(usage).saturating_sub(before) as f64 / used.len() as f64
        })
        .collect();
    // The middle one: now and then a thread keeps something of its own.
    in_use.sort_by(f64::total_cmp);
    let in_use = in_use[in_use.len() / 2];
    Memory { allocations, idle: idle_bytes, in_use }
}

/// Bytes in use when the threads have put away what they were given.
fn settled(usage: &impl Fn() -> Usage) -> usize {
    let (mut since, mut bytes) = (Instant::now(), usage().bytes);
    while since.elapsed() < Duration::from_millis(1) {
        if usage().bytes != bytes {
            (since, bytes) = (Instant::now(), usage().bytes);
        }
    }
    bytes
}

/// Allocations a call, when the first thousand are over. One in a thousand shows.
fn allocations_of(row: Row, case: Case, usage: &impl Fn() -> Usage) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime without threads");
    let _entered = runtime.enter();
    let mut hand = (row.make)(case).hand();
    hand.run(if case == Case::Bad { Case::Good } else { case }, FEW);
    let before = usage().allocations;
    let wrong = hand.run(case, 400);
    assert_eq!(wrong, 0, "{}: {case:?} calls that ended otherwise", row.name);
    (usage().allocations - before) as f64 / 400.0
}

/// Breakers that two threads have made calls through, side by side.
fn use_by_two(row: Row, crew: &Crew, breakers: usize) -> Vec<Box<dyn crate::peer::Circuit>> {
    let circuits: Vec<_> = (0..breakers).map(|_| (row.make)(Case::Good)).collect();
    for circuit in &circuits {
        let calls = |mut hand: Box<dyn crate::peer::Hand>| move || hand.run(Case::Good, CALLS);
        if crew.is_pair() {
            crew.together([calls(circuit.hand()), calls(circuit.hand())]);
        } else {
            crew.alone(calls(circuit.hand()));
        }
    }
    circuits
}

fn of_registries(circuits: usize, usage: &impl Fn() -> Usage) -> Vec<Registry> {
    let mut found = Vec::new();
    for (name, book) in registry::books(circuits) {
        let before = usage().bytes;
        registry::fill(&*book, circuits);
        let bytes = usage().bytes.saturating_sub(before) as f64 / circuits as f64;
        found.push(Registry { name: name.to_owned(), circuits, lookup: None, bytes: Some(bytes) });
    }
    found
}
