//! Who may probe, and what comes of it.

use super::server::Server;
use super::{Instance, all_are, eventually, fleet, settings};
use breaker::shared::FleetSettings;
use breaker::{Backoff, Breaker, Builder, EventKind, Settings, State};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// What all call, and what it saw.
#[derive(Default)]
struct Callee {
    is_up: AtomicBool,
    /// Calls that were made while their circuit was half-open.
    probes: AtomicU32,
    /// How often a circuit half-opened.
    half_opened: AtomicU32,
}

impl Callee {
    fn builder(self: &Arc<Self>, reset: Duration) -> Builder {
        let callee = Arc::clone(self);
        Breaker::builder("payment").timeout(Duration::from_secs(20)).reset(reset).on_event(move |event| {
            if event.kind == EventKind::HalfOpen {
                callee.half_opened.fetch_add(1, Ordering::SeqCst);
            }
        })
    }

    fn probes(&self) -> u32 {
        self.probes.load(Ordering::SeqCst)
    }

    fn half_opened(&self) -> u32 {
        self.half_opened.load(Ordering::SeqCst)
    }

    async fn called(&self, state: State) -> Result<(), ()> {
        if state == State::HalfOpen {
            self.probes.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_millis(30)).await;
        }
        if self.is_up.load(Ordering::SeqCst) { Ok(()) } else { Err(()) }
    }
}

/// Calls again and again, until it is dropped.
fn keep_calling(instances: &[Instance], callee: &Arc<Callee>) -> JoinSet<()> {
    let mut callers = JoinSet::new();
    // Several at once, so that a circuit that lets in too many is found out.
    for instance in instances.iter().chain(instances).chain(instances) {
        let (breaker, callee) = (instance.breaker.clone(), Arc::clone(callee));
        callers.spawn(async move {
            loop {
                let looked = breaker.clone();
                let _ = breaker.call(async { callee.called(looked.state()).await }).await;
                sleep(Duration::from_millis(3)).await;
            }
        });
    }
    callers
}

fn half_open(instances: &[Instance]) -> usize {
    instances.iter().filter(|one| one.state() == State::HalfOpen).count()
}

#[tokio::test]
async fn one_probes_for_all_and_all_close() {
    let server = Server::start().await;
    let callee = Arc::<Callee>::default();
    let all = fleet(&server.url(), 5, || callee.builder(Duration::from_millis(300))).await;
    all[0].breaker.open();
    eventually("all are open", || all_are(&all, State::Open)).await;
    callee.is_up.store(true, Ordering::SeqCst);
    let callers = keep_calling(&all, &callee);
    eventually("all are closed", || {
        assert!(half_open(&all) <= 1, "never two at once");
        all_are(&all, State::Closed)
    })
    .await;
    assert_eq!((callee.half_opened(), callee.probes()), (1, 1));
    drop(callers);
}

#[tokio::test]
async fn a_probe_that_fails_keeps_all_open() {
    let server = Server::start().await;
    let callee = Arc::<Callee>::default();
    let all = fleet(&server.url(), 5, || callee.builder(Duration::from_millis(200))).await;
    all[0].breaker.open();
    eventually("all are open", || all_are(&all, State::Open)).await;
    let callers = keep_calling(&all, &callee);
    eventually("three have probed", || {
        assert!(half_open(&all) <= 1, "never two at once");
        assert!(all.iter().all(|one| one.state() != State::Closed), "all stay open");
        callee.half_opened() >= 4
    })
    .await;
    assert!(callee.probes() <= callee.half_opened(), "one probe each time");
    callee.is_up.store(true, Ordering::SeqCst);
    eventually("all are closed", || all_are(&all, State::Closed)).await;
    drop(callers);
}

#[tokio::test]
async fn the_waits_grow_whoever_probes() {
    let server = Server::start().await;
    let callee = Arc::<Callee>::default();
    let backoff = Some(Backoff { factor: 2.0, jitter: 0.0, ..Backoff::default() });
    let reset = Duration::from_millis(100);
    let with = || callee.builder(reset).settings(Settings { backoff, reset, ..Settings::default() });
    let all = fleet(&server.url(), 3, with).await;
    all[0].breaker.open();
    for (number, one) in all.iter().enumerate() {
        eventually("all are open", || all_are(&all, State::Open)).await;
        let record = ["HMGET", "test:breaker:circuit:payment", "openings", "span"];
        let (openings, span): (usize, u64) = server.ask(&record).await;
        assert_eq!(openings, number + 1);
        let wait = 100 << number;
        // Less the moment until it was told.
        assert!((wait * 3 / 4..=wait).contains(&span), "opening {openings} is for {span} ms, not {wait}");
        // Only this one is asked for calls.
        let before = one.breaker.status().turns;
        let callers = keep_calling(std::slice::from_ref(one), &callee);
        eventually("it has probed, and failed", || one.breaker.status().turns >= before + 2).await;
        drop(callers);
        let told = one.fleet.status().exchanges;
        eventually("the fleet knows", || one.fleet.status().exchanges > told + 1).await;
    }
}

