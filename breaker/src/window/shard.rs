//! One thread's part of a window: it alone writes here, everybody may read.
//!
//! A count is a plain load and store. Only when a new bucket is begun are several words changed together; then the
//! sequence number is odd, and a reader who finds it so, or changed under his eyes, reads again.

use super::latency::{BINS, Bins, bin};
use super::sums::{KINDS, Kind, Sums};
use super::{Rates, Span};
use crate::reason::{Failure, FailureKind};
use crate::sync::{AtomicU32, AtomicU64, Ordering, fence, spin_loop};
use std::sync::OnceLock;
use std::time::Duration;

/// How many failures each bucket remembers.
const REMEMBERED: usize = if cfg!(breaker_loom) { 1 } else { 4 };
/// Sizes of the banks after the first, which is as long as the window is in the beginning.
const LATER_BANKS: [usize; 2] = [100, 1_000];
/// A reader gives up waiting for a quiet moment, as with buckets of a few nanoseconds there is none.
const PATIENCE: u32 = 64;
/// The time of a bucket that was never used.
const NEVER: u64 = u64::MAX;

/// Aligned, so that no two threads write to the same cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shard {
    /// Odd while several words are changed together.
    sequence: AtomicU64,
    /// The version of the window that the current bucket is right for.
    version: AtomicU64,
    ends: AtomicU64,
    /// The current bucket: its bank and its place there.
    bank: AtomicU64,
    place: AtomicU64,
    /// Buckets, as many as the window holds. Where it is cut into more, a larger bank is made, and the old one read
    /// until it is stale.
    banks: [OnceLock<Box<[Bucket]>>; 1 + LATER_BANKS.len()],
    /// What the other buckets hold that count as long as the current one is right: so that a failure need not look at
    /// them all.
    settled: Settled,
    /// What was counted in buckets that were used again since.
    past: [AtomicU64; KINDS],
}

/// The rates of some buckets, and from when on they count.
#[derive(Debug, Default)]
struct Settled {
    from: AtomicU64,
    era: AtomicU64,
    rates: [AtomicU64; 4],
}

/// What is counted in one stretch of the time.
#[derive(Debug)]
pub(super) struct Bucket {
    begins: AtomicU64,
    era: AtomicU64,
    counts: [AtomicU64; KINDS],
    bins: [AtomicU32; BINS],
    shortest: AtomicU64,
    longest: AtomicU64,
    /// The last failures: when, in microseconds, and how.
    failures: [AtomicU64; REMEMBERED],
}

/// The bucket to count in next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) begins: u64,
    pub(super) ends: u64,
    /// What counts from then on.
    pub(super) span: Span,
    /// The version of the window that this is right for.
    pub(super) version: u64,
}

