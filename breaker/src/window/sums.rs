//! What is counted, and the sums of it.

/// What is counted; first what nearly every call counts, which is to be on one cache line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Fires,
    Successes,
    Failures,
    Slow,
    Rejects,
    /// The sum of the times that calls took.
    Nanos,
    Timeouts,
    Fallbacks,
    Full,
    /// Asked for while the circuit was disabled, or let through only for the figures.
    Bypassed,
    /// Let through, and ended without counting: late, cancelled, ignored.
    Dropped,
}

pub(super) const KINDS: usize = Kind::Dropped as usize + 1;

/// One number for each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sums([u64; KINDS]);

impl Sums {
    pub(super) fn of(counts: [u64; KINDS]) -> Self {
        Self(counts)
    }

    pub(super) fn each(&self) -> [u64; KINDS] {
        self.0
    }

    pub(crate) fn get(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    pub(crate) fn set(&mut self, kind: Kind, count: u64) {
        self.0[kind as usize] = count;
    }

    /// What is left without these.
    pub(super) fn without(mut self, others: &Self) -> Self {
        for (sum, other) in self.0.iter_mut().zip(others.0) {
            *sum = sum.wrapping_sub(other);
        }
        self
    }

    pub(super) fn add_to(self, sums: &mut Self) {
        for (sum, one) in sums.0.iter_mut().zip(self.0) {
            *sum = sum.wrapping_add(one);
        }
    }
}
