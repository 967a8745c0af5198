//! The atomics and locks of the core: std's, or loom's where it is checked with loom (`--cfg breaker_loom`).

#[cfg(not(breaker_loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU32, AtomicU64, Ordering, fence},
};

#[cfg(breaker_loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU32, AtomicU64, Ordering, fence},
};

#[cfg(not(breaker_loom))]
pub(crate) use std::hint::spin_loop;

#[cfg(breaker_loom)]
pub(crate) use loom::thread::yield_now as spin_loop;

use std::sync::PoisonError;

/// Takes a lock under which nothing can panic half-way through a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
