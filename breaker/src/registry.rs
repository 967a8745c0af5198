//! Many circuits by name, made when they are first asked for, and bounded in number.
//!
//! One circuit for each service, host or route that calls go to keeps one that is ill from closing the way to the
//! others; but names come from outside, and a map that only grows is a leak. So there is a bound, and what has been idle
//! goes. There is no timer and no task for that: every new circuit pays by a look at a few others.

mod builder;
mod plan;
mod shard;
mod sharing;
mod table;

pub use builder::RegistryBuilder;
pub use plan::Plan;

use crate::breaker::Breaker;
use crate::settings::SettingsError;
use builder::Hooks;
use plan::Source;
use shard::Need;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;
use table::{Gone, Table};
use tokio::time::Instant;

/// Named circuits, made on demand. Clones are handles to the same registry.
///
/// ```
/// use breaker::{Registry, Settings};
/// use std::time::Duration;
///
/// let registry = Registry::builder()
///     .settings(|name| match name {
///         "payment" => Settings { timeout: Some(Duration::from_secs(2)), ..Settings::default() },
///         _ => Settings { volume: 5, ..Settings::default() },
///     })
///     .at_most(1_000)
///     .idle(Duration::from_secs(300))
///     .build();
///
/// let payment = registry.get("payment");
/// assert_eq!(payment.settings().timeout, Some(Duration::from_secs(2)));
/// assert_eq!(registry.len(), 1);
/// ```
///
/// A name that is known is found by reading alone, and two threads that ask for the same new one get the same circuit.
/// Still, a caller that always calls the same service keeps the handle rather than to ask for it each time.
///
/// # What is dropped, and when
///
/// With every new circuit a few others are looked at, in turn. One that has not been asked for longer than
/// [`idle`](RegistryBuilder::idle), is closed, and to which nobody holds a handle, is dropped. Where there are as many
/// as there may be, one has to go: the longest unused of some that are closed and not held; where there are none among
/// the 64 looked at, the longest unused of those not held; and where all of those are held, the longest unused of them.
/// Such a circuit goes on for those who hold it, but the registry does not know it any more, and the next to ask for its
/// name gets a new one. That is never done silently: [`on_drop`](RegistryBuilder::on_drop) is told
/// [`Dropped::InUse`]. It means that [`at_most`](RegistryBuilder::at_most) is too low.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    table: Table,
    source: RwLock<Source>,
    hooks: Hooks,
    born: Instant,
}

/// Why a circuit has left the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dropped {
    /// It was closed, nobody held it, and nobody had asked for it for long.
    Idle,
    /// It was closed and nobody held it, but there were too many.
    Room,
    /// There were too many, and all that were looked at were in use. It was not closed, so that what it knew is lost, or
    /// somebody holds it, so that there may come to be two circuits of its name.
    InUse,
    /// [`Registry::remove`] was called.
    Removed,
}

impl Dropped {
    fn reason(need: Need) -> Self {
        match need {
            Need::None => Self::Room,
            Need::Knows | Need::Held => Self::InUse,
        }
    }
}

/// What [`Registry::update`] did.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use = "circuits whose new settings were refused keep their old ones"]
pub struct Updated {
    /// Circuits that have their new plan, changed or not.
    pub updated: usize,
    /// Circuits whose new settings break a rule, by name. They keep the settings that they had.
    pub refused: Vec<(String, SettingsError)>,
}

