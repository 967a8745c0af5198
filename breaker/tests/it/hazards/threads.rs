//! Real threads that meet: nothing may be lost, counted twice or let through too often.

use super::{Meeting, at_once, circuit, ms};
use breaker::{Circuit, Entry, Judged, Outcome, RateOf, Settings, State, Threshold, Ticket, Trip, Window};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

fn ticket(circuit: &Circuit, now: u64) -> Ticket {
    match circuit.enter(ms(now)) {
        Entry::Admitted(ticket) => ticket,
        other => panic!("let through expected, not {other:?}"),
    }
}

/// So many good calls that each thread has a lane of its own afterwards.
fn busy(circuit: &Circuit) {
    for _ in 0..300 {
        circuit.leave(ticket(circuit, 0), Outcome::Success, ms(0));
    }
}

/// Two threads end one call each at the same moment, and only both together open the circuit; again and again, each time
/// with an empty window, after what is to be there `before`.
fn both_together(settings: &Settings, before: Option<Outcome>, outcome: Outcome) {
    const ROUNDS: usize = crate::times(4_000, 8);
    let circuit = circuit(settings.clone());
    let (meeting, opened, missed) = (Meeting::default(), AtomicU32::new(0), AtomicU32::new(0));
    at_once(2, |thread| {
        for round in 0..ROUNDS {
            let began = 60_000 * (round as u64 + 1);
            if let Some(before) = before.filter(|_| thread == 0) {
                circuit.leave(ticket(&circuit, began), before, ms(began));
            }
            meeting.meet(2, 3 * round);
            let ticket = ticket(&circuit, began);
            meeting.meet(2, 3 * round + 1);
            let turned = circuit.leave(ticket, outcome, ms(began + 100));
            opened.fetch_add(u32::from(turned.is_some()), Ordering::Relaxed);
            meeting.meet(2, 3 * round + 2);
            if thread == 0 {
                let is_open = circuit.status(ms(began + 100)).state == State::Open;
                let told_once = opened.swap(0, Ordering::Relaxed) == 1;
                missed.fetch_add(u32::from(!is_open || !told_once), Ordering::Relaxed);
                circuit.close(ms(began + 100));
            }
        }
    });
    assert_eq!(missed.into_inner(), 0, "of {ROUNDS} openings");
}

#[test]
fn the_last_two_failures_at_once_open_it() {
    let settings = Settings { volume: 2, rate_of: RateOf::Ended, timeout: None, ..Settings::default() };
    for trip in [Trip::Errors(Threshold::Above(0.0)), Trip::Failures(2), Trip::Consecutive(2)] {
        both_together(&Settings { trip, ..settings.clone() }, None, Outcome::Failure);
    }
}

#[test]
fn the_last_two_slow_calls_at_once_open_it() {
    let slow = Trip::Slow { than: ms(100), share: Threshold::Above(0.0) };
    let settings = Settings { trip: slow, volume: 2, timeout: None, ..Settings::default() };
    both_together(&settings, None, Outcome::Success);
}

#[test]
fn the_last_two_calls_at_once_fill_the_volume() {
    let (judged, rate_of) = (Judged::OnEveryEnd, RateOf::Ended);
    let trip = Trip::Errors(Threshold::Above(0.0));
    let settings = Settings { trip, judged, volume: 3, rate_of, timeout: None, ..Settings::default() };
    both_together(&settings, Some(Outcome::Failure), Outcome::Success);
}

#[test]
fn of_many_who_open_or_close_it_one_is_told() {
    for _ in 0..crate::times(100, 1) {
        let circuit = circuit(Settings::default());
        let opened = at_once(8, |_| circuit.open(ms(0)));
        assert_eq!(opened.iter().flatten().count(), 1);
        let half_opened = at_once(8, |_| circuit.tick(ms(10_000)));
        assert_eq!(half_opened.iter().flatten().count(), 1);
        let closed = at_once(8, |_| circuit.close(ms(10_000)));
        assert_eq!(closed.iter().flatten().count(), 1);
        assert_eq!(circuit.turns(), 3);
    }
}

#[test]
fn of_two_who_come_for_the_last_place_one_gets_it() {
    let settings = Settings { capacity: Some(1), full_is_failure: false, ..Settings::default() };
    let circuit = circuit(settings);
    let (meeting, let_through, most) = (Meeting::default(), AtomicU32::new(0), AtomicU32::new(0));
    at_once(2, |thread| {
        for round in 0..crate::times(10_000, 30) {
            meeting.meet(2, 3 * round);
            let entry = circuit.enter(ms(0));
            let_through.fetch_add(u32::from(matches!(entry, Entry::Admitted(_))), Ordering::SeqCst);
            meeting.meet(2, 3 * round + 1);
            if thread == 0 {
                most.fetch_max(let_through.swap(0, Ordering::SeqCst), Ordering::SeqCst);
            }
            if let Entry::Admitted(ticket) = entry {
                circuit.leave(ticket, Outcome::Success, ms(0));
            }
            meeting.meet(2, 3 * round + 2);
        }
    });
    assert_eq!(most.into_inner(), 1);
}

