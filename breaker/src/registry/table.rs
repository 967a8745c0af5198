//! All circuits by name, bounded. Time is passed in.
//!
//! Shards behind read-write locks, so that finding a known name only reads. What adds or drops a circuit holds the hand:
//! one at a time, each looking at a few circuits from where the last one stopped. So the work of an insertion does not
//! grow with the number of circuits, there is no task and no timer, and the bound holds between any number of threads.
//! Nothing of a user's runs in here, and what goes is dropped by the caller, after the locks.

use super::Dropped;
use super::shard::{Need, Seen, Shard, Taken};
use super::sharing::Sharer;
use crate::breaker::Breaker;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Circuits looked at with each insertion for being idle. Four times faster than the registry can grow.
const LOOKS: usize = 4;
/// Circuits among which the longest unused is chosen, where one has to go.
const CHOICE: usize = 8;
/// Most circuits looked at, where all so far are in use.
const MOST_LOOKS: usize = 64;
/// Shards are for threads, not for circuits: more than that help nobody.
const MOST_SHARDS: usize = 64;

pub(super) struct Table {
    shards: Box<[RwLock<Shard>]>,
    hand: Mutex<Hand>,
    len: AtomicUsize,
    at_most: usize,
    idle: u64,
    sharer: Sharer,
}

/// Where to look next.
struct Hand {
    shard: usize,
    slot: usize,
}

/// Where a circuit stands.
#[derive(Clone, Copy)]
struct Spot {
    shard: usize,
    slot: usize,
}

/// What went to keep the bounds, and why.
pub(super) type Gone = Vec<(Taken, Dropped)>;

impl Table {
    pub(super) fn new(at_most: usize, idle: u64, sharer: Sharer) -> Self {
        let shards = (at_most / MOST_LOOKS).clamp(1, MOST_SHARDS);
        Self {
            shards: (0..shards).map(|_| RwLock::default()).collect(),
            hand: Mutex::new(Hand { shard: 0, slot: 0 }),
            len: AtomicUsize::new(0),
            at_most,
            idle,
            sharer,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    pub(super) fn shards(&self) -> usize {
        self.shards.len()
    }

    pub(super) fn find(&self, name: &str, now: u64) -> Option<Breaker> {
        self.read(self.shard_of(name)).find(name, now)
    }

    pub(super) fn peek(&self, name: &str) -> Option<Breaker> {
        self.read(self.shard_of(name)).peek(name).cloned()
    }

    /// The circuits of one shard.
    pub(super) fn breakers(&self, shard: usize) -> Vec<Breaker> {
        self.read(shard).breakers()
    }

    /// Adds a circuit, unless one of that name came first: then that one is answered. Drops a few that are idle, and
    /// where the bound is reached one that is not.
    pub(super) fn insert(&self, breaker: Breaker, now: u64) -> (Breaker, Gone) {
        let shard = self.shard_of(breaker.name());
        let mut hand = self.hand();
        if let Some(first) = self.read(shard).find(breaker.name(), now) {
            return (first, Vec::new());
        }
        let mut gone = Vec::new();
        self.sweep(&mut hand, now, LOOKS, &mut gone);
        while self.len() >= self.at_most {
            let Some(one) = self.make_room(&mut hand) else { break };
            gone.push(one);
        }
        let shared = self.sharer.share(&breaker);
        self.write(shard).push(breaker.clone(), shared, now);
        self.len.fetch_add(1, Ordering::Relaxed);
        (breaker, gone)
    }

    pub(super) fn remove(&self, name: &str) -> Option<Taken> {
        let _hand = self.hand();
        let gone = self.write(self.shard_of(name)).remove(name)?;
        self.len.fetch_sub(1, Ordering::Relaxed);
        Some(gone)
    }

    /// Looks at every circuit once.
    pub(super) fn drop_idle(&self, now: u64) -> Gone {
        let mut gone = Vec::new();
        let mut left = self.len();
        while left > 0 {
            // The hand is let go in between: nobody waits for the whole round.
            self.sweep(&mut self.hand(), now, MOST_LOOKS.min(left), &mut gone);
            left = left.saturating_sub(MOST_LOOKS);
        }
        gone
    }

    fn sweep(&self, hand: &mut Hand, now: u64, looks: usize, gone: &mut Gone) {
        let then = now.saturating_sub(self.idle);
        for _ in 0..looks {
            let Some(spot) = self.next(hand) else { return };
            // Most are in use or young, which is seen without a look at what they know.
            if !self.read(spot.shard).is_stale(spot.slot, then, now) {
                continue;
            }
            if let Some(taken) = self.take_if(spot, |seen| seen.need == Need::None && seen.used < then) {
                // Another one has come to stand there.
                hand.slot = spot.slot;
                gone.push((taken, Dropped::Idle));
            }
        }
    }

    /// Takes out the one longest unused of a few that are not in use; where all of many are, of those needed least.
    fn make_room(&self, hand: &mut Hand) -> Option<(Taken, Dropped)> {
        let mut best: Option<(Seen, Spot)> = None;
        for looked in 1..=MOST_LOOKS.min(self.len()) {
            let spot = self.next(hand)?;
            let seen = self.read(spot.shard).look(spot.slot)?;
            if best.is_none_or(|(best, _)| (seen.need, seen.used) < (best.need, best.used)) {
                best = Some((seen, spot));
            }
            if looked >= CHOICE && best.is_some_and(|(best, _)| best.need == Need::None) {
                break;
            }
        }
        let (best, spot) = best?;
        // Somebody may have asked for it just now. Then another would be better, but nothing is gained by looking for
        // ever.
        match self.take_if(spot, |seen| seen.need <= best.need) {
            Some(taken) => Some((taken, Dropped::reason(best.need))),
            None => Some((self.take_if(spot, |_| true)?, Dropped::InUse)),
        }
    }

    /// The next circuit round; `None` if there is none at all.
    fn next(&self, hand: &mut Hand) -> Option<Spot> {
        for _ in 0..=self.shards.len() {
            if hand.slot < self.read(hand.shard).len() {
                let spot = Spot { shard: hand.shard, slot: hand.slot };
                hand.slot += 1;
                return Some(spot);
            }
            *hand = Hand { shard: (hand.shard + 1) % self.shards.len(), slot: 0 };
        }
        None
    }

    /// Takes a circuit out if it still is as `wanted`, now that nobody can ask for it. Whoever calls holds the hand, so
    /// that it still stands where it stood.
    fn take_if(&self, spot: Spot, wanted: impl FnOnce(Seen) -> bool) -> Option<Taken> {
        let mut shard = self.write(spot.shard);
        if !wanted(shard.look(spot.slot)?) {
            return None;
        }
        let gone = shard.take(spot.slot)?;
        self.len.fetch_sub(1, Ordering::Relaxed);
        Some(gone)
    }

    /// FNV-1a: quick, and good enough to spread names over shards. Within a shard they are hashed with a secret.
    fn shard_of(&self, name: &str) -> usize {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        ((hash >> 32) as usize) % self.shards.len()
    }

    // Nothing that runs under these locks can panic half-way through a change.

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, shard: usize) -> RwLockReadGuard<'_, Shard> {
        self.shards[shard].read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, shard: usize) -> RwLockWriteGuard<'_, Shard> {
        self.shards[shard].write().unwrap_or_else(PoisonError::into_inner)
    }
}