impl Registry {
    /// Starts to make a registry.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::new()
    }

    /// The circuit of that name; made now, if there is none. It is marked as used.
    ///
    /// Where the settings for a new circuit break a rule, it is made with [`Settings::default`](crate::Settings) and
    /// [`on_refused`](RegistryBuilder::on_refused) is told; [`try_get`](Self::try_get) makes none instead.
    #[must_use]
    pub fn get(&self, name: &str) -> Breaker {
        self.try_get(name).unwrap_or_else(|error| {
            self.shared.tell_refused(name, &error);
            let turn = self.shared.source().turn;
            let breaker = self.shared.hooks.make(name, &Plan::default());
            self.shared.insert(breaker.expect("the default settings keep the rules"), turn)
        })
    }

    /// As [`get`](Self::get), but makes no circuit with other settings than those meant for it.
    ///
    /// # Errors
    ///
    /// There is no circuit of that name, and the settings for it break a rule.
    pub fn try_get(&self, name: &str) -> Result<Breaker, SettingsError> {
        if let Some(breaker) = self.shared.table.find(name, self.shared.now()) {
            return Ok(breaker);
        }
        let source = self.shared.source();
        let breaker = self.shared.hooks.make(name, &source.plan(name))?;
        Ok(self.shared.insert(breaker, source.turn))
    }

    /// The circuit of that name, if there is one. It is not marked as used.
    #[must_use]
    pub fn peek(&self, name: &str) -> Option<Breaker> {
        self.shared.table.peek(name)
    }

    /// Drops the circuit of that name and answers with it. Who holds it may go on with it.
    pub fn remove(&self, name: &str) -> Option<Breaker> {
        let (breaker, shared) = self.shared.table.remove(name)?;
        shared.end();
        self.shared.tell_dropped(&breaker, Dropped::Removed);
        Some(breaker)
    }

    /// Drops all circuits that may go for being idle, and answers with how many. Not needed for the bound, which holds
    /// by itself; for a registry in which no new circuits are made any more. Looks at all circuits.
    pub fn drop_idle(&self) -> usize {
        let gone = self.shared.table.drop_idle(self.shared.now());
        let count = gone.len();
        self.shared.tell_gone(gone);
        count
    }

    /// How many circuits there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.table.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All circuits, in no order, for a dashboard: [`Breaker::name`] and [`Breaker::snapshot`] say the rest. None is
    /// marked as used. Circuits that come or go meanwhile may be among them or not; no lock is held in between.
    ///
    /// ```
    /// # let registry = breaker::Registry::builder().build();
    /// # let _payment = registry.get("payment");
    /// for circuit in registry.iter() {
    ///     println!("{} is {}", circuit.name(), circuit.state());
    /// }
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Breaker> + '_ {
        (0..self.shared.table.shards()).flat_map(|shard| self.shared.table.breakers(shard))
    }

    /// Gives all circuits, those that are there and those to come, the settings that `settings` has for their name.
    /// Those that are there keep their state and what they have counted. The mode of each stays.
    ///
    /// Looks at all circuits, with no lock held while `settings` is asked. Of two updates at the same time the later one
    /// holds for all.
    pub fn update(&self, settings: impl Fn(&str) -> crate::Settings + Send + Sync + 'static) -> Updated {
        self.update_plans(move |name| settings(name).into())
    }

    /// As [`update`](Self::update), with modes too. A mode of `None` leaves a circuit in the one that it is in.
    pub fn update_plans(&self, plan: impl Fn(&str) -> Plan + Send + Sync + 'static) -> Updated {
        self.shared.set_source(Arc::new(plan));
        let mut done = Updated::default();
        for breaker in self.iter() {
            match self.shared.apply(&breaker) {
                Ok(()) => done.updated += 1,
                Err(error) => done.refused.push((breaker.name().to_owned(), error)),
            }
        }
        done
    }

    /// A handle that does not keep the registry alive.
    #[cfg_attr(not(feature = "config"), expect(dead_code, reason = "for what watches a file"))]
    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Arc::downgrade(&self.shared)
    }

    #[cfg_attr(not(feature = "config"), expect(dead_code, reason = "for what watches a file"))]
    pub(crate) fn upgrade(weak: &Weak<Shared>) -> Option<Self> {
        weak.upgrade().map(|shared| Self { shared })
    }
}

impl Shared {
    /// Adds a circuit made by the plans of that turn.
    fn insert(&self, breaker: Breaker, turn: u64) -> Breaker {
        let (breaker, gone) = self.table.insert(breaker, self.now());
        self.tell_gone(gone);
        if self.source().turn != turn {
            // An update went through meanwhile and may not have seen it. Refused, it keeps what it was made with.
            let _ = self.apply(&breaker);
        }
        breaker
    }

    /// Gives a circuit its plan. Should another update come meanwhile, its plan too: whoever writes last has looked
    /// after writing, so that no older plan outlives a newer one.
    fn apply(&self, breaker: &Breaker) -> Result<(), SettingsError> {
        let mut source = self.source();
        loop {
            let done = plan::apply(breaker, &source.plan(breaker.name()));
            let latest = self.source();
            if latest.turn == source.turn {
                return done;
            }
            source = latest;
        }
    }

    fn source(&self) -> Source {
        self.source.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_source(&self, plan: Arc<plan::PlanOf>) {
        let mut source = self.source.write().unwrap_or_else(PoisonError::into_inner);
        let turn = source.turn + 1;
        let before = std::mem::replace(&mut *source, Source { plan, turn });
        drop(source);
        // The user's function goes after the lock: it may own anything.
        drop(before);
    }

    fn tell_gone(&self, gone: Gone) {
        for ((breaker, shared), why) in gone {
            shared.end();
            self.tell_dropped(&breaker, why);
        }
    }

    fn tell_dropped(&self, breaker: &Breaker, why: Dropped) {
        for hook in &self.hooks.on_drop {
            // As with a breaker's listeners: the call that happened to be under way is not to blame.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| hook(breaker.name(), why)));
        }
    }

    fn tell_refused(&self, name: &str, error: &SettingsError) {
        for hook in &self.hooks.on_refused {
            let _ = panic::catch_unwind(AssertUnwindSafe(|| hook(name, error)));
        }
    }

    /// Nanoseconds since the registry was made; enough for 584 years.
    fn now(&self) -> u64 {
        nanos(Instant::now().saturating_duration_since(self.born))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("circuits", &self.len()).finish_non_exhaustive()
    }
}
