//! Many threads on one breaker, with outcomes, settings, modes and times at random: at the end every sum is right.

use breaker::{
    Backoff, Breaker, Clock, EventKind, Longest, Mode, OnClose, Permit, ProbeVerdict, Probing, Ramp, RateOf,
    Refused, Settings, State, Threshold, Trip, Window,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const THREADS: u64 = crate::times(8, 4);
const STEPS: u64 = crate::times(2_000, 40);

/// A little chance for each thread, the same each time.
struct Dice(u64);

impl Dice {
    fn of(thread: u64) -> Self {
        Self(thread.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn one_of<T: Clone>(&mut self, these: &[T]) -> T {
        these[self.below(these.len() as u64) as usize].clone()
    }

    fn settings(&mut self) -> Settings {
        let ms = Duration::from_millis;
        let rates = Trip::Errors(Threshold::AtLeast(60.0));
        let any = Trip::Any(vec![Trip::Consecutive(9), Trip::PileUp(20), rates.clone()]);
        // With a rule beside it that three probes can fire.
        let failures = Trip::Any(vec![Trip::Failures(20), Trip::Consecutive(3)]);
        let successes = ProbeVerdict::Successes(self.below(4) as u32 + 1);
        let windows = [(1_000, 10), (500, 50), (2_000, 1)].map(|(length, buckets)| (ms(length), buckets));
        let windows = windows.map(|(length, buckets)| Window::Time { length, buckets });
        Settings {
            timeout: self.one_of(&[None, Some(ms(50))]),
            window: self.one_of(&[windows[0], windows[1], windows[2], Window::Calls(20)]),
            trip: self.one_of(&[rates, any, failures]),
            volume: self.below(20),
            rate_of: self.one_of(&[RateOf::Asked, RateOf::Ended]),
            on_close: self.one_of(&[OnClose::Keep, OnClose::Clear]),
            reset: ms(self.below(20) + 1),
            backoff: self.one_of(&[None, Some(Backoff::default())]),
            capacity: self.one_of(&[None, Some(3), Some(10)]),
            full_is_failure: self.below(2) == 0,
            probing: Probing {
                at_once: self.below(3) as u32 + 1,
                verdict: self.one_of(&[successes, ProbeVerdict::Rate(3)]),
                lease: self.one_of(&[None, Some(ms(5))]),
                longest: self.one_of(&[None, Some(Longest { after: ms(10), then_close: false })]),
                ramp: self.one_of(&[None, Some(Ramp { from: 30.0, over: ms(20) })]),
            },
            ..Settings::default()
        }
    }
}

/// What the threads themselves saw.
#[derive(Debug, Default)]
struct Seen {
    asked: AtomicU64,
    refused: AtomicU64,
    full: AtomicU64,
}

fn storm(breaker: &Breaker, clock: &Clock, modes: &[Mode]) -> Seen {
    let seen = Seen::default();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (seen, mut dice) = (&seen, Dice::of(thread + 1));
            scope.spawn(move || {
                let mut under_way = Vec::new();
                for _ in 0..STEPS {
                    match dice.below(100) {
                        0..70 => {
                            seen.asked.fetch_add(1, Ordering::Relaxed);
                            let counted = match breaker.permit() {
                                Ok(permit) => {
                                    under_way.push(permit);
                                    None
                                }
                                Err(Refused::Open { .. }) => Some(&seen.refused),
                                Err(Refused::Full { .. }) => Some(&seen.full),
                            };
                            if let Some(counted) = counted {
                                counted.fetch_add(1, Ordering::Relaxed);
                            }
                            if under_way.len() > dice.below(6) as usize {
                                let which = dice.below(under_way.len() as u64) as usize;
                                end(under_way.swap_remove(which), dice.below(10));
                            }
                        }
                        70..80 => clock.advance(Duration::from_micros(dice.below(4_000))),
                        80..82 => breaker.open(),
                        82..84 => breaker.close(),
                        84..86 => breaker.set_mode(dice.one_of(modes)),
                        86..88 => breaker.update(dice.settings()).expect("these settings are right"),
                        88..90 => assert!(breaker.status().in_flight <= THREADS as u32 * 8),
                        90..92 => drop(breaker.snapshot()),
                        92..94 => drop(breaker.would_refuse()),
                        _ => drop(under_way.pop()),
                    }
                }
            });
        }
    });
    // A step, so that all that the clock has done is told.
    breaker.set_mode(Mode::Auto);
    seen
}

fn end(permit: Permit, how: u64) {
    match how {
        0..4 => permit.success(),
        4..7 => permit.failure(),
        7 => permit.ignore(),
        8 => permit.time_out(),
        _ => {
            let panicking = std::panic::AssertUnwindSafe(|| {
                let _permit = permit;
                std::panic::resume_unwind(Box::new(()));
            });
            assert!(std::panic::catch_unwind(panicking).is_err());
        }
    }
}

