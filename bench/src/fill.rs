//! Fills the databases directly, and empties them: through the services it would take too long.
//!
//! What is put in are copies of what a service has written itself, each with a key of its own, older than any order that
//! comes later. So what comes later can be taken away again.

mod mongo;
mod sqlite;

use crate::ask::ask;
use crate::candidate::Keeping;
use crate::counting::Counting;
use crate::fleet::{Fleet, Kit};
use crate::load::ORDER;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// For a service to write down what became of an order.
const LIMIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);
/// By how much the copies are older, in milliseconds: a day.
const AGE: u64 = 86_400_000;

/// What the copies are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// An order that was handed on.
    Settled,
    /// One that waits to be.
    Waiting,
}

/// Leaves so many documents with each service, and nothing else.
pub(crate) fn fill(
    kit: &Kit,
    counting: &Counting,
    fleet: &Fleet,
    size: u32,
    state: State,
) -> Result<(), String> {
    ask(fleet.first(), "POST", "/create?count=0", ORDER)?;
    let oldest = now() - AGE;
    for service in &fleet.services {
        let begin = Instant::now();
        let filled = || match fleet.setup.keeping {
            Keeping::Sqlite => sqlite::fill(kit, fleet, service.name, oldest, size, state),
            _ => mongo::fill(counting, fleet, service.name, oldest, size, state),
        };
        while !filled()? {
            if begin.elapsed() > LIMIT {
                return Err(format!("{}: no order that is {state:?}", service.name));
            }
            sleep(PAUSE);
        }
    }
    if fleet.setup.keeping == Keeping::Sqlite { Ok(()) } else { counting.flush() }
}

/// Takes away what came after these.
pub(crate) fn take_away(kit: &Kit, counting: &Counting, fleet: &Fleet, size: u32) -> Result<(), String> {
    for service in &fleet.services {
        match fleet.setup.keeping {
            Keeping::Sqlite => sqlite::take_away(kit, fleet, service.name, size)?,
            _ => mongo::take_away(counting, fleet, service.name, size)?,
        }
    }
    Ok(())
}

/// The documents of the service that has most, which keeps them in SQLite.
pub(crate) fn most_in_sqlite(kit: &Kit, fleet: &Fleet) -> Result<u64, String> {
    let counts = fleet.services.iter().map(|service| sqlite::count(kit, fleet, service.name));
    counts.collect::<Result<Vec<u64>, String>>().map(|counts| counts.into_iter().max().unwrap_or(0))
}

/// The key of a copy: a UUID of version 7, one for each millisecond.
fn key(oldest: u64, number: u32) -> String {
    let time = format!("{:012x}", oldest + u64::from(number));
    format!("{}-{}-7000-8000-{number:012x}", &time[..8], &time[8..])
}

/// What all keys of copies lie below, and those of all orders that come later above.
fn border(size: u32) -> String {
    if size == 0 { String::new() } else { key(now() - AGE / 2, 0) }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{AGE, border, key, now};

    #[test]
    fn keys_sort_as_they_were_made_below_the_border() {
        let oldest = now() - AGE;
        let keys: Vec<String> = [0, 1, 255, 65_536, 999_999].map(|number| key(oldest, number)).into();
        assert!(keys.is_sorted(), "{keys:?}");
        assert!(keys.iter().all(|key| key.len() == 36 && *key < border(1)));
        assert!(border(1) < key(now(), 0));
        assert!(border(0) < keys[0]);
    }
}
