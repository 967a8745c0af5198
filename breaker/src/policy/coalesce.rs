//! Equal calls that are under way at once are made once.
//!
//! For each key there is a cell that is filled once: the first caller fills it (it leads), the others wait. A leader that
//! goes away or panics leaves the cell empty, and the next in the row leads. The map knows how many hold a cell, and
//! forgets it with the last of them, or as soon as it is filled; both under one lock, which is never held while a call is
//! made, an answer is cloned or one is dropped.

use crate::error::CallError;
use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::hash::Hash;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep};

/// How calls are coalesced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoalesceSettings {
    /// Keys that may be held at once; a call for one more is made on its own. Default 1,000.
    pub keys: usize,
    /// How long a caller waits for another's call before it makes its own: a leader that is no longer polled, but not
    /// dropped either, would hold its followers for ever. Default 10 s.
    pub patience: Duration,
    /// How long a good answer is given to those who come after. Default `None`: not at all. One whose time is over is
    /// dropped when others come for other keys, at most this time later; with nobody coming, it stays.
    pub keep: Option<Duration>,
}

impl Default for CoalesceSettings {
    fn default() -> Self {
        Self { keys: 1_000, patience: Duration::from_secs(10), keep: None }
    }
}

/// Settings that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoalesceError {
    /// Without a key nothing is equal.
    #[error("coalesce keys is zero: no call would be coalesced")]
    Keys,
    /// Without patience nobody follows.
    #[error("coalesce patience is zero: nobody would wait for another's call")]
    Patience,
    /// What is kept for no time is not kept.
    #[error("coalesce keep is zero: take None to keep nothing")]
    Keep,
}

/// Calls that are made once for all who ask for the same `K` meanwhile; each gets a clone of the answer, error or not.
/// Clones are handles to the same calls under way.
///
/// Only for calls that are equal where their keys are: reading, not writing; and not across users, unless the user is a
/// part of the key.
///
/// Around a policy there is [`PolicyCall::coalesce`](crate::PolicyCall::coalesce); by itself:
///
/// ```
/// use breaker::{Breaker, Coalesce, CoalesceSettings};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let breaker = Breaker::builder("prices").build()?;
/// let keep = Some(Duration::from_millis(300));
/// let same = Coalesce::new(CoalesceSettings { keep, ..CoalesceSettings::default() })?;
/// let price = same.call("tea", breaker.call(async { Ok::<u32, String>(240) })).await;
/// assert_eq!(price, Ok(240));
/// # Ok(()) }
/// ```
pub struct Coalesce<K, T, E> {
    shared: Arc<Shared<K, T, E>>,
}

struct Shared<K, T, E> {
    settings: CoalesceSettings,
    held: Mutex<Held<K, T, E>>,
}

type Flight<T, E> = Arc<OnceCell<Result<T, CallError<E>>>>;

struct Held<K, T, E> {
    entries: HashMap<K, Entry<T, E>>,
    /// When to look for what was kept long enough.
    sweep: Option<Instant>,
}

struct Entry<T, E> {
    flight: Flight<T, E>,
    callers: usize,
    kept_until: Option<Instant>,
}

impl<K, T, E> Coalesce<K, T, E>
where
    K: Hash + Eq + Clone,
    T: Clone,
    E: Clone,
{
    /// With nothing under way.
    ///
    /// # Errors
    ///
    /// The first rule broken, in the order of the fields.
    pub fn new(settings: CoalesceSettings) -> Result<Self, CoalesceError> {
        if settings.keys == 0 {
            return Err(CoalesceError::Keys);
        }
        if settings.patience.is_zero() {
            return Err(CoalesceError::Patience);
        }
        if settings.keep.is_some_and(|keep| keep.is_zero()) {
            return Err(CoalesceError::Keep);
        }
        Ok(Self::with(settings))
    }

    /// Makes the call `work`, or waits for an equal one under way and drops `work` without having polled it.
    ///
    /// Where the caller that makes it goes away, or its `work` panics, one of those who wait polls its own.
    ///
    /// # Errors
    ///
    /// What the call failed with, for all who waited for it.
    ///
    /// # Panics
    ///
    /// Where it has to wait for another, and there is no tokio runtime with its time enabled.
    pub async fn call<W>(&self, key: K, work: W) -> Result<T, CallError<E>>
    where
        W: Future<Output = Result<T, CallError<E>>>,
    {
        self.join(key, None, work).await
    }

    /// How many keys are held: calls under way, and good answers that are kept.
    #[must_use]
    pub fn held(&self) -> usize {
        self.shared.lock().entries.len()
    }

    /// As [`call`](Self::call), with a time after which the work is asked in any case, to say that it is late.
    pub(crate) async fn join<W>(&self, key: K, deadline: Option<Duration>, work: W) -> Result<T, CallError<E>>
    where
        W: Future<Output = Result<T, CallError<E>>>,
    {
        let mut work = pin!(Some(work));
        if let Some(seat) = self.shared.seat(key) {
            let settings = &self.shared.settings;
            let patience = deadline.map_or(settings.patience, |deadline| settings.patience.min(deadline));
            let leads = AtomicBool::new(false);
            let (leading, work) = (&leads, work.as_mut());
            let lead = move || {
                leading.store(true, Ordering::Relaxed);
                Lead { work }
            };
            let mut answer = pin!(seat.flight.get_or_init(lead));
            let mut limit = pin!(None);
            let answer = poll_fn(|context| {
                if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                    return Poll::Ready(Some(answer));
                }
                if leads.load(Ordering::Relaxed) {
                    return Poll::Pending; // the work has limits of its own
                }
                if limit.is_none() {
                    limit.set(Some(unconstrained(sleep(patience))));
                }
                ready!(limit.as_mut().as_pin_mut().expect("just set").poll(context));
                Poll::Ready(None)
            })
            .await;
            if let Some(answer) = answer {
                if leads.load(Ordering::Relaxed) {
                    seat.land(answer.is_ok());
                }
                return answer.clone();
            }
        }
        Lead { work }.await
    }
}

