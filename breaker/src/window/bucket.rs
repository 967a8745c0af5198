//! What is counted in one stretch of the time. Written by one thread, or under a lock; read by all.

use super::latency::{BINS, Bins, bin};
use super::shard::Turn;
use super::sums::{KINDS, Kind, Sums};
use super::{Rates, Span};
use crate::reason::{Failure, FailureKind};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// How many failures each bucket remembers.
const REMEMBERED: usize = if cfg!(breaker_loom) { 1 } else { 4 };
/// The time of a bucket that was never used.
const NEVER: u64 = u64::MAX;

/// What is counted in one stretch of the time. In this order, so that what a failure reads of other threads' buckets is
/// one cache line of each.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Bucket {
    begins: AtomicU64,
    era: AtomicU64,
    counts: [AtomicU64; KINDS],
    shortest: AtomicU64,
    longest: AtomicU64,
    /// The last failures: when, in microseconds, and how.
    failures: [AtomicU64; REMEMBERED],
    bins: [AtomicU32; BINS],
}

impl Bucket {
    pub(super) fn new() -> Self {
        Self {
            begins: AtomicU64::new(NEVER),
            era: AtomicU64::new(0),
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            bins: std::array::from_fn(|_| AtomicU32::new(0)),
            shortest: AtomicU64::new(u64::MAX),
            longest: AtomicU64::new(0),
            failures: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    pub(super) fn sums(&self) -> Sums {
        Sums::of(std::array::from_fn(|kind| self.counts[kind].load(Ordering::Relaxed)))
    }

    #[inline]
    fn get(&self, kind: Kind) -> u64 {
        self.counts[kind as usize].load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn begins(&self) -> u64 {
        self.begins.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn rates(&self) -> Rates {
        Rates {
            asked: self.get(Kind::Fires),
            successes: self.get(Kind::Successes),
            failures: self.get(Kind::Failures),
            slow: self.get(Kind::Slow),
        }
    }

    pub(super) fn is(&self, turn: &Turn) -> bool {
        let is = (self.begins(), self.era.load(Ordering::Relaxed));
        is == (turn.begins, turn.span.era)
    }

    #[inline]
    pub(super) fn is_within(&self, span: Span) -> bool {
        let begins = self.begins();
        begins >= span.from && begins != NEVER && self.era.load(Ordering::Relaxed) == span.era
    }

    /// Begins anew.
    pub(super) fn begin(&self, turn: &Turn) {
        self.begins.store(turn.begins, Ordering::Relaxed);
        self.era.store(turn.span.era, Ordering::Relaxed);
    }

    /// Adds the counts to what is past. It is as if never used then.
    pub(super) fn empty_into(&self, past: &[AtomicU64; KINDS]) {
        for (past, count) in past.iter().zip(&self.counts) {
            self::add(past, count.load(Ordering::Relaxed));
            count.store(0, Ordering::Relaxed);
        }
        self.bins.iter().for_each(|bin| bin.store(0, Ordering::Relaxed));
        self.shortest.store(u64::MAX, Ordering::Relaxed);
        self.longest.store(0, Ordering::Relaxed);
        self.failures.iter().for_each(|failure| failure.store(0, Ordering::Relaxed));
        self.begins.store(NEVER, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn add(&self, kind: Kind, count: u64) {
        add(&self.counts[kind as usize], count);
    }

    #[inline]
    pub(super) fn refused(&self) {
        self.add(Kind::Fires, 1);
        self.add(Kind::Rejects, 1);
    }

    #[inline]
    pub(super) fn succeeded(&self, took: u64, slow: bool) {
        self.add(Kind::Successes, 1);
        self.took(took, slow);
    }

    /// Answers with when the bucket begins.
    #[inline]
    pub(super) fn failed(&self, kind: FailureKind, took: Option<u64>, slow: bool, now: u64) -> u64 {
        self.add(Kind::Failures, 1);
        if matches!(kind, FailureKind::Timeout) {
            self.add(Kind::Timeouts, 1);
        }
        if let Some(took) = took {
            self.took(took, slow);
        }
        self.remember(kind, now);
        self.begins()
    }

    #[inline]
    fn took(&self, nanos: u64, slow: bool) {
        self.add(Kind::Nanos, nanos);
        let bin = &self.bins[bin(nanos)];
        bin.store(bin.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
        if nanos < self.shortest.load(Ordering::Relaxed) {
            self.shortest.store(nanos, Ordering::Relaxed);
        }
        if nanos > self.longest.load(Ordering::Relaxed) {
            self.longest.store(nanos, Ordering::Relaxed);
        }
        if slow {
            self.add(Kind::Slow, 1);
        }
    }

    #[inline]
    fn remember(&self, kind: FailureKind, now: u64) {
        let place = self.get(Kind::Failures) as usize % REMEMBERED;
        self.failures[place].store(((now / 1_000) << 8) | (kind as u64 + 1), Ordering::Relaxed);
    }

    /// Adds what was saved.
    pub(super) fn put(&self, sums: &Sums) {
        for (count, saved) in self.counts.iter().zip(sums.each()) {
            add(count, saved);
        }
    }

    pub(super) fn add_to(&self, bins: &mut Bins) {
        for (sum, bin) in bins.calls.iter_mut().zip(&self.bins) {
            *sum += u64::from(bin.load(Ordering::Relaxed));
        }
        bins.shortest = bins.shortest.min(self.shortest.load(Ordering::Relaxed));
        bins.longest = bins.longest.max(self.longest.load(Ordering::Relaxed));
    }

    pub(super) fn remembered(&self) -> impl Iterator<Item = Failure> {
        use FailureKind::{Abandoned, Error, Full, Panic, Timeout};
        self.failures.iter().filter_map(|word| {
            let word = word.load(Ordering::Relaxed);
            let kinds = [Error, Timeout, Panic, Abandoned, Full];
            let kind = kinds.into_iter().find(|kind| *kind as u64 + 1 == word & 0xff)?;
            Some(Failure { at: Duration::from_micros(word >> 8), kind })
        })
    }
}

/// An addition by the one writer. Nobody else writes, so nothing is lost between the load and the store.
#[inline]
pub(super) fn add(count: &AtomicU64, more: u64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}
