//! Counts over a stretch of time that slides bucket by bucket.
//!
//! Every bucket carries the number of the interval that it counts, so nothing has to be rotated: a stale bucket is
//! known by its number, emptied when it is next written to and left out when the window is read. No timer, no loop over
//! the hours in which nobody called, and reading changes nothing.

use crate::snapshot::Counts;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Window {
    interval_nanos: u64,
    buckets: Box<[Bucket]>,
    /// The newest interval that was written to.
    newest: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    interval: u64,
    counts: Counts,
}

impl Window {
    /// A window of `buckets` equal parts. Both are taken as checked.
    pub(crate) fn new(window: Duration, buckets: u32) -> Self {
        Self {
            interval_nanos: nanos(window) / u64::from(buckets),
            buckets: vec![Bucket::default(); buckets as usize].into(),
            newest: 0,
        }
    }

    /// The counts of the interval that `now` falls in, to be added to.
    pub(crate) fn at(&mut self, now: Duration) -> &mut Counts {
        let interval = self.interval(now);
        self.newest = interval;
        let slot = (interval % self.buckets.len() as u64) as usize;
        let bucket = &mut self.buckets[slot];
        if bucket.interval != interval {
            *bucket = Bucket { interval, counts: Counts::default() };
        }
        &mut bucket.counts
    }

    /// The sum over the interval that `now` falls in and those before it that the window still holds.
    pub(crate) fn sum(&self, now: Duration) -> Counts {
        // Never before that of any bucket.
        let interval = self.interval(now);
        let length = self.buckets.len() as u64;
        let mut sum = Counts::default();
        for bucket in self.buckets.iter().filter(|bucket| interval - bucket.interval < length) {
            sum += bucket.counts;
        }
        sum
    }

    /// Two threads may ask for the lock in another order than they read the clock: time never runs back here.
    fn interval(&self, now: Duration) -> u64 {
        (nanos(now) / self.interval_nanos).max(self.newest)
    }
}

/// Enough for 584 years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
