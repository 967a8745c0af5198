//! Counts over a stretch of time that slides bucket by bucket, written by many threads at once without a lock.
//!
//! Every thread that uses a busy circuit has a [`Shard`] of its own, which it alone writes to: a count is a load, an
//! addition and a store on a cache line that nobody else touches. The others read it when they need a sum, which is
//! when a call fails or somebody looks. A circuit that is not busy has one shard for all, under a lock.
//!
//! Every bucket carries the time at which it begins, so nothing has to be rotated by a timer: stale buckets are left out
//! when the window is read and used again when a new one is needed. So too when the window is cut anew: the old buckets
//! go on counting for what they are until they are stale.

mod bucket;
mod lanes;
mod latency;
mod ring;
mod shard;
mod sums;

pub(crate) use latency::Bins;
pub(crate) use ring::Ring;
pub(crate) use sums::{Kind, Sums};

use crate::reason::{Failure, FailureKind};
use crate::sync::{AtomicU32, AtomicU64, Mutex, Ordering, fence, lock};
use bucket::Bucket;
use shard::{Shard, Turn};
use std::sync::OnceLock;

/// A circuit that has counted so often is busy: from then on a thread that uses it gets a shard of its own.
const BUSY: u32 = if cfg!(breaker_loom) { 0 } else { 256 };

#[derive(Debug)]
pub(crate) struct Window {
    /// Nanoseconds of a bucket.
    interval: AtomicU64,
    /// How many of them the window holds.
    length: AtomicU64,
    /// Grows when the window is emptied: buckets of an earlier era do not count any more.
    era: AtomicU64,
    /// Grows when one of these changes: shards look at it before each count.
    version: AtomicU64,
    lanes: Box<[OnceLock<Box<Shard>>]>,
    /// For threads without a lane of their own, and in the beginning for all.
    shared: OnceLock<Box<Shard>>,
    /// Held while the shared shard is written to; how often it was.
    sharing: Mutex<u32>,
    /// Counts down to zero, and then the circuit is busy.
    calm: AtomicU32,
}

/// What of the shards counts at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    interval: u64,
    /// Buckets that begin earlier are stale.
    from: u64,
    era: u64,
}

impl Window {
    /// A window of `length` buckets of `interval` nanoseconds each.
    pub(crate) fn new((interval, length): (u64, usize)) -> Self {
        let window = Self {
            interval: AtomicU64::new(interval),
            length: AtomicU64::new(length as u64),
            era: AtomicU64::new(0),
            version: AtomicU64::new(1),
            lanes: (0..lanes::count()).map(|_| OnceLock::new()).collect(),
            shared: OnceLock::new(),
            sharing: Mutex::new(0),
            calm: AtomicU32::new(BUSY),
        };
        if cfg!(breaker_loom) {
            // loom does not know of std's cells, so nothing may come to be in them while threads run.
            window.lanes.iter().chain([&window.shared]).for_each(|lane| drop(lane.set(window.shard())));
        }
        window
    }

