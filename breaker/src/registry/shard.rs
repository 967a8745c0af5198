//! A part of the circuits: found by name, and in a row for the hand that goes round them.
//!
//! A name is kept once, in the circuit that bears it. The row has no gaps: what is last takes the place of what goes.

use super::sharing::Shared;
use crate::breaker::Breaker;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// Handles that a shard itself holds to each of its circuits: the key and the slot.
const OWN_HANDLES: usize = 2;

#[derive(Default)]
pub(super) struct Shard {
    by_name: HashMap<ByName, u32>,
    slots: Vec<Slot>,
}

/// A circuit as the key of itself.
struct ByName(Breaker);

struct Slot {
    breaker: Breaker,
    /// When it was last asked for, in nanoseconds.
    used: AtomicU64,
    shared: Shared,
}

/// A circuit that was taken out.
pub(super) type Taken = (Breaker, Shared);

/// How much a circuit is needed: the lesser goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// Closed, and nobody holds a handle.
    None,
    /// What it knows would be lost: it is not closed, or was taken out of service by hand.
    Knows,
    /// Somebody holds a handle: a second circuit would come to bear the same name.
    Held,
}

/// A circuit as the hand sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) need: Need,
    pub(super) used: u64,
}

impl Shard {
    /// The circuit of that name, marked as used.
    pub(super) fn find(&self, name: &str, now: u64) -> Option<Breaker> {
        let slot = self.slots.get(*self.by_name.get(name)? as usize)?;
        // Two threads may come in the wrong order; the hand works with either time.
        slot.used.store(now, Ordering::Relaxed);
        Some(slot.breaker.clone())
    }

    /// The circuit of that name, without a mark.
    pub(super) fn peek(&self, name: &str) -> Option<&Breaker> {
        Some(&self.slots.get(*self.by_name.get(name)? as usize)?.breaker)
    }

    /// Adds a circuit whose name is not there yet.
    pub(super) fn push(&mut self, breaker: Breaker, shared: Shared, now: u64) {
        let slot = u32::try_from(self.slots.len()).expect("a registry is bounded by u32::MAX");
        self.by_name.insert(ByName(breaker.clone()), slot);
        self.slots.push(Slot { breaker, used: AtomicU64::new(now), shared });
    }

    /// Looks at a slot; `None` behind the last.
    pub(super) fn look(&self, slot: usize) -> Option<Seen> {
        let slot = self.slots.get(slot)?;
        let need = match slot.is_held() {
            true => Need::Held,
            false if knows(&slot.breaker) => Need::Knows,
            false => Need::None,
        };
        Some(Seen { need, used: slot.used.load(Ordering::Relaxed) })
    }

    /// Marks a slot as used if somebody holds its circuit, and else says whether it was last used before then.
    pub(super) fn is_stale(&self, slot: usize, then: u64, now: u64) -> bool {
        let Some(slot) = self.slots.get(slot) else { return false };
        if slot.is_held() {
            // It may well be used without being asked for: its idle time begins when it is let go.
            slot.used.store(now, Ordering::Relaxed);
            return false;
        }
        slot.used.load(Ordering::Relaxed) < then
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Takes the circuit out of a slot; the last one comes to stand there.
    pub(super) fn take(&mut self, slot: usize) -> Option<Taken> {
        if slot >= self.slots.len() {
            return None;
        }
        let Slot { breaker, shared, .. } = self.slots.swap_remove(slot);
        self.by_name.remove(breaker.name());
        if let Some(moved) = self.slots.get(slot)
            && let Some(index) = self.by_name.get_mut(moved.breaker.name())
        {
            *index = u32::try_from(slot).expect("a registry is bounded by u32::MAX");
        }
        self.give_back();
        Some((breaker, shared))
    }

    /// Takes out the circuit of that name.
    pub(super) fn remove(&mut self, name: &str) -> Option<Taken> {
        let slot = *self.by_name.get(name)? as usize;
        self.take(slot)
    }

    pub(super) fn breakers(&self) -> Vec<Breaker> {
        self.slots.iter().map(|slot| slot.breaker.clone()).collect()
    }

    /// Gives memory back once three quarters of it stand empty, so that its cost is spread over those that went.
    fn give_back(&mut self) {
        let len = self.slots.len();
        if self.slots.capacity() > 64 && len < self.slots.capacity() / 4 {
            self.slots.shrink_to(len * 2);
            self.by_name.shrink_to(len * 2);
        }
    }
}

impl Slot {
    /// Whether anybody but the registry holds a handle.
    fn is_held(&self) -> bool {
        self.breaker.handles() > OWN_HANDLES + self.shared.handles()
    }
}

/// Whether a circuit that is made anew would behave otherwise.
fn knows(breaker: &Breaker) -> bool {
    !breaker.circuit().is_plainly_closed()
}

impl Borrow<str> for ByName {
    fn borrow(&self) -> &str {
        self.0.name()
    }
}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name().hash(state);
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for ByName {}
