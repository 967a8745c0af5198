//! What a breaker allocates: nothing while calls go through it, and nothing more the longer it is used.
//!
//! In a binary of its own, with one test: the allocations of the whole process are counted.

use breaker::{
    Breaker, Clock, Mode, Outcome, ProbeVerdict, Probing, Refused, Settings, State, Threshold, Trip, Window,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::future::{poll_fn, ready};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many allocations `act` makes, with the bytes that stay in use.
fn allocated(act: impl FnOnce()) -> (usize, isize) {
    let region = Region::new(COUNTING);
    act();
    let change = region.change();
    let bytes = change.bytes_allocated as isize - change.bytes_deallocated as isize;
    (change.allocations + change.reallocations, bytes)
}

/// Asserts that nothing grows: less than a byte a time. Some bytes are the test's own thread's, and std's.
fn grows_not(what: &str, times: usize, act: impl Fn(usize)) {
    act(times);
    let (_, bytes) = allocated(|| act(times));
    assert!(bytes.unsigned_abs() < times.min(1_000), "{bytes} bytes more after {times} times {what}");
}

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn breaker(settings: Settings) -> (Breaker, Clock) {
    let clock = Clock::manual();
    let breaker = Breaker::builder("test").settings(settings).clock(clock.clone()).build();
    (breaker.expect("these settings are right"), clock)
}

/// Never opens by itself.
fn patient(window: Window) -> Settings {
    Settings { window, trip: Trip::Errors(Threshold::Above(100.0)), ..Settings::default() }
}

fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
    std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Every way that a call can go, but those that change the state.
fn calls(breaker: &Breaker, clock: &Clock) {
    for number in 0..2_000 {
        // Buckets are turned on the way.
        clock.advance(ms(37));
        let good = poll(breaker.call(ready(Ok::<_, &str>(number))));
        assert_eq!(good, Poll::Ready(Ok(number)));
        assert!(poll(breaker.call(ready(Err::<(), _>("no")))).is_ready());
        let judged = breaker.call(ready(Err::<(), _>("no"))).failure_if(|error| error.is_empty());
        assert!(poll(judged).is_ready());
        let instead = breaker.call(ready(Err("no"))).or_else(|_| ready(Ok(number)));
        assert_eq!(poll(instead), Poll::Ready(Ok(number)));
        assert_eq!(breaker.call_blocking(|| Ok::<_, &str>(number)), Ok(number));
        breaker.permit().expect("closed").failure();
        drop(breaker.permit());
        let mut call = std::pin::pin!(breaker.call(pends_once()));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        drop(poll(breaker.call(std::future::pending::<Result<(), &str>>())));
        assert!(breaker.would_refuse().is_none() && breaker.state() == State::Closed);
    }
}

fn pends_once() -> impl Future<Output = Result<(), &'static str>> {
    let mut polled = false;
    poll_fn(move |_| if std::mem::replace(&mut polled, true) { Poll::Ready(Ok(())) } else { Poll::Pending })
}

fn refused(breaker: &Breaker) {
    for _ in 0..2_000 {
        assert!(matches!(breaker.permit(), Err(Refused::Open { .. })));
        assert!(poll(breaker.call(ready(Ok::<_, &str>(())))).is_ready());
    }
}

#[test]
fn calls_allocate_nothing_and_nothing_grows() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _entered = runtime.enter();

    let time = Window::default();
    for settings in [
        patient(time),
        patient(Window::Calls(50)),
        Settings { capacity: Some(3), ..patient(time) },
        Settings { trip: Trip::Any(vec![Trip::Consecutive(100), Trip::PileUp(9)]), ..patient(time) },
    ] {
        let (breaker, clock) = breaker(settings);
        calls(&breaker, &clock);
        assert_eq!(allocated(|| calls(&breaker, &clock)), (0, 0), "{:?}", breaker.settings());
    }

    no_allocation_where_calls_are_refused();
    nothing_grows_with_states_settings_and_modes();
    nothing_grows_with_threads();
    what_is_dropped_is_gone();
}