    /// Cuts the window anew. What it holds stays, in the old buckets.
    pub(crate) fn cut(&self, (interval, length): (u64, usize)) {
        let cut = (self.interval.load(Ordering::Relaxed), self.length.load(Ordering::Relaxed));
        if cut != (interval, length as u64) {
            self.interval.store(interval, Ordering::Relaxed);
            self.length.store(length as u64, Ordering::Relaxed);
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// Empties the window; what was counted stays in the totals.
    pub(crate) fn clear(&self) {
        self.era.fetch_add(1, Ordering::Relaxed);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Counts one.
    #[inline]
    pub(crate) fn count(&self, kind: Kind, now: u64) {
        let Some(bucket) = self.bucket(now) else { return self.count_anew(kind, now) };
        bucket.add(kind, 1);
    }

    /// Counts a call that is refused.
    #[inline]
    pub(crate) fn refused(&self, now: u64) {
        let Some(bucket) = self.bucket(now) else { return self.refused_anew(now) };
        bucket.refused();
    }

    /// Counts a call that ended well.
    #[inline]
    pub(crate) fn succeeded(&self, took: u64, slow: bool, now: u64) {
        let Some(bucket) = self.bucket(now) else { return self.succeeded_anew(took, slow, now) };
        bucket.succeeded(took, slow);
    }

    /// Counts a call that failed. After that, a sum taken here holds this failure, and of two threads that count one at
    /// the same time, at least one finds both. Answers with when the bucket begins.
    #[inline]
    pub(crate) fn failed(&self, kind: FailureKind, took: Option<u64>, slow: bool, now: u64) -> u64 {
        let begins = match self.bucket(now) {
            Some(bucket) => bucket.failed(kind, took, slow, now),
            None => self.failed_anew(kind, took, slow, now),
        };
        fence(Ordering::SeqCst);
        begins
    }

    /// This thread's bucket for `now`, where it has one.
    #[inline]
    fn bucket(&self, now: u64) -> Option<&Bucket> {
        let version = self.version.load(Ordering::Acquire);
        self.lanes.get(lanes::known()).and_then(OnceLock::get)?.current(now, version)
    }

    // The same, where this thread has no bucket yet, or only an old one. Each by itself, so that what it takes stays in
    // registers on the usual way.

    #[cold]
    #[inline(never)]
    fn count_anew(&self, kind: Kind, now: u64) {
        self.write_anew(now, |bucket| bucket.add(kind, 1));
    }

    #[cold]
    #[inline(never)]
    fn refused_anew(&self, now: u64) {
        self.write_anew(now, Bucket::refused);
    }

    #[cold]
    #[inline(never)]
    fn succeeded_anew(&self, took: u64, slow: bool, now: u64) {
        self.write_anew(now, |bucket| bucket.succeeded(took, slow));
    }

    #[cold]
    #[inline(never)]
    fn failed_anew(&self, kind: FailureKind, took: Option<u64>, slow: bool, now: u64) -> u64 {
        self.write_anew(now, |bucket| bucket.failed(kind, took, slow, now))
    }

    fn write_anew<T>(&self, now: u64, act: impl FnOnce(&Bucket) -> T) -> T {
        let lane = self.lanes.get(lanes::mine());
        let busy = self.calm.load(Ordering::Relaxed) == 0;
        if let Some(lane) = lane.filter(|lane| busy || lane.get().is_some()) {
            // Nobody else has this lane, so nobody else makes this shard.
            return act(self.at(lane.get_or_init(|| self.shard()), now));
        }
        let mut used = lock(&self.sharing);
        *used = used.saturating_add(1);
        self.calm.store(BUSY.saturating_sub(*used), Ordering::Relaxed);
        act(self.at(self.shared.get_or_init(|| self.shard()), now))
    }

    fn shard(&self) -> Box<Shard> {
        Box::new(Shard::new(self.geometry().1))
    }

    /// The shard's bucket that `now` falls in. Only for the one who may write to it.
    fn at<'a>(&self, shard: &'a Shard, now: u64) -> &'a Bucket {
        let version = self.version.load(Ordering::Acquire);
        if let Some(bucket) = shard.current(now, version) {
            return bucket;
        }
        let (interval, length) = self.geometry();
        // The last moment of all is the sign of a bucket never used.
        let begins = (now - now % interval).min(u64::MAX - 1);
        let span = self.span(now);
        shard.turn(Turn { begins, ends: begins.saturating_add(interval), span, version }, length)
    }

    fn geometry(&self) -> (u64, usize) {
        (self.interval.load(Ordering::Relaxed), self.length.load(Ordering::Relaxed) as usize)
    }

    fn shards(&self) -> impl Iterator<Item = &Shard> {
        std::iter::once(&self.shared).chain(&self.lanes).filter_map(OnceLock::get).map(Box::as_ref)
    }

    /// What a sum at `now` is made of.
    fn span(&self, now: u64) -> Span {
        let interval = self.interval.load(Ordering::Relaxed);
        self.span_at(now - now % interval)
    }

    /// The same, where it is known when the newest bucket begins.
    #[inline]
    fn span_at(&self, newest: u64) -> Span {
        let (interval, length) = self.geometry();
        let from = newest.saturating_sub(interval.saturating_mul(length as u64 - 1));
        Span { interval, from, era: self.era.load(Ordering::Relaxed) }
    }

    /// The sums over the window.
    pub(crate) fn sums(&self, now: u64) -> Sums {
        let span = self.span(now);
        let mut sums = Sums::default();
        for shard in self.shards() {
            shard.read(|shard| shard.sum_within(span)).add_to(&mut sums);
        }
        sums
    }

    /// Asked for, ended well, failed, slow: what rates are made of.
    pub(crate) fn rates(&self, now: u64) -> Rates {
        self.rates_of(self.span(now))
    }

    /// The same, where it is known when the newest bucket begins.
    #[inline]
    pub(crate) fn rates_at(&self, newest: u64) -> Rates {
        self.rates_of(self.span_at(newest))
    }

    #[inline]
    fn rates_of(&self, span: Span) -> Rates {
        let mut sum = self.shared.get().map_or_else(Rates::default, |shard| shard.rates(span));
        for lane in &self.lanes {
            if let Some(shard) = lane.get() {
                sum += shard.rates(span);
            }
        }
        sum
    }

    /// The sums since the beginning.
    pub(crate) fn totals(&self) -> Sums {
        let mut sums = Sums::default();
        for shard in self.shards() {
            shard.read(Shard::total).add_to(&mut sums);
        }
        sums
    }

    /// The sums of each bucket of the window that is not empty, with the time at which it begins; oldest first.
    pub(crate) fn buckets(&self, now: u64) -> Vec<(u64, Sums)> {
        let span = self.span(now);
        let mut buckets = std::collections::BTreeMap::<u64, Sums>::new();
        for shard in self.shards() {
            for (begins, sums) in shard.read(|shard| shard.buckets_within(span)) {
                sums.add_to(buckets.entry(begins / span.interval * span.interval).or_default());
            }
        }
        buckets.into_iter().collect()
    }

    /// How long the calls took that ended in the window.
    pub(crate) fn bins(&self, now: u64) -> Bins {
        let span = self.span(now);
        let mut bins = Bins::default();
        for shard in self.shards() {
            bins.add(&shard.read(|shard| shard.bins_within(span)));
        }
        bins
    }

    /// The last failures, oldest first.
    pub(crate) fn last_failures(&self, most: usize) -> Vec<Failure> {
        let mut failures: Vec<_> = self.shards().flat_map(|shard| shard.remembered()).collect();
        failures.sort_by_key(|failure| failure.at);
        failures.split_off(failures.len().saturating_sub(most))
    }

    /// Puts back what was saved, as the shared shard's: the buckets, oldest first, and the sums since the beginning.
    pub(crate) fn restore(&self, buckets: &[(u64, Sums)], totals: &Sums) {
        let _used = lock(&self.sharing);
        let length = self.geometry().1;
        let shard = self.shared.get_or_init(|| self.shard());
        let mut past = *totals;
        for (begins, sums) in buckets {
            let (begins, span) = ((*begins).min(u64::MAX - 1), self.span(*begins));
            shard
                .turn(Turn { begins, ends: begins.saturating_add(span.interval), span, version: 0 }, length)
                .put(sums);
            past = past.without(sums);
        }
        shard.put_past(&past);
    }
}

/// What rates are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) asked: u64,
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
}

impl std::ops::AddAssign for Rates {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        self.asked += other.asked;
        self.successes += other.successes;
        self.failures += other.failures;
        self.slow += other.slow;
    }
}

/// Says which lane a thread of loom has.
#[cfg(breaker_loom)]
pub(crate) fn take_lane(number: usize) {
    lanes::set(number);
}
