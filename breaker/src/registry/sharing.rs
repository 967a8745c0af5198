//! A registry's part in a fleet: each circuit is shared while it is in the registry. Nothing without the feature `redis`.

use crate::breaker::Breaker;
#[cfg(feature = "redis")]
use crate::shared::{Fleet, Sharing};

/// Shares circuits, or does not.
#[derive(Default)]
pub(super) struct Sharer {
    #[cfg(feature = "redis")]
    pub(super) fleet: Option<Fleet>,
}

/// What keeps a circuit shared until it is dropped; to be dropped where nothing is locked, for listeners may be told.
pub(super) struct Shared {
    #[cfg(feature = "redis")]
    sharing: Option<Box<Sharing>>,
}

#[cfg(feature = "redis")]
impl Sharer {
    pub(super) fn share(&self, breaker: &Breaker) -> Shared {
        Shared { sharing: self.fleet.as_ref().map(|fleet| Box::new(fleet.share(breaker))) }
    }
}

#[cfg(not(feature = "redis"))]
impl Sharer {
    #[expect(clippy::unused_self, reason = "as with the feature `redis`")]
    pub(super) fn share(&self, _: &Breaker) -> Shared {
        Shared {}
    }
}

impl Shared {
    /// Ends it, which dropping it does too: here it is seen where.
    pub(super) fn end(self) {}

    /// How many handles to the circuit it holds.
    pub(super) fn handles(&self) -> usize {
        #[cfg(feature = "redis")]
        return usize::from(self.sharing.is_some());
        #[cfg(not(feature = "redis"))]
        0
    }
}
