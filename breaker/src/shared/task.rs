//! The task of a fleet: joins it, exchanges what there is from time to time and when something happens, and joins it
//! again when Redis has been away.
//!
//! There is one for all circuits. It holds no lock while it waits or while a listener is told.

use super::link::{Address, Link};
use super::member::{Came, Member, chance};
use super::settings::FleetSettings;
use super::status::{FleetEvent, Watchers, lock};
use super::wire::{Answer, Ask, FleetKeys, Manner};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Circuits in one exchange: a longer line would keep Redis from others.
const AT_ONCE: usize = 100;

/// The longest pause after an exchange where there is something to tell.
const SOON: Duration = Duration::from_millis(50);

/// What the task and the handles share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) settings: FleetSettings,
    pub(super) keys: FleetKeys,
    manner: Manner,
    address: Address,
    /// In the order in which they came; the number is no other's.
    pub(super) members: Mutex<BTreeMap<u64, Arc<Member>>>,
    pub(super) watchers: Watchers,
    /// What to do at once.
    pub(super) wake: Arc<Notify>,
    /// How many changes of the fleet are known here.
    seen: AtomicU64,
}

impl Inner {
    pub(super) fn new(settings: FleetSettings, address: Address) -> Self {
        Self {
            keys: FleetKeys::new(&settings.namespace),
            manner: Manner { lease: settings.lease, idle: settings.every.saturating_mul(2) },
            settings,
            address,
            members: Mutex::default(),
            watchers: Watchers::new(),
            wake: Arc::default(),
            seen: AtomicU64::new(0),
        }
    }

    pub(super) fn members(&self) -> Vec<Arc<Member>> {
        lock(&self.members).values().cloned().collect()
    }

    /// Somebody has changed a circuit.
    fn changed(&self, version: u64, circuit: &str) {
        // Where some message did not come, the version is not the next one, and all are looked at.
        let is_next = |seen: u64| (version == seen.wrapping_add(1)).then_some(version);
        let _ = self.seen.fetch_update(Ordering::AcqRel, Ordering::Acquire, is_next);
        for member in self.members() {
            if member.breaker.name() == circuit {
                member.stir();
            }
        }
        self.wake.notify_one();
    }

    /// Whether there may be changes that are not known here.
    fn is_behind(&self, version: u64) -> bool {
        self.seen.swap(version, Ordering::AcqRel) != version
    }
}

/// Runs until it is aborted.
pub(super) async fn run(inner: Arc<Inner>) {
    let mut attempts = 0;
    loop {
        let error = match join(&inner).await {
            Ok(mut link) => loop {
                if let Err(error) = exchange(&inner, &mut link).await {
                    break error;
                }
                attempts = 0;
                rest(&inner).await;
            },
            Err(error) => error,
        };
        inner.watchers.failed(error);
        sleep(inner.settings.retry.wait(inner.settings.every, attempts, chance())).await;
        attempts = attempts.saturating_add(1);
    }
}

async fn join(inner: &Arc<Inner>) -> Result<Link, String> {
    let weak = Arc::downgrade(inner);
    let on_change = move |version: u64, circuit: &str| {
        if let Some(inner) = weak.upgrade() {
            inner.changed(version, circuit);
        }
    };
    let link = inner.address.connect(&inner.keys, Arc::new(on_change)).await?;
    for member in inner.members() {
        member.begin_anew();
        member.stir();
    }
    Ok(link)
}

/// Says all that there is to say, and does what is answered.
async fn exchange(inner: &Inner, link: &mut Link) -> Result<(), String> {
    let members = inner.members();
    let mut version = None;
    // One at least, to know whether Redis is there.
    for number in 0..members.len().div_ceil(AT_ONCE).max(1) {
        let some = members.iter().skip(number * AT_ONCE).take(AT_ONCE);
        let asks: Vec<_> = some.filter_map(|member| Some((Arc::clone(member), member.prepare()?))).collect();
        if asks.is_empty() && number > 0 {
            continue;
        }
        let answers = link.exchange(&inner.keys, &inner.manner, &asks).await?;
        version.get_or_insert(answers.version);
        for ((member, ask), answer) in asks.iter().zip(answers.answers) {
            heard(inner, member, ask, answer);
        }
    }
    inner.watchers.exchanged();
    if version.is_some_and(|version| inner.is_behind(version)) {
        members.iter().for_each(|member| member.stir());
        inner.wake.notify_one();
    }
    Ok(())
}

fn heard(inner: &Inner, member: &Member, ask: &Ask, answer: Result<Answer, String>) {
    let circuit = || member.breaker.name().to_owned();
    let event = match answer {
        Err(error) if member.troubled(&error) => FleetEvent::Trouble { circuit: circuit(), error },
        Err(_) => return,
        Ok(answer) => match member.apply(ask, &answer, inner.settings.hold()) {
            Came::Nothing => return,
            Came::Followed(state) => FleetEvent::Followed { circuit: circuit(), state, why: answer.why },
            Came::Tripped(reason) => FleetEvent::Tripped { circuit: circuit(), why: reason.to_string() },
        },
    };
    inner.watchers.tell(&event);
}

/// Until the next exchange is due, or something has happened; but not at once.
async fn rest(inner: &Inner) {
    let every = inner.settings.every;
    let soonest = Instant::now() + (every / 20).min(SOON);
    let due = every.mul_f64(0.8 + 0.4 * chance());
    if timeout(due, inner.wake.notified()).await.is_ok() {
        sleep_until(soonest).await;
    }
}
