//! What a million circuits weigh: `cargo run --release -p breaker --example registry_memory [how many]`.
//!
//! Resident memory as the system counts it, so on Linux only: once for the circuits alone, once in a registry.

use breaker::{Breaker, Registry};
use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;
use tokio::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let mut out = io::stdout().lock();

    let empty = resident()?;
    let start = Instant::now();
    let breakers = (0..count).map(|number| Breaker::builder(name(number)).build());
    let breakers: Vec<_> = breakers.collect::<Result<_, _>>()?;
    line(&mut out, "made alone", start.elapsed(), count)?;
    let alone = (resident()? - empty) / count;
    // Kept: what is given back would be used again, and not be seen.
    let before = resident()?;
    let registry = Registry::builder().at_most(count).build();
    let start = Instant::now();
    for number in 0..count {
        drop(registry.get(&name(number)));
    }
    line(&mut out, "made in a registry", start.elapsed(), count)?;
    let weight = (resident()? - before) / count;

    let start = Instant::now();
    for number in 0..count {
        drop(registry.get(&name(number)));
    }
    line(&mut out, "found", start.elapsed(), count)?;
    let start = Instant::now();
    for number in 0..count / 10 {
        drop(registry.get(&name(count + number)));
    }
    line(&mut out, "made where another one has to go", start.elapsed(), count / 10)?;
    drop(registry);
    writeln!(out, "{weight} bytes a circuit in a registry, {alone} alone ({} of them)", breakers.len())?;
    Ok(())
}

fn name(number: usize) -> String {
    format!("Consumer.service-{number:07}.items.list")
}

fn line(out: &mut impl Write, what: &str, took: Duration, count: usize) -> io::Result<()> {
    writeln!(out, "{what}: {} ns each", took.as_nanos() / count.max(1) as u128)
}

/// Bytes of memory in use.
fn resident() -> Result<usize, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let of = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(of.trim().trim_end_matches("kB").trim().parse::<usize>()? * 1_024)
}
