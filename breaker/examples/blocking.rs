//! Threads, no async and no runtime: blocking calls through a breaker, with a clock that is moved by hand.
//!
//! ```text
//! cargo run -q -p breaker --example blocking
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use breaker::{Breaker, Clock, SettingsError};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

fn main() -> Result<(), SettingsError> {
    run().map(|_| ())
}

/// Plays the story: how many calls reached the upstream in each part of it.
pub(crate) fn run() -> Result<[u32; 3], SettingsError> {
    // A program leaves the clock out, and waits; this one moves it.
    let clock = Clock::manual();
    let breaker = Breaker::builder("upstream").timeout(None).volume(5).clock(clock.clone()).build()?;

    let failing = ask_from_threads(&breaker, 8, || Err("no route"));
    println!("8 threads, the upstream fails: {failing} calls reach it; then: {}", breaker.state());
    let refused = ask_from_threads(&breaker, 8, || Ok(250));
    println!("8 more: {refused} reach it; the circuit is {}", breaker.state());
    clock.advance(Duration::from_secs(10));
    println!("ten seconds later the circuit is {}", breaker.state());
    let probing = ask_from_threads(&breaker, 1, || Ok(250));
    println!("one more: {probing} reaches it; the circuit is {}", breaker.state());
    Ok([failing, refused, probing])
}

/// Calls from so many threads at once; how many calls were made.
fn ask_from_threads(breaker: &Breaker, threads: usize, upstream: fn() -> Result<u32, &'static str>) -> u32 {
    let asked = AtomicU32::new(0);
    let work = || {
        asked.fetch_add(1, Ordering::Relaxed);
        upstream()
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| breaker.call_blocking(work).is_ok());
        }
    });
    asked.into_inner()
}
