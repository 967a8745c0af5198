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

#[cfg(not(breaker_loom))]
thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(UNKNOWN) };
}

// Threads of loom are no threads of the system: each says which number it has.
#[cfg(breaker_loom)]
loom::thread_local! {
    static NUMBER: Cell<usize> = Cell::new(NONE);
}

thread_local! {
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
        set(NONE);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).back.insert(self.0);
    }
}

/// This thread's number, if it has asked for one; else more than there are lanes.
#[inline]
pub(super) fn known() -> usize {
    NUMBER.with(Cell::get)
}

pub(super) fn set(number: usize) {
    NUMBER.with(|mine| mine.set(number));
}

/// This thread's number; more than there are lanes where it is ending.
#[cold]
pub(super) fn mine() -> usize {
    if known() == UNKNOWN {
        set(LEASE.try_with(|lease| lease.0).unwrap_or(NONE));
    }
    known()
}

/// How many lanes a busy circuit has: more than there are cores, so that blocking threads beside the workers have one.
pub(super) fn count() -> usize {
    if cfg!(breaker_loom) {
        return 2;
    }
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (cores * 2).next_power_of_two().clamp(4, MOST)
    })
}
