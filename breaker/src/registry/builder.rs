//! Makes a [`Registry`] step by step.

use super::plan::{Plan, PlanOf, Source};
use super::sharing::Sharer;
use super::table::Table;
use super::{Dropped, Registry, Shared, nanos};
use crate::breaker::Breaker;
use crate::event::{Event, EventKind};
use crate::settings::{Settings, SettingsError};
use crate::watch::Kinds;
use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::time::Instant;

/// Circuits that a registry holds unless told otherwise.
const AT_MOST: usize = 10_000;
/// How long a circuit is kept unused unless told otherwise.
const IDLE: Duration = Duration::from_secs(600);

/// What [`Registry::builder`] gives.
#[must_use = "nothing is made before `build`"]
pub struct RegistryBuilder {
    plan: Arc<PlanOf>,
    at_most: usize,
    idle: Duration,
    hooks: Hooks,
    sharer: Sharer,
}

/// Who is told of what. A listener is one for all circuits: each holds a pointer to it.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) on_event: Vec<(Kinds, Arc<OnEvent>)>,
    pub(super) on_drop: Vec<Box<OnDrop>>,
    pub(super) on_refused: Vec<Box<OnRefused>>,
}

type OnEvent = dyn Fn(&Event<'_>) + Send + Sync;
type OnDrop = dyn Fn(&str, Dropped) + Send + Sync;
type OnRefused = dyn Fn(&str, &SettingsError) + Send + Sync;

impl RegistryBuilder {
    pub(super) fn new() -> Self {
        Self {
            plan: Arc::new(|_| Plan::default()),
            at_most: AT_MOST,
            idle: IDLE,
            hooks: Hooks::default(),
            sharer: Sharer::default(),
        }
    }

    /// Asks `settings` what a circuit is made with, given its name. Default: [`Settings::default`] for all. It is asked
    /// once for each new circuit, with no lock held; two threads that ask for one new circuit may ask it twice.
    pub fn settings(self, settings: impl Fn(&str) -> Settings + Send + Sync + 'static) -> Self {
        self.plans(move |name| settings(name).into())
    }

    /// As [`settings`](Self::settings), with the circuit's mode too. Of the two, the later one counts.
    pub fn plans(mut self, plan: impl Fn(&str) -> Plan + Send + Sync + 'static) -> Self {
        self.plan = Arc::new(plan);
        self
    }

    /// Most circuits that there are at once, 1 to `u32::MAX`; what lies outside is taken for the nearer of the two.
    /// Default 10,000. See [`Registry`] for what happens where more are asked for.
    pub fn at_most(mut self, circuits: usize) -> Self {
        self.at_most = circuits;
        self
    }

    /// How long a circuit that nobody asks for is kept. Default 10 min.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Has `listener` told of what happens to every circuit; [`Event::circuit`] says to which. As
    /// [`Builder::on_event`](crate::Builder::on_event), which see.
    pub fn on_event(mut self, listener: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.on_event.push((Kinds::ALL, Arc::new(listener)));
        self
    }

    /// The same for events of these kinds alone. As [`Builder::on`](crate::Builder::on), which see.
    pub fn on(
        mut self,
        kinds: impl IntoIterator<Item = EventKind>,
        listener: impl Fn(&Event<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_event.push((kinds.into_iter().collect(), Arc::new(listener)));
        self
    }

    /// Has `hook` told the name of every circuit that leaves the registry, and why: to drop its row of a dashboard, or
    /// to warn of a bound that is too low. It is told on the thread where that happens, with no lock held. One that
    /// panics is told to the panic hook and otherwise passed over.
    pub fn on_drop(mut self, hook: impl Fn(&str, Dropped) + Send + Sync + 'static) -> Self {
        self.hooks.on_drop.push(Box::new(hook));
        self
    }

    /// Has `hook` told of every circuit that [`Registry::get`] makes with the default settings because its own break a
    /// rule. As with [`on_drop`](Self::on_drop).
    pub fn on_refused(mut self, hook: impl Fn(&str, &SettingsError) + Send + Sync + 'static) -> Self {
        self.hooks.on_refused.push(Box::new(hook));
        self
    }

    /// Shares every circuit with those of its name in the other processes of `fleet`, as long as it is in the registry;
    /// see [`Fleet::share`](crate::shared::Fleet::share). That alone does not keep a circuit that is idle.
    #[cfg(feature = "redis")]
    pub fn shared_through(mut self, fleet: &crate::shared::Fleet) -> Self {
        self.sharer.fleet = Some(fleet.clone());
        self
    }

    /// Makes the registry, empty.
    #[must_use]
    pub fn build(self) -> Registry {
        let at_most = self.at_most.clamp(1, u32::MAX as usize);
        let source = RwLock::new(Source { plan: self.plan, turn: 0 });
        let table = Table::new(at_most, nanos(self.idle), self.sharer);
        Registry { shared: Arc::new(Shared { table, source, hooks: self.hooks, born: Instant::now() }) }
    }
}

impl Hooks {
    /// A circuit that the registry does not know yet.
    pub(super) fn make(&self, name: &str, plan: &Plan) -> Result<Breaker, SettingsError> {
        let mut builder = Breaker::builder(name).settings(plan.settings.clone());
        for (kinds, listener) in &self.on_event {
            let listener = Arc::clone(listener);
            builder = builder.listen(*kinds, move |event| listener(event));
        }
        let breaker = builder.build()?;
        if let Some(mode) = plan.mode {
            breaker.set_mode(mode);
        }
        Ok(breaker)
    }
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder")
            .field("at_most", &self.at_most)
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}
