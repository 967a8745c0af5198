//! Circuits shared through a real `redis-server`.
//!
//! Time is real here, as it is for Redis; but nothing waits for a time to pass: [`eventually`] looks until it is so.

/// Redis killed, frozen, cut off, flushed, used by others.
mod away;
/// What is counted together.
mod counts;
/// Many circuits, and what the exchange costs.
mod many;
/// Who may probe, and what comes of it.
mod probe;
/// Processes, in earnest.
mod processes;
/// A line that can be cut.
mod proxy;
/// A Redis of one's own.
mod server;
/// What cannot be set.
mod settings;
/// What follows for the others when one circuit changes.
mod state;

use breaker::shared::{Fleet, FleetEvent, FleetSettings, Sharing};
use breaker::{Backoff, Breaker, Builder, CallError, State};
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// No test waits longer for what is to happen.
const LIMIT: Duration = Duration::from_secs(5);

/// One process' part, in the tests' own process.
struct Instance {
    fleet: Fleet,
    breaker: Breaker,
    sharing: Option<Sharing>,
    told: Arc<Mutex<Vec<FleetEvent>>>,
}

fn settings(url: &str) -> FleetSettings {
    FleetSettings {
        url: url.into(),
        namespace: "test".into(),
        every: Duration::from_millis(40),
        patience: Duration::from_millis(400),
        lease: Duration::from_millis(600),
        retry: Backoff { factor: 2.0, ceiling: Duration::from_millis(200), jitter: 0.5 },
    }
}

/// A circuit that opens with its first failure, for long.
fn builder() -> Builder {
    Breaker::builder("payment").reset(Duration::from_secs(30))
}

impl Instance {
    fn with(url: &str, builder: Builder) -> Self {
        Self::by(settings(url), builder)
    }

    fn by(settings: FleetSettings, builder: Builder) -> Self {
        let fleet = Fleet::connect(settings).expect("the settings are right");
        let told = Arc::<Mutex<Vec<FleetEvent>>>::default();
        let tell = Arc::clone(&told);
        fleet.on_event(move |event| tell.lock().expect("no test panics in here").push(event.clone()));
        let breaker = builder.build().expect("the settings are right");
        let sharing = Some(fleet.share(&breaker));
        Self { fleet, breaker, sharing, told }
    }

    fn state(&self) -> State {
        self.breaker.state()
    }

    fn has_joined(&self) -> bool {
        self.fleet.status().joined
    }

    fn was_told(&self, wanted: impl Fn(&FleetEvent) -> bool) -> bool {
        self.told.lock().expect("no test panics in here").iter().any(wanted)
    }

    async fn fail(&self) -> Result<(), CallError<&'static str>> {
        self.breaker.call(ready(Err("no"))).await
    }

    async fn succeed(&self) -> Result<(), CallError<&'static str>> {
        self.breaker.call(ready(Ok(()))).await
    }
}

/// So many instances that have joined.
async fn fleet(url: &str, size: usize, builder: impl Fn() -> Builder) -> Vec<Instance> {
    let all: Vec<_> = (0..size).map(|_| Instance::with(url, builder())).collect();
    eventually("all have joined", || all.iter().all(Instance::has_joined)).await;
    all
}

/// Looks until it is so, and says how long that took.
async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "within {LIMIT:?}: {what}");
        sleep(Duration::from_millis(2)).await;
    }
    begun.elapsed()
}

fn all_are(instances: &[Instance], state: State) -> bool {
    instances.iter().all(|instance| instance.state() == state)
}
