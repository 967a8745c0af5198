//! Gives each thread a small number that no other living thread has, so that it can be the only writer of something.
//!
//! A thread that ends gives its number back; the next one to ask gets the smallest. The lock orders what the old owner
//! wrote before what the new one writes.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Not asked yet.
const UNKNOWN: usize = usize::MAX;
/// No number: the thread is ending.
const NONE: usize = usize::MAX - 1;
/// No more than this many threads write on their own.
const MOST: usize = 64;

static FREE: Mutex<Free> = Mutex::new(Free { next: 0, back: BTreeSet::new() });

struct Free {
    next: usize,
    back: BTreeSet<usize>,
}

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(UNKNOWN) };
    static LEASE: Lease = Lease::take();
}

/// Gives the number back when the thread ends.
struct Lease(usize);

impl Lease {
    fn take() -> Self {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let number = free.back.pop_first().unwrap_or_else(|| {
            free.next += 1;
            free.next - 1
        });
        Self(number)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // What runs later in the thread's end finds no number, and writes where a lock is.
        NUMBER.set(NONE);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).back.insert(self.0);
    }
}

/// This thread's number, if it has asked for one; else more than there are lanes.
#[inline]
pub(super) fn known() -> usize {
    NUMBER.get()
}

/// This thread's number; more than there are lanes where it is ending.
#[cold]
pub(super) fn mine() -> usize {
    if NUMBER.get() == UNKNOWN {
        NUMBER.set(LEASE.try_with(|lease| lease.0).unwrap_or(NONE));
    }
    NUMBER.get()
}

/// How many lanes a busy circuit has: more than there are cores, so that blocking threads beside the workers have one.
pub(super) fn count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (cores * 2).next_power_of_two().clamp(4, MOST)
    })
}