impl Bucket {
    fn new() -> Self {
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

    fn sums(&self) -> Sums {
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
    fn rates(&self) -> Rates {
        Rates {
            asked: self.get(Kind::Fires),
            successes: self.get(Kind::Successes),
            failures: self.get(Kind::Failures),
            slow: self.get(Kind::Slow),
        }
    }

    fn is(&self, turn: &Turn) -> bool {
        let is = (self.begins(), self.era.load(Ordering::Relaxed));
        is == (turn.begins, turn.span.era)
    }

    #[inline]
    pub(super) fn add(&self, kind: Kind, count: u64) {
        add(&self.counts[kind as usize], count);
    }

    #[inline]
    pub(super) fn took(&self, nanos: u64, slow: bool) {
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
    pub(super) fn remember(&self, kind: FailureKind, now: u64) {
        let place = self.get(Kind::Failures) as usize % REMEMBERED;
        self.failures[place].store(((now / 1_000) << 8) | (kind as u64 + 1), Ordering::Relaxed);
    }

    /// Adds what was saved.
    pub(super) fn put(&self, sums: &Sums) {
        for (count, saved) in self.counts.iter().zip(sums.each()) {
            add(count, saved);
        }
    }

    fn remembered(&self) -> impl Iterator<Item = Failure> {
        use FailureKind::{Abandoned, Error, Full, Panic, Timeout};
        self.failures.iter().filter_map(|word| {
            let word = word.load(Ordering::Relaxed);
            let kinds = [Error, Timeout, Panic, Abandoned, Full];
            let kind = kinds.into_iter().find(|kind| *kind as u64 + 1 == word & 0xff)?;
            Some(Failure { at: Duration::from_micros(word >> 8), kind })
        })
    }
}

impl Settled {
    fn set(&self, rates: Rates, span: Span) {
        let Rates { asked, successes, failures, slow } = rates;
        for (word, rate) in self.rates.iter().zip([asked, successes, failures, slow]) {
            word.store(rate, Ordering::Relaxed);
        }
        self.from.store(span.from, Ordering::Relaxed);
        self.era.store(span.era, Ordering::Relaxed);
    }

    /// Where they are of this span.
    #[inline]
    fn get(&self, span: Span) -> Option<Rates> {
        let is = (self.from.load(Ordering::Relaxed), self.era.load(Ordering::Relaxed));
        let [asked, successes, failures, slow] = &self.rates;
        let rate = |word: &AtomicU64| word.load(Ordering::Relaxed);
        (is == (span.from, span.era)).then(|| Rates {
            asked: rate(asked),
            successes: rate(successes),
            failures: rate(failures),
            slow: rate(slow),
        })
    }
}

impl Shard {
    pub(super) fn new(length: usize) -> Self {
        let shard = Self {
            sequence: AtomicU64::new(0),
            version: AtomicU64::new(0),
            ends: AtomicU64::new(0),
            bank: AtomicU64::new(0),
            place: AtomicU64::new(0),
            banks: std::array::from_fn(|_| OnceLock::new()),
            settled: Settled::default(),
            past: std::array::from_fn(|_| AtomicU64::new(0)),
        };
        shard.banks[0].get_or_init(|| (0..length).map(|_| Bucket::new()).collect());
        shard
    }

    // `current`, `turn` and `put_past`, and what is written to the bucket, are for the one writer only.

    /// The bucket to count in, while it is still the right one. A clock that runs back a little changes nothing.
    #[inline]
    pub(super) fn current(&self, now: u64, version: u64) -> Option<&Bucket> {
        let right =
            now < self.ends.load(Ordering::Relaxed) && version == self.version.load(Ordering::Relaxed);
        if right { self.bucket() } else { None }
    }

    #[inline]
    fn bucket(&self) -> Option<&Bucket> {
        let bank = self.banks.get(self.bank.load(Ordering::Relaxed) as usize)?.get()?;
        bank.get(self.place.load(Ordering::Relaxed) as usize)
    }

    /// Begins another bucket, in the place of the oldest.
    #[cold]
    pub(super) fn turn(&self, to: Turn, length: usize) -> &Bucket {
        if let Some(bucket) = self.bucket().filter(|bucket| bucket.is(&to)) {
            // The window was cut anew, and this bucket begins where it did.
            self.ends.store(to.ends, Ordering::Relaxed);
            self.version.store(to.version, Ordering::Relaxed);
            return bucket;
        }
        let mut bank = self.bank.load(Ordering::Relaxed) as usize;
        let mut place = self.place.load(Ordering::Relaxed) as usize + 1;
        while self.banks[bank].get().is_none_or(|buckets| buckets.len() < length) {
            bank += 1;
            place = 0;
            self.banks[bank].get_or_init(|| (0..LATER_BANKS[bank - 1]).map(|_| Bucket::new()).collect());
        }
        let buckets = self.banks[bank].get().expect("just found");
        place %= buckets.len();
        let bucket = &buckets[place];

        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        for (past, count) in self.past.iter().zip(&bucket.counts) {
            add(past, count.load(Ordering::Relaxed));
            count.store(0, Ordering::Relaxed);
        }
        bucket.bins.iter().for_each(|bin| bin.store(0, Ordering::Relaxed));
        bucket.shortest.store(u64::MAX, Ordering::Relaxed);
        bucket.longest.store(0, Ordering::Relaxed);
        bucket.failures.iter().for_each(|failure| failure.store(0, Ordering::Relaxed));
        bucket.begins.store(NEVER, Ordering::Relaxed);
        self.settled.set(self.scan(to.span), to.span);
        bucket.begins.store(to.begins, Ordering::Relaxed);
        bucket.era.store(to.span.era, Ordering::Relaxed);
        self.bank.store(bank as u64, Ordering::Relaxed);
        self.place.store(place as u64, Ordering::Relaxed);
        self.ends.store(to.ends, Ordering::Relaxed);
        self.version.store(to.version, Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(2), Ordering::Release);
        bucket
    }

    /// Adds what was saved to what is past.
    pub(super) fn put_past(&self, sums: &Sums) {
        for (count, saved) in self.past.iter().zip(sums.each()) {
            add(count, saved);
        }
    }

    /// Reads several words as they were at one moment.
    #[inline]
    pub(super) fn read<T>(&self, look: impl Fn(&Self) -> T) -> T {
        for _ in 0..PATIENCE {
            let before = self.sequence.load(Ordering::Acquire);
            if before.is_multiple_of(2) {
                let seen = look(self);
                fence(Ordering::Acquire);
                if self.sequence.load(Ordering::Relaxed) == before {
                    return seen;
                }
            }
            spin_loop();
        }
        look(self)
    }

    #[inline]
    fn within(&self, span: Span) -> impl Iterator<Item = &Bucket> {
        self.banks.iter().filter_map(OnceLock::get).flatten().filter(move |bucket| {
            let begins = bucket.begins();
            begins >= span.from && begins != NEVER && bucket.era.load(Ordering::Relaxed) == span.era
        })
    }

    pub(super) fn sum_within(&self, span: Span) -> Sums {
        let mut sums = Sums::default();
        self.within(span).for_each(|bucket| bucket.sums().add_to(&mut sums));
        sums
    }

    #[inline]
    pub(super) fn rates_within(&self, span: Span) -> Rates {
        if self.ends.load(Ordering::Relaxed) <= span.from {
            return Rates::default();
        }
        match (self.settled.get(span), self.bucket()) {
            (Some(mut rates), Some(bucket)) => {
                rates += bucket.rates();
                rates
            }
            _ => self.scan(span),
        }
    }

    fn scan(&self, span: Span) -> Rates {
        let mut rates = Rates::default();
        self.within(span).for_each(|bucket| rates += bucket.rates());
        rates
    }

    pub(super) fn buckets_within(&self, span: Span) -> Vec<(u64, Sums)> {
        self.within(span).map(|bucket| (bucket.begins(), bucket.sums())).collect()
    }

    pub(super) fn bins_within(&self, span: Span) -> Bins {
        let mut bins = Bins::default();
        for bucket in self.within(span) {
            for (sum, bin) in bins.calls.iter_mut().zip(&bucket.bins) {
                *sum += u64::from(bin.load(Ordering::Relaxed));
            }
            bins.shortest = bins.shortest.min(bucket.shortest.load(Ordering::Relaxed));
            bins.longest = bins.longest.max(bucket.longest.load(Ordering::Relaxed));
        }
        bins
    }

    pub(super) fn total(&self) -> Sums {
        let mut sums = Sums::of(std::array::from_fn(|kind| self.past[kind].load(Ordering::Relaxed)));
        for bucket in self.banks.iter().filter_map(OnceLock::get).flatten() {
            bucket.sums().add_to(&mut sums);
        }
        sums
    }

    pub(super) fn remembered(&self) -> Vec<Failure> {
        self.banks.iter().filter_map(OnceLock::get).flatten().flat_map(Bucket::remembered).collect()
    }
}

/// An addition by the one writer. Nobody else writes, so nothing is lost between the load and the store.
#[inline]
fn add(count: &AtomicU64, more: u64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}
