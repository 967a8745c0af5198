//! Everything is broken at random while orders come in. Afterwards each order that was acknowledged is there once, with
//! one payment and one shipment, and nothing else is.
//!
//! `CHAOS_SECONDS` says how long (20), `CHAOS_SEED` which faults: a run prints its seed, and the seed draws the same
//! faults again. What they hit differs, as threads and processes do.

/// The programs, built and started.
#[path = "../it/programs.rs"]
#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
mod programs;

/// Clients that want their orders taken.
mod load;
/// What is there afterwards.
mod verdict;
/// The chain, and the lines between its parts.
mod world;
/// What is broken, and for how long.
mod wreck;

use load::Load;
use rand::{SeedableRng as _, rngs::SmallRng};
use std::time::Duration;
use tokio::time::Instant;
use world::{Store, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_is_lost_or_made_twice_on_mongodb() {
    everything_breaks(Store::MongoDb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_is_lost_or_made_twice_on_the_embedded_store() {
    everything_breaks(Store::Embedded).await;
}

async fn everything_breaks(store: Store) {
    let seed = number_in("CHAOS_SEED").unwrap_or_else(rand::random);
    let length = Duration::from_secs(number_in("CHAOS_SECONDS").unwrap_or(20));
    tell(&format!("{store:?}: CHAOS_SEED={seed}"));

    let mut random = SmallRng::seed_from_u64(seed);
    let mut world = World::start(store, seed).await;
    let load = Load::start(&world.door(), seed);
    let end = Instant::now() + length;
    while Instant::now() < end {
        wreck::some(&mut world, &mut random).await;
    }
    let orders = load.stop().await;
    tell(&format!("{store:?}: {orders}"));
    world.settled().await;
    verdict::judge(&orders, &world).await;
}

fn number_in(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}: expected a whole number")))
}

/// Says it where a test that fails shows it, and `--nocapture` all.
#[expect(clippy::print_stderr, reason = "a seed that nobody sees repeats nothing")]
fn tell(text: &str) {
    eprintln!("{text}");
}