/// Nothing is under way any more, and no place was lost.
fn is_at_rest(breaker: &Breaker, seen: &Seen) {
    let at_rest = breaker.snapshot();
    let asked = seen.asked.load(Ordering::Relaxed);
    assert_eq!(at_rest.totals.fires, asked);
    assert_eq!(at_rest.in_flight, 0);
    assert_eq!(at_rest.totals.semaphore_rejections, seen.full.load(Ordering::Relaxed));
    let ended = at_rest.totals.successes + at_rest.totals.failures + at_rest.totals.rejects;
    assert!(ended <= asked, "nothing is counted twice: {:?}", at_rest.totals);
    let some = asked / crate::times(100, 1_000);
    assert!(at_rest.totals.successes > some && at_rest.totals.failures > some, "{:?}", at_rest.totals);
    breaker.close();
    breaker.update(Settings { capacity: Some(5), ..Settings::default() }).expect("right");
    let places: Vec<_> = (0..5).map(|_| breaker.permit()).collect();
    assert!(places.iter().all(Result::is_ok), "{places:?}");
    assert!(matches!(breaker.permit(), Err(Refused::Full { capacity: 5 })));
}

#[test]
fn with_a_listener_every_change_is_told_once_and_fits_the_one_before() {
    let modes = [Mode::Auto, Mode::Auto, Mode::Auto, Mode::ForcedOpen, Mode::ForcedClosed];
    for (modes, observed) in [(&modes[..], false), (&[Mode::Auto, Mode::MetricsOnly, Mode::Disabled], true)] {
        let clock = Clock::manual();
        let told: &Mutex<Vec<(u64, State, State)>> = Box::leak(Box::default());
        let counts: &[AtomicU64; 3] = Box::leak(Box::default());
        let breaker = Breaker::builder("test")
            .clock(clock.clone())
            .settings(Dice::of(99).settings())
            .on_event(move |event| {
                let kinds = [EventKind::Fire, EventKind::Reject, EventKind::SemaphoreLocked];
                if let Some(kind) = kinds.iter().position(|kind| *kind == event.kind) {
                    counts[kind].fetch_add(1, Ordering::Relaxed);
                }
                if let Some(turned) = event.transition {
                    let turned = (turned.turns, turned.from, turned.to);
                    told.lock().expect("no test panics in here").push(turned);
                }
            })
            .build()
            .expect("these settings are right");
        let seen = storm(&breaker, &clock, modes);

        let turns = breaker.status().turns;
        let mut told = told.lock().expect("no test panics in here").clone();
        told.sort_unstable_by_key(|(turns, ..)| *turns);
        let numbers: Vec<_> = told.iter().map(|(turns, ..)| *turns).collect();
        assert_eq!(numbers, (1..=turns).collect::<Vec<_>>(), "each once");
        assert!(turns > crate::times(500, 2), "only {turns} changes");
        let mut state = State::Closed;
        for (turns, from, to) in told {
            assert_eq!(from, state, "before change {turns}");
            state = to;
        }
        assert_eq!(breaker.state(), state);

        let [fires, rejects, locked] = counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        assert_eq!(fires, seen.asked.load(Ordering::Relaxed));
        assert_eq!(rejects, seen.refused.load(Ordering::Relaxed));
        if !observed {
            assert_eq!(breaker.snapshot().totals.rejects, rejects);
            assert_eq!(locked, seen.full.load(Ordering::Relaxed));
            is_at_rest(&breaker, &seen);
        } else {
            assert_eq!((breaker.snapshot().totals.fires, breaker.snapshot().in_flight), (fires, 0));
        }
    }
}

#[test]
fn without_a_listener_the_sums_are_right_too() {
    for _ in 0..crate::times(3, 1) {
        let clock = Clock::manual();
        let builder = Breaker::builder("test").clock(clock.clone());
        let breaker = builder.build().expect("these settings are right");
        let modes = [Mode::Auto, Mode::Auto, Mode::Auto, Mode::ForcedClosed];
        let seen = storm(&breaker, &clock, &modes);
        assert_eq!(breaker.snapshot().totals.rejects, seen.refused.load(Ordering::Relaxed));
        is_at_rest(&breaker, &seen);
    }
}

#[test]
fn calls_that_are_judged_nowhere_add_up_to_the_last_one() {
    const CALLS: u64 = crate::times(20_000, 100);
    // Its clock is that of the machine: the window is one that no run outlasts.
    let window = Window::Time { length: Duration::from_secs(3_600), buckets: 10 };
    let settings = Settings { trip: Trip::Failures(u64::MAX), timeout: None, window, ..Settings::default() };
    let breaker = Breaker::builder("test").settings(settings).build().expect("right");
    let ends: [AtomicU64; 3] = Default::default();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (breaker, ends, mut dice) = (&breaker, &ends, Dice::of(thread + 1));
            scope.spawn(move || {
                for _ in 0..CALLS {
                    let permit = breaker.permit().expect("closed for ever");
                    let end = dice.below(3) as usize;
                    ends[end].fetch_add(1, Ordering::Relaxed);
                    [Permit::success, Permit::failure, Permit::ignore][end](permit);
                }
            });
        }
    });
    let seen = breaker.snapshot();
    let [successes, failures, _] = ends.map(AtomicU64::into_inner);
    assert_eq!((seen.totals.successes, seen.totals.failures), (successes, failures));
    assert_eq!((seen.totals.fires, seen.in_flight, seen.turns), (THREADS * CALLS, 0, 0));
    assert_eq!(seen.latency.calls, successes + failures);
}