/// Work that is dropped with this, before another may lead: what it held is free when the other asks for it.
struct Lead<'a, W> {
    work: Pin<&'a mut Option<W>>,
}

impl<W: Future> Future for Lead<'_, W> {
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<W::Output> {
        self.work.as_mut().as_pin_mut().expect("it is there until this is dropped").poll(context)
    }
}

impl<W> Drop for Lead<'_, W> {
    fn drop(&mut self) {
        self.work.set(None);
    }
}

impl<K, T, E> Coalesce<K, T, E> {
    fn with(settings: CoalesceSettings) -> Self {
        let held = Mutex::new(Held { entries: HashMap::new(), sweep: None });
        Self { shared: Arc::new(Shared { settings, held }) }
    }
}

impl<K: Hash + Eq + Clone, T, E> Shared<K, T, E> {
    /// A seat in the call that is under way for this key, or in one that is to be made; `None` where there are too many.
    fn seat(&self, key: K) -> Option<Seat<'_, K, T, E>> {
        let now = self.settings.keep.map(|_| Instant::now());
        // Declared before the lock is taken, so that it is let go before answers are dropped.
        let mut swept = Vec::new();
        let mut held = self.lock();
        let is_over = |entry: &Entry<T, E>| entry.kept_until.is_some_and(|until| Some(until) <= now);
        if held.sweep.is_some_and(|due| Some(due) <= now) {
            held.sweep = now.zip(self.settings.keep).and_then(|(now, keep)| now.checked_add(keep));
            swept.extend(held.entries.extract_if(|_, entry| is_over(entry)));
        } else if held.entries.get(&key).is_some_and(is_over) {
            swept.extend(held.entries.remove_entry(&key));
        }
        if let Some(entry) = held.entries.get_mut(&key) {
            entry.callers += 1;
            return Some(Seat { shared: self, key, flight: Arc::clone(&entry.flight) });
        }
        if held.entries.len() >= self.settings.keys {
            return None;
        }
        let flight = Flight::default();
        let entry = Entry { flight: Arc::clone(&flight), callers: 1, kept_until: None };
        held.entries.insert(key.clone(), entry);
        Some(Seat { shared: self, key, flight })
    }
}

impl<K, T, E> Shared<K, T, E> {
    fn lock(&self) -> MutexGuard<'_, Held<K, T, E>> {
        // A key whose hash panics does so before anything is changed.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller's part in a call; given back whatever happens.
struct Seat<'a, K: Hash + Eq, T, E> {
    shared: &'a Shared<K, T, E>,
    key: K,
    flight: Flight<T, E>,
}

impl<K: Hash + Eq, T, E> Seat<'_, K, T, E> {
    /// The call has its answer: whoever comes now makes a new one, unless this one is to be kept.
    fn land(&self, is_good: bool) {
        let until =
            self.shared.settings.keep.filter(|_| is_good).and_then(|keep| Instant::now().checked_add(keep));
        let removed = self.with_entry(|held, key| match until {
            Some(until) => {
                held.sweep.get_or_insert(until);
                if let Some(entry) = held.entries.get_mut(key) {
                    entry.kept_until = Some(until);
                }
                None
            }
            None => held.entries.remove_entry(key),
        });
        drop(removed);
    }

    /// Under the lock, where the key still stands for this call. What is answered is dropped after it.
    fn with_entry<A>(&self, act: impl FnOnce(&mut Held<K, T, E>, &K) -> Option<A>) -> Option<A> {
        let mut held = self.shared.lock();
        let is_ours =
            held.entries.get(&self.key).is_some_and(|entry| Arc::ptr_eq(&entry.flight, &self.flight));
        if is_ours { act(&mut held, &self.key) } else { None }
    }
}

impl<K: Hash + Eq, T, E> Drop for Seat<'_, K, T, E> {
    fn drop(&mut self) {
        let removed = self.with_entry(|held, key| {
            let entry = held.entries.get_mut(key)?;
            entry.callers -= 1;
            let is_last = entry.callers == 0 && entry.kept_until.is_none();
            if is_last { held.entries.remove_entry(key) } else { None }
        });
        drop(removed);
    }
}

impl<K, T, E> Default for Coalesce<K, T, E> {
    /// As [`CoalesceSettings::default`] says.
    fn default() -> Self {
        Self::with(CoalesceSettings::default())
    }
}

impl<K, T, E> Clone for Coalesce<K, T, E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K, T, E> fmt::Debug for Coalesce<K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.shared.lock().entries.len();
        f.debug_struct("Coalesce")
            .field("settings", &self.shared.settings)
            .field("held", &held)
            .finish_non_exhaustive()
    }
}