#[test]
fn of_many_threads_no_more_are_under_way_than_may_be() {
    for (threads, places, times) in [(16, 5, crate::times(2_000, 5)), (2, 1, crate::times(40_000, 100))] {
        let settings = Settings { capacity: Some(places), full_is_failure: false, ..Settings::default() };
        let circuit = circuit(settings);
        let now_there = AtomicU32::new(0);
        at_once(threads, |_| {
            for time in 0..times {
                if let Entry::Admitted(ticket) = circuit.enter(ms(0)) {
                    let others = now_there.fetch_add(1, Ordering::SeqCst);
                    assert!(others < places, "{others} others were there");
                    if time % 64 == 0 {
                        std::thread::yield_now();
                    }
                    (0..20).for_each(|_| std::hint::spin_loop());
                    now_there.fetch_sub(1, Ordering::SeqCst);
                    circuit.leave(ticket, Outcome::Success, ms(0));
                }
            }
        });
        let (seen, asked) = (circuit.snapshot(ms(0)), threads as u64 * times);
        assert_eq!((seen.in_flight, seen.totals.fires), (0, asked));
        assert_eq!(seen.totals.successes + seen.totals.semaphore_rejections, asked);
        let under_way: Vec<_> = (0..places).map(|_| ticket(&circuit, 0)).collect();
        assert!(matches!(circuit.enter(ms(0)), Entry::Full { .. }), "no place was lost, and none was made");
        drop(under_way);
    }
}

#[test]
fn threads_that_end_and_others_that_take_their_lane_lose_no_count() {
    const THREADS: u64 = crate::times(4_000, 32);
    let window = Window::Time { length: ms(1_000), buckets: 10 };
    let circuit = circuit(Settings { window, trip: Trip::Failures(u64::MAX), ..Settings::default() });
    busy(&circuit);
    let clock = AtomicU64::new(0);
    for _ in 0..THREADS / 8 {
        // Not joined before the next ones begin: a lane goes from hand to hand.
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (circuit, clock) = (&circuit, &clock);
                scope.spawn(move || {
                    for _ in 0..10 {
                        // Buckets are turned in between.
                        let now = clock.fetch_add(1, Ordering::Relaxed);
                        let outcome = if number % 2 == 0 { Outcome::Success } else { Outcome::Failure };
                        circuit.leave(ticket(circuit, now), outcome, ms(now));
                    }
                });
            }
        });
    }
    let seen = circuit.snapshot(ms(clock.load(Ordering::Relaxed)));
    let (successes, failures) = (seen.totals.successes, seen.totals.failures);
    assert_eq!((successes, failures), (THREADS * 5 + 300, THREADS * 5));
    assert_eq!((seen.totals.fires, seen.in_flight), (THREADS * 10 + 300, 0));
}

#[test]
fn more_threads_than_lanes_lose_no_count() {
    let circuit = circuit(Settings { trip: Trip::Failures(u64::MAX), ..Settings::default() });
    const QUARTER: u64 = crate::times(1_000, 1);
    at_once(100, |thread| {
        for number in 0..4 * QUARTER as usize {
            let outcome = if (number + thread) % 4 == 0 { Outcome::Failure } else { Outcome::Success };
            circuit.leave(ticket(&circuit, 0), outcome, ms(0));
        }
    });
    let seen = circuit.snapshot(ms(0));
    assert_eq!(
        (seen.totals.fires, seen.totals.successes, seen.totals.failures),
        (400 * QUARTER, 300 * QUARTER, 100 * QUARTER)
    );
    assert_eq!(seen.counts, seen.totals);
}

#[test]
fn threads_that_are_ending_lose_no_count() {
    const CALLS: u64 = crate::times(5_000, 10);
    const THREADS: u64 = crate::times(60, 3);
    /// Makes calls while its thread's own things are torn down.
    struct AtTheEnd(Arc<Circuit>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            for _ in 0..CALLS {
                self.0.leave(ticket(&self.0, 0), Outcome::Success, ms(0));
            }
        }
    }
    thread_local! {
        static LAST: std::cell::RefCell<Option<AtTheEnd>> = const { std::cell::RefCell::new(None) };
    }
    let circuit = Arc::new(circuit(Settings::default()));
    busy(&circuit);
    let threads = |_| {
        let circuit = Arc::clone(&circuit);
        std::thread::spawn(move || {
            // Made before the lane is, and so torn down after it.
            LAST.set(Some(AtTheEnd(Arc::clone(&circuit))));
            circuit.leave(ticket(&circuit, 0), Outcome::Success, ms(0));
        })
    };
    let threads: Vec<_> = (0..THREADS).map(threads).collect();
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    assert_eq!(circuit.snapshot(ms(0)).totals.successes, 300 + THREADS * (CALLS + 1));
}