#[tokio::test]
async fn the_right_goes_where_the_calls_are() {
    let server = Server::start().await;
    let callee = Arc::<Callee>::default();
    callee.is_up.store(true, Ordering::SeqCst);
    let slowly = || FleetSettings {
        every: Duration::from_millis(100),
        // Nobody is to be thought away, or to lose the right, because the machine is busy.
        patience: Duration::from_secs(2),
        lease: Duration::from_secs(4),
        ..settings(&server.url())
    };
    let builder = || callee.builder(Duration::from_millis(50));
    let all: Vec<_> = (0..6).map(|_| Instance::by(slowly(), builder())).collect();
    eventually("all have joined", || all.iter().all(Instance::has_joined)).await;
    let callers = keep_calling(&all[5..], &callee);
    for round in 1..=4 {
        all[0].breaker.open();
        let turns = || all.iter().map(|one| one.breaker.status().turns);
        eventually("all have opened, and closed", || {
            turns().all(|turns| turns >= 2 * round) && all_are(&all, State::Closed)
        })
        .await;
        let alone = [2 * round, 2 * round, 2 * round, 2 * round, 2 * round, 3 * round];
        assert_eq!(turns().collect::<Vec<_>>(), alone, "the last one alone was half-open");
    }
    drop(callers);
}

#[tokio::test]
async fn without_calls_one_waits_for_them_half_open() {
    let server = Server::start().await;
    let callee = Arc::<Callee>::default();
    let all = fleet(&server.url(), 3, || callee.builder(Duration::from_millis(50))).await;
    all[0].breaker.open();
    eventually("all are open", || all_are(&all, State::Open)).await;
    eventually("one is half-open", || half_open(&all) == 1).await;
    // Another is asked for calls: it gets the right when the lease is over. The first hears of it a moment later.
    let other = all.iter().find(|one| one.state() == State::Open).expect("two are open");
    callee.is_up.store(true, Ordering::SeqCst);
    let callers = keep_calling(std::slice::from_ref(other), &callee);
    eventually("all are closed", || all_are(&all, State::Closed)).await;
    assert_eq!(callee.half_opened(), 2);
    drop(callers);
}

#[tokio::test]
async fn where_the_prober_dies_another_takes_over() {
    let server = Server::start().await;
    let callee = Arc::<Callee>::default();
    let mut all = fleet(&server.url(), 3, || callee.builder(Duration::from_millis(50))).await;
    all[0].breaker.open();
    eventually("all are open", || all_are(&all, State::Open)).await;
    eventually("one is half-open", || half_open(&all) == 1).await;
    let dying = all.iter().position(|one| one.state() == State::HalfOpen).expect("there is one");
    let mut dying = all.swap_remove(dying);
    let breaker = dying.breaker.clone();
    let probe = tokio::spawn(async move { breaker.call(pending::<Result<(), ()>>()).await });
    eventually("it probes", || dying.breaker.snapshot().probes == 1).await;
    // Nothing more is heard of it.
    drop(dying.sharing.take());
    drop(dying);
    callee.is_up.store(true, Ordering::SeqCst);
    let callers = keep_calling(&all, &callee);
    eventually("the others have closed", || all_are(&all, State::Closed)).await;
    drop(callers);
    probe.abort();
}

#[tokio::test]
async fn a_probe_that_takes_long_keeps_its_right() {
    let server = Server::start().await;
    let callee = Arc::<Callee>::default();
    let all = fleet(&server.url(), 3, || callee.builder(Duration::from_millis(50))).await;
    all[0].breaker.open();
    eventually("all are open", || all_are(&all, State::Open)).await;
    eventually("one is half-open", || half_open(&all) == 1).await;
    let (done, wait) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let prober = all.iter().position(|one| one.state() == State::HalfOpen).expect("there is one");
    let breaker = all[prober].breaker.clone();
    let (begun, waited) = (Instant::now(), Arc::clone(&wait));
    let probe = tokio::spawn(async move {
        breaker.call(async { waited.acquire().await.map(|_| ()).map_err(|_| ()) }).await
    });
    eventually("it probes", || all[prober].breaker.snapshot().probes == 1).await;
    let callers = keep_calling(&all, &callee);
    let leases = settings("").lease * 2;
    eventually("two leases would be over", || {
        assert!(half_open(&all) == 1 && all[prober].state() == State::HalfOpen, "the right is still its own");
        begun.elapsed() > leases
    })
    .await;
    callee.is_up.store(true, Ordering::SeqCst);
    wait.add_permits(1);
    eventually("all are closed", || all_are(&all, State::Closed)).await;
    assert_eq!((callee.half_opened(), callee.probes()), (1, 0), "but for its own there was none");
    assert!(probe.await.is_ok_and(|answer| answer == Ok(())));
    drop((callers, done));
}
