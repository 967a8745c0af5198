//! One thread's part of a window: it alone writes here, everybody may read.
//!
//! A count is a plain load and store. Only when a new bucket is begun are several words changed together; then the
//! sequence number is odd, and a reader who finds it so, or changed under his eyes, reads again.

use super::bucket::{Bucket, add};
use super::latency::Bins;
use super::sums::{KINDS, Sums};
use super::{Rates, Span};
use crate::reason::Failure;
use crate::sync::{AtomicU64, Ordering, fence, spin_loop};
use std::sync::OnceLock;

/// Sizes of the banks after the first, which is as long as the window is in the beginning.
const LATER_BANKS: [usize; 2] = [100, 1_000];
/// A reader gives up waiting for a quiet moment, as with buckets of a few nanoseconds there is none.
const PATIENCE: u32 = 64;

/// Aligned, so that no two threads write to the same cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shard {
    /// Odd while several words are changed together.
    sequence: AtomicU64,
    /// The version of the window that the current bucket is right for.
    version: AtomicU64,
    ends: AtomicU64,
    /// The current bucket: its place among all, bank after bank.
    place: AtomicU64,
    /// Buckets, as many as the window holds.
    first: Box<[Bucket]>,
    /// Where the window is cut into more, a larger bank is made, and the old one read until it is stale.
    later: [OnceLock<Box<[Bucket]>>; LATER_BANKS.len()],
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
        Self {
            sequence: AtomicU64::new(0),
            version: AtomicU64::new(0),
            ends: AtomicU64::new(0),
            place: AtomicU64::new(0),
            first: bank(length),
            later: std::array::from_fn(|_| OnceLock::new()),
            settled: Settled::default(),
            past: std::array::from_fn(|_| AtomicU64::new(0)),
        }
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
        let place = self.place.load(Ordering::Relaxed) as usize;
        self.first.get(place).or_else(|| self.later_bucket(place))
    }

    #[inline(never)]
    fn later_bucket(&self, place: usize) -> Option<&Bucket> {
        let mut place = place - self.first.len();
        for (bank, length) in self.later.iter().zip(LATER_BANKS) {
            if place < length {
                return bank.get()?.get(place);
            }
            place -= length;
        }
        None
    }

    /// All of them, bank after bank.
    fn buckets(&self) -> impl Iterator<Item = &Bucket> {
        self.first.iter().chain(self.later.iter().filter_map(OnceLock::get).flatten())
    }

    /// The place after this one in a bank of so many buckets, the first that is large enough, and what is there.
    fn next(&self, after: usize, length: usize) -> (usize, &Bucket) {
        let (mut begins, mut bank) = (0, &self.first);
        let mut later = self.later.iter().zip(LATER_BANKS);
        while bank.len() < length {
            let (next, size) = later.next().expect("a window holds no more buckets than the last bank");
            begins += bank.len();
            bank = next.get_or_init(|| self::bank(size));
        }
        let next = (after + 1).checked_sub(begins).map_or(0, |next| next % bank.len());
        (begins + next, &bank[next])
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
        let (place, bucket) = self.next(self.place.load(Ordering::Relaxed) as usize, length);

        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        bucket.empty_into(&self.past);
        self.settled.set(self.scan(to.span), to.span);
        bucket.begin(&to);
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
        self.buckets().filter(move |bucket| bucket.is_within(span))
    }

    pub(super) fn sum_within(&self, span: Span) -> Sums {
        let mut sums = Sums::default();
        self.within(span).for_each(|bucket| bucket.sums().add_to(&mut sums));
        sums
    }

    /// What counts of this shard towards a rate.
    #[inline]
    pub(super) fn rates(&self, span: Span) -> Rates {
        // Nearly always the first look is at a quiet moment, and nothing has to be walked through.
        let before = self.sequence.load(Ordering::Acquire);
        let seen = self.rates_at_once(span);
        fence(Ordering::Acquire);
        match seen {
            Some(rates) if before.is_multiple_of(2) && self.sequence.load(Ordering::Relaxed) == before => {
                rates
            }
            _ => self.rates_read(span),
        }
    }

    #[inline(never)]
    fn rates_read(&self, span: Span) -> Rates {
        self.read(|shard| shard.rates_at_once(span).unwrap_or_else(|| shard.scan(span)))
    }

    /// Where they are all but summed up.
    #[inline]
    fn rates_at_once(&self, span: Span) -> Option<Rates> {
        if self.ends.load(Ordering::Relaxed) <= span.from {
            return Some(Rates::default());
        }
        let mut rates = self.settled.get(span)?;
        rates += self.first.get(self.place.load(Ordering::Relaxed) as usize)?.rates();
        Some(rates)
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
            bucket.add_to(&mut bins);
        }
        bins
    }

    pub(super) fn total(&self) -> Sums {
        let mut sums = Sums::of(std::array::from_fn(|kind| self.past[kind].load(Ordering::Relaxed)));
        for bucket in self.buckets() {
            bucket.sums().add_to(&mut sums);
        }
        sums
    }

    pub(super) fn remembered(&self) -> Vec<Failure> {
        self.buckets().flat_map(Bucket::remembered).collect()
    }
}

fn bank(length: usize) -> Box<[Bucket]> {
    (0..length).map(|_| Bucket::new()).collect()
}
