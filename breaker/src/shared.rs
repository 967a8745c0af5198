//! Circuits that several processes share through Redis, with the feature `redis`.
//!
//! ```no_run
//! use breaker::Breaker;
//! use breaker::shared::{Fleet, FleetSettings};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let fleet = Fleet::connect(FleetSettings {
//!     url: "redis://redis.internal/".into(),
//!     namespace: "retail".into(),
//!     ..FleetSettings::default()
//! })?;
//! fleet.on_event(|event| println!("fleet: {event:?}"));
//!
//! let breaker = Breaker::builder("payment").volume(20).build()?;
//! let sharing = fleet.share(&breaker); // until it is dropped
//! let registry = breaker::Registry::builder().shared_through(&fleet).build(); // all that it makes
//! # drop((sharing, registry));
//! # Ok(()) }
//! ```
//!
//! Every instance keeps a circuit of its own and goes by it: a call never waits for Redis, and no lock is held while one
//! is made. One task for each [`Fleet`] tells Redis what happened here, and does here what happened elsewhere.
//!
//! # What is shared
//!
//! - **The state.** When one instance opens, the others open within moments, for as long; when it closes, they close. Of
//!   two changes at the same time, the first to arrive holds. An instance that starts while the circuit is open learns
//!   it with its first exchange.
//! - **The probe.** When the open time is over, one instance gets the right to half-open and probe, and the others stay
//!   open until it has found out, or has not been heard of for [`FleetSettings::lease`]. It goes to an instance that is
//!   asked for calls; where there is none, to any, after a moment. The right has to be asked for, so the first call after
//!   the open time may still be refused. A ramp ([`Probing::ramp`](crate::Probing::ramp)) is run through by that one
//!   instance.
//! - **The counts.** The calls of all instances are added up over [`Settings::window`](crate::Settings::window), and the
//!   circuit opens everywhere where [`Settings::trip`](crate::Settings::trip) fires on the sums, though no instance would
//!   have opened alone. Rates and numbers of failures are judged so, when something fails; rows of failures, calls under
//!   way and windows of calls remain each instance's own. Give all instances the same settings.
//! - **What is forced by hand**: [`Mode::ForcedOpen`], [`Mode::ForcedClosed`] and back to [`Mode::Auto`]. The other modes
//!   are the instance's own affair.
//!
//! What another instance has decided has the reason [`Reason::Shared`](crate::Reason::Shared); its own words for it come
//! with [`FleetEvent::Followed`].
//!
//! # When Redis is away
//!
//! Each instance is on its own, with the state that it had, and no caller hears of it. A Redis that hangs, starts or has
//! become a replica is one that is away. It is tried again after growing waits, each partly left to chance. Back with the
//! fleet, an instance that knows all the fleet's changes tells it its own; one that has missed some follows, though it
//! tells of an opening where the fleet is closed. What was counted meanwhile is not told; nor is, in case of doubt, what
//! was on the way when Redis went: calls are counted once or not at all.
//!
//! Cut off with a probe under way, an instance goes by what it finds, alone; the fleet gives the right to another when
//! the lease is over.
//!
//! # In Redis
//!
//! Redis 6 or later, or what speaks its protocol, with scripts, and one server (or what stands before it); a Redis Cluster
//! is not supported. The keys are `[namespace:]breaker:circuit:<name>`, the record as a hash that can be read by
//! `HGETALL`; `…:counts:<name>`; and `…:version`. A colon in a name is written `%3A`, a percent sign `%25`. What nobody
//! uses goes after a day. All times are Redis' own, or times left: the clocks of the instances do not matter.
//!
//! An instance makes one round trip for each [`FleetSettings::every`], and one when something changes. A closed circuit
//! that nobody calls costs Redis nothing.

mod link;
mod member;
mod settings;
mod status;
mod task;
mod wire;

pub use settings::{FleetError, FleetSettings};
pub use status::{FleetEvent, FleetStatus};

use crate::breaker::Breaker;
#[cfg(doc)]
use crate::snapshot::Mode;
use link::Address;
use member::Member;
use status::lock;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use task::Inner;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// This process' part in a fleet. Clones are handles to the same; it leaves the fleet when all of them and all that
/// [`share`](Self::share) gave are dropped.
#[derive(Clone)]
pub struct Fleet {
    joined: Arc<Joined>,
}

struct Joined {
    inner: Arc<Inner>,
    task: AbortHandle,
    /// What this process calls itself.
    name: String,
    next: AtomicU64,
}

/// Ends the sharing of a circuit when it is dropped: the circuit goes on alone, with the state that it has. It keeps the
/// circuit alive.
#[must_use = "dropped, it ends the sharing"]
pub struct Sharing {
    joined: Arc<Joined>,
    member: Arc<Member>,
    number: u64,
}

impl Fleet {
    /// Joins a fleet, in the background: it does not matter whether Redis is there.
    ///
    /// # Errors
    ///
    /// Where a setting breaks a rule; [`FleetError::NoRuntime`] outside a tokio runtime.
    ///
    /// # Panics
    ///
    /// Not here, but the task ends where the runtime has no time or no network enabled.
    pub fn connect(settings: FleetSettings) -> Result<Self, FleetError> {
        settings.check()?;
        let address = Address::new(&settings)?;
        let runtime = Handle::try_current().map_err(|_| FleetError::NoRuntime)?;
        let inner = Arc::new(Inner::new(settings, address));
        let task = runtime.spawn(task::run(Arc::clone(&inner))).abort_handle();
        let name = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
        Ok(Self { joined: Arc::new(Joined { inner, task, name, next: AtomicU64::new(0) }) })
    }

    /// Shares a circuit with those of its name in the other instances, until the answer is dropped.
    ///
    /// Share a circuit once: a second time, it is taken for another instance.
    pub fn share(&self, breaker: &Breaker) -> Sharing {
        let Joined { inner, name, next, .. } = &*self.joined;
        let number = next.fetch_add(1, Ordering::Relaxed);
        let keys = inner.keys.of(breaker.name());
        let member = Member::new(breaker, keys, format!("{name}-{number}"), Arc::clone(&inner.wake));
        let member = Arc::new(member);
        lock(&inner.members).insert(number, Arc::clone(&member));
        inner.wake.notify_one();
        Sharing { joined: Arc::clone(&self.joined), member, number }
    }

    /// Whether Redis is there, and what else can be told. A pure read.
    #[must_use]
    pub fn status(&self) -> FleetStatus {
        let inner = &self.joined.inner;
        let members = inner.members();
        let troubled = members.iter().filter(|member| member.is_troubled()).count();
        inner.watchers.status(members.len(), troubled)
    }

    /// Has `listener` told of what happens from now on, on the fleet's task, with no lock held: keep it short. One that
    /// panics is told to the panic hook and otherwise passed over. One that holds a handle to this fleet keeps it for
    /// ever.
    pub fn on_event(&self, listener: impl Fn(&FleetEvent) + Send + Sync + 'static) {
        self.joined.inner.watchers.add(listener);
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        lock(&self.joined.inner.members).remove(&self.number);
        self.member.end();
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.joined.inner.settings;
        f.debug_struct("Fleet").field("settings", settings).field("status", &self.status()).finish()
    }
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharing").field("circuit", &self.member.breaker.name()).finish_non_exhaustive()
    }
}