fn no_allocation_where_calls_are_refused() {
    let probing = Probing { at_once: 2, verdict: ProbeVerdict::Successes(2), ..Probing::default() };
    let (breaker, clock) = breaker(Settings { probing, capacity: Some(3), ..patient(Window::default()) });
    let (places, took) = ([breaker.permit(), breaker.permit(), breaker.permit()], ms(0));
    assert!(places.iter().all(Result::is_ok) && took.is_zero());
    let full = || {
        for _ in 0..2_000 {
            assert!(matches!(breaker.permit(), Err(Refused::Full { capacity: 3 })));
        }
    };
    full();
    assert_eq!(allocated(full), (0, 0), "full");
    drop(places);
    breaker.open();
    refused(&breaker);
    assert_eq!(allocated(|| refused(&breaker)), (0, 0), "open");
    clock.advance(ms(10_000));
    let probes = [breaker.permit(), breaker.permit()];
    assert!(probes.iter().all(Result::is_ok));
    refused(&breaker);
    assert_eq!(allocated(|| refused(&breaker)), (0, 0), "half-open");
    drop(probes);
    breaker.set_mode(Mode::ForcedOpen);
    assert_eq!(allocated(|| refused(&breaker)), (0, 0), "forced open");
}

fn nothing_grows_with_states_settings_and_modes() {
    let (breaker, clock) = breaker(Settings { trip: Trip::Failures(1), ..Settings::default() });
    let cycles = |times| {
        for _ in 0..times {
            breaker.permit().expect("closed").failure();
            assert_eq!(breaker.state(), State::Open);
            clock.advance(ms(10_000));
            breaker.permit().expect("the probe").success();
            assert_eq!(breaker.state(), State::Closed);
        }
    };
    grows_not("an opening", 5_000, cycles);

    let changes = |times| {
        for time in 0..times {
            let window = match time % 4 {
                0 => Window::Time { length: ms(1_000), buckets: 10 },
                1 => Window::Time { length: ms(60_000), buckets: 1_000 },
                2 => Window::Calls(200),
                _ => Window::Time { length: ms(5_000), buckets: 77 },
            };
            breaker.update(patient(window)).expect("right");
            clock.advance(ms(500));
            for _ in 0..20 {
                breaker.permit().expect("closed").success();
            }
        }
    };
    grows_not("other settings", 4_000, changes);
}

fn nothing_grows_with_threads() {
    let (breaker, clock) = breaker(patient(Window::default()));
    let threads = |times| {
        for _ in 0..times {
            // None ends before all have begun: each time as many have a part of the window of their own.
            let all = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..50 {
                            breaker.permit().expect("closed").success();
                        }
                        all.wait();
                    });
                }
            });
            clock.advance(ms(100));
        }
    };
    grows_not("four threads", 300, threads);
}

fn what_is_dropped_is_gone() {
    let lives = |times| {
        for _ in 0..times {
            let clock = Clock::manual();
            let breaker = Breaker::builder("test")
                .clock(clock.clone())
                .remember(10)
                .shadow("other", Settings::default());
            let breaker = breaker.build().expect("right");
            for _ in 0..300 {
                breaker.permit().expect("closed").success();
            }
            breaker.open();
            clock.advance(ms(10_000));
            let probe = breaker.permit();
            drop(breaker);
            drop(probe);
        }
    };
    grows_not("the life of a breaker", 500, lives);

    let (_, idle) = allocated(|| std::mem::forget(Breaker::builder("test").build().expect("right")));
    assert!(idle <= 3 * 1_024, "{idle} bytes for an idle breaker");

    // A circuit alone, with a ticket that nobody gives back.
    let circuit = |times: usize| {
        for _ in 0..times {
            let circuit = breaker::Circuit::new(Settings::default()).expect("right");
            circuit.open(ms(0));
            let forgotten = circuit.enter(ms(10_000));
            assert!(matches!(forgotten, breaker::Entry::Admitted(_)));
            if let breaker::Entry::Admitted(ticket) = circuit.enter(ms(20_000)) {
                circuit.leave(ticket, Outcome::Failure, ms(20_000));
            }
        }
    };
    grows_not("the life of a circuit", 1_000, circuit);
}
