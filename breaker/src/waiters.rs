//! Tasks that wait for something else, and must hear of it when the circuit opens.
//!
//! No wake-up is lost: a waiter enters its waker and **then** looks at the circuit once more; whoever opens the circuit
//! does so and **then** looks for waiters. Of the two at least one sees the other, which is what the two fences are for.
//!
//! There is at most one waker for each service that is alive and waits: a service takes its own out when it is ready,
//! called or dropped.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// The wakers of the tasks that wait.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    wakers: Mutex<BTreeMap<u64, Waker>>,
    /// How many there are, so that nothing is locked where nobody waits.
    count: AtomicUsize,
    next: AtomicU64,
}

/// The place of one service among those who wait. Dropping it takes the waker out.
#[derive(Debug)]
pub(crate) struct Waiter {
    waiters: Arc<Waiters>,
    id: u64,
}

impl Waiters {
    /// From now on [`wake_all`](Self::wake_all) wakes this one, once. Look at the circuit again after this.
    pub(crate) fn enter(self: &Arc<Self>, waker: &Waker) -> Waiter {
        let waiter = Waiter { waiters: Arc::clone(self), id: self.next.fetch_add(1, Ordering::Relaxed) };
        waiter.renew(waker);
        waiter
    }

    /// Wakes all that wait. To be called after the circuit has opened.
    pub(crate) fn wake_all(&self) {
        fence(Ordering::SeqCst);
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut wakers = self.lock();
        self.count.store(0, Ordering::Relaxed);
        let woken = std::mem::take(&mut *wakers);
        drop(wakers);
        // A waker is somebody else's code: not under the lock.
        woken.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Waker>> {
        // Nothing that runs under the lock can panic half-way through a change.
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// The task that polled last is the one to wake.
    pub(crate) fn renew(&self, waker: &Waker) {
        let waker = waker.clone();
        let mut wakers = self.waiters.lock();
        let replaced = wakers.insert(self.id, waker);
        self.waiters.count.store(wakers.len(), Ordering::Relaxed);
        drop(wakers);
        drop(replaced);
        fence(Ordering::SeqCst);
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut wakers = self.waiters.lock();
        let removed = wakers.remove(&self.id);
        self.waiters.count.store(wakers.len(), Ordering::Relaxed);
        drop(wakers);
        drop(removed);
    }
}
