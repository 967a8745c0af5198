//! What is broken, and for how long.

use crate::tell;
use crate::world::World;
use rand::RngExt as _;
use rand::rngs::SmallRng;
use std::ops::RangeInclusive;
use std::time::Duration;
use tokio::time::sleep;

/// Long enough for circuits to open, short enough for many faults in a run.
const BROKEN_MS: RangeInclusive<u64> = 50..=1_500;
const WELL_MS: RangeInclusive<u64> = 10..=600;
/// By how much a line is slow: a hop's time-out is 300 ms.
const SLOW_MS: RangeInclusive<u64> = 1..=400;
/// Where what is sent is torn: in the head or in the body.
const TORN_BYTES: RangeInclusive<usize> = 1..=700;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// A service is killed with SIGKILL, and started again afterwards.
    Kill(usize),
    /// A service stands still, and goes on afterwards.
    Pause(usize),
    /// The store's server is killed with SIGKILL, and started again afterwards.
    KillStore,
    Cut(usize),
    Freeze(usize),
    Slow(usize, Duration),
    Tear(usize, usize),
}

/// Breaks one or two things, waits, mends them, and waits again.
pub(crate) async fn some(world: &mut World, random: &mut SmallRng) {
    let first = Fault::draw(world, random);
    let second = random.random_bool(0.4).then(|| Fault::draw(world, random));
    let second = second.filter(|second| !first.hits_the_same(*second));
    let (broken, well) = (random.random_range(BROKEN_MS), random.random_range(WELL_MS));
    let names = world.lines.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    tell(&format!(
        "{broken} ms: {}{}",
        first.told(&names),
        second.map_or(String::new(), |it| format!(" and {}", it.told(&names)))
    ));

    for fault in [Some(first), second].into_iter().flatten() {
        fault.begin(world).await;
    }
    sleep(Duration::from_millis(broken)).await;
    for fault in [Some(first), second].into_iter().flatten() {
        fault.end(world).await;
    }
    sleep(Duration::from_millis(well)).await;
}

impl Fault {
    fn draw(world: &World, random: &mut SmallRng) -> Self {
        let (service, line) =
            (random.random_range(0..world.services.len()), random.random_range(0..world.lines.len()));
        let kinds = if world.mongod.is_some() { 7 } else { 6 };
        match random.random_range(0..kinds) {
            0 => Self::Kill(service),
            1 => Self::Pause(service),
            2 => Self::Cut(line),
            3 => Self::Freeze(line),
            4 => Self::Slow(line, Duration::from_millis(random.random_range(SLOW_MS))),
            5 => Self::Tear(line, random.random_range(TORN_BYTES)),
            _ => Self::KillStore,
        }
    }

    fn hits_the_same(self, other: Self) -> bool {
        match (self.service(), other.service(), self.line(), other.line()) {
            (Some(one), Some(two), _, _) | (_, _, Some(one), Some(two)) => one == two,
            (None, None, None, None) => true,
            _ => false,
        }
    }

    fn service(self) -> Option<usize> {
        match self {
            Self::Kill(service) | Self::Pause(service) => Some(service),
            _ => None,
        }
    }

    fn line(self) -> Option<usize> {
        match self {
            Self::Cut(line) | Self::Freeze(line) | Self::Slow(line, _) | Self::Tear(line, _) => Some(line),
            _ => None,
        }
    }

    fn told(self, lines: &[&str]) -> String {
        let service = |number: usize| ["order", "payment", "shipment"][number];
        match self {
            Self::Kill(number) => format!("{} is killed", service(number)),
            Self::Pause(number) => format!("{} stands still", service(number)),
            Self::KillStore => "mongod is killed".to_owned(),
            Self::Cut(line) => format!("{} is cut", lines[line]),
            Self::Freeze(line) => format!("{} is frozen", lines[line]),
            Self::Slow(line, by) => format!("{} is slow by {by:?}", lines[line]),
            Self::Tear(line, after) => format!("{} is torn after {after} bytes", lines[line]),
        }
    }

    async fn begin(self, world: &mut World) {
        match self {
            Self::Kill(service) => world.services[service].process.kill().await,
            Self::Pause(service) => world.services[service].process.pause(),
            Self::KillStore => world.mongod.as_mut().expect("drawn where there is one").kill().await,
            Self::Cut(line) => world.lines[line].1.cut(),
            Self::Freeze(line) => world.lines[line].1.freeze(),
            Self::Slow(line, by) => world.lines[line].1.slow(by),
            Self::Tear(line, after) => world.lines[line].1.tear(after),
        }
    }

    async fn end(self, world: &mut World) {
        match self {
            Self::Kill(service) => world.services[service].restart(&[]).await,
            Self::Pause(service) => world.services[service].process.resume(),
            Self::KillStore => world.mongod.as_mut().expect("drawn where there is one").restart().await,
            Self::Cut(line) | Self::Freeze(line) | Self::Slow(line, _) | Self::Tear(line, _) => {
                world.lines[line].1.mend()
            }
        }
    }
}
