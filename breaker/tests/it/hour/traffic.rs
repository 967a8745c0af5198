//! Calls of every kind, under way at the same time, and how many of each there were.

use super::Dice;
use breaker::{
    Backoff, Breaker, CallError, Longest, Mode, OnClose, Permit, ProbeVerdict, Probing, Ramp, RateOf,
    Refused, Settings, State, Threshold, Trip, Window,
};
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep;

/// What happened, as the callers and the callee saw it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) asked: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) full: AtomicU64,
    pub(super) timed_out: AtomicU64,
    pub(super) fell_back: AtomicU64,
    /// Calls whose work has begun, and those of them that are not over.
    pub(super) begun: AtomicU64,
    pub(super) under_way: AtomicU64,
    /// Of those, the ones that the circuit does not count: they began while it was bypassed.
    pub(super) uncounted: AtomicU64,
    /// Circuits that should have refused a call and have not.
    pub(super) let_through_wrongly: Mutex<Vec<String>>,
}

impl Seen {
    pub(super) fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The callee at work; when it is dropped, the work is over.
struct AtWork {
    seen: Arc<Seen>,
    uncounted: bool,
}

impl AtWork {
    fn begin(breaker: &Breaker, seen: &Arc<Seen>) -> Self {
        let circuit = breaker.snapshot();
        let refuses_all =
            circuit.mode == Mode::ForcedOpen || circuit.mode == Mode::Auto && circuit.state == State::Open;
        // While calls come back, more than the probes are let through.
        let probes_only = circuit.mode == Mode::Auto && circuit.ramp.is_none();
        let too_many_probes = probes_only && circuit.probes > circuit.settings.probing.at_once;
        if refuses_all || too_many_probes {
            // Not a panic: that would be the callee's.
            let mut wrong = seen.let_through_wrongly.lock().expect("no test panics in here");
            wrong.push(format!("{circuit:?}"));
        }
        let uncounted = circuit.mode == Mode::Disabled;
        add(&seen.begun);
        add(&seen.under_way);
        if uncounted {
            add(&seen.uncounted);
        }
        Self { seen: Arc::clone(seen), uncounted }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.seen.under_way.fetch_sub(1, Ordering::Relaxed);
        if self.uncounted {
            self.seen.uncounted.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// All calls on a breaker.
pub(super) struct Traffic {
    breaker: Breaker,
    pub(super) seen: Arc<Seen>,
    calls: Vec<JoinHandle<()>>,
    permits: Vec<(Permit, AtWork)>,
}

impl Traffic {
    pub(super) fn of(breaker: &Breaker) -> Self {
        Self { breaker: breaker.clone(), seen: Arc::default(), calls: Vec::new(), permits: Vec::new() }
    }

    /// Makes a call: of its callee, only the dice know what it will do.
    pub(super) fn call(&mut self, dice: &mut Dice) {
        let (breaker, seen) = (self.breaker.clone(), Arc::clone(&self.seen));
        let (how, may_probe, falls_back) = (dice.below(10), dice.below(10) > 0, dice.below(4) == 0);
        // Some are late: longer than any time-out, and perhaps than the state that let them through.
        let takes =
            Duration::from_millis(if dice.below(10) == 0 { dice.below(8_000) } else { dice.below(120) });
        self.calls.push(tokio::spawn(async move {
            add(&seen.asked);
            let work = async {
                let _at_work = AtWork::begin(&breaker, &seen);
                match how {
                    0..4 => Ok(()),
                    4 | 5 => {
                        sleep(takes).await;
                        Ok(())
                    }
                    6 => Err("at once"),
                    7 => {
                        sleep(takes).await;
                        Err("at last")
                    }
                    8 => std::future::pending().await,
                    _ => {
                        sleep(takes).await;
                        std::panic::resume_unwind(Box::new("on purpose"))
                    }
                }
            };
            let call = breaker.call(work).probe_if(may_probe);
            let answer = if falls_back {
                call.or_else(async |why| {
                    add(&seen.fell_back);
                    Err(why)
                })
                .await
            } else {
                call.await
            };
            match answer {
                Ok(()) | Err(CallError::Failed(_)) => {}
                Err(CallError::Open { .. }) => add(&seen.refused),
                Err(CallError::Full { .. }) => add(&seen.full),
                Err(CallError::TimedOut { .. }) => add(&seen.timed_out),
            }
        }));
    }

    /// Takes a permit, or gives one back.
    pub(super) fn permit(&mut self, dice: &mut Dice) {
        if self.permits.len() > dice.below(4) as usize {
            let (permit, _at_work) = self.permits.swap_remove(dice.below(self.permits.len() as u64) as usize);
            match dice.below(5) {
                0 | 1 => permit.success(),
                2 => permit.failure(),
                3 => permit.ignore(),
                _ => drop(permit),
            }
            return;
        }
        add(&self.seen.asked);
        match self.breaker.permit() {
            Ok(permit) => self.permits.push((permit, AtWork::begin(&self.breaker, &self.seen))),
            Err(Refused::Open { .. }) => add(&self.seen.refused),
            Err(Refused::Full { .. }) => add(&self.seen.full),
        }
    }

    /// Drops a call half-way.
    pub(super) fn drop_one(&mut self, dice: &mut Dice) {
        if !self.calls.is_empty() {
            self.calls.swap_remove(dice.below(self.calls.len() as u64) as usize).abort();
        }
    }

    /// Lets everyone run who can, without the clock going on.
    pub(super) async fn settle(&mut self) {
        for _ in 0..8 {
            yield_now().await;
        }
        self.calls.retain(|call| !call.is_finished());
    }

    /// Drops all that are under way.
    pub(super) async fn end(&mut self) {
        self.permits.clear();
        for call in self.calls.drain(..) {
            call.abort();
            let _ = call.await;
        }
    }
}

pub(super) fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        8 => Just(Mode::Auto),
        1 => Just(Mode::ForcedClosed),
        1 => Just(Mode::ForcedOpen),
        1 => Just(Mode::Disabled),
    ]
}

pub(super) fn settings() -> impl Strategy<Value = Settings> {
    let ms = Duration::from_millis;
    let trip = prop_oneof![
        3 => Just(Trip::Errors(Threshold::Above(50.0))),
        1 => Just(Trip::Errors(Threshold::AtLeast(30.0))),
        1 => Just(Trip::Any(vec![Trip::Consecutive(4), Trip::Errors(Threshold::Above(60.0))])),
        1 => Just(Trip::Any(vec![Trip::Failures(10), Trip::Errors(Threshold::Above(40.0))])),
        1 => Just(Trip::Any(vec![Trip::PileUp(12), Trip::Errors(Threshold::Above(70.0))])),
    ];
    let window = prop_oneof![
        Just(Window::Time { length: ms(10_000), buckets: 10 }),
        Just(Window::Time { length: ms(2_000), buckets: 4 }),
    ];
    let probing = (
        1_u32..4,
        1_u32..4,
        prop::option::of((50_u64..2_000).prop_map(ms)),
        prop::option::weighted(0.2, (500_u64..5_000, any::<bool>())),
        prop::option::weighted(0.3, 100_u64..5_000),
    )
        .prop_map(move |(at_once, successes, lease, longest, ramp)| Probing {
            at_once,
            verdict: ProbeVerdict::Successes(successes),
            lease,
            longest: longest.map(|(after, then_close)| Longest { after: ms(after), then_close }),
            ramp: ramp.map(|over| Ramp { from: 20.0, over: ms(over) }),
        });
    let rest = (
        prop::option::weighted(0.8, 20_u64..400),
        0_u64..8,
        prop_oneof![Just(RateOf::Asked), Just(RateOf::Ended)],
        prop_oneof![Just(OnClose::Keep), Just(OnClose::Clear)],
        100_u64..10_000,
        any::<bool>(),
        prop::option::weighted(0.5, 1_u32..8),
        any::<bool>(),
    );
    (trip, window, probing, rest).prop_map(
        move |(
            trip,
            window,
            probing,
            (timeout, volume, rate_of, on_close, reset, backoff, capacity, full_is_failure),
        )| Settings {
            timeout: timeout.map(ms),
            trip,
            window,
            probing,
            volume,
            rate_of,
            on_close,
            reset: ms(reset),
            // Without jitter, which no seed repeats.
            backoff: backoff.then_some(Backoff { factor: 2.0, ceiling: ms(60_000), jitter: 0.0 }),
            capacity,
            full_is_failure,
            ..Settings::default()
        },
    )
}
