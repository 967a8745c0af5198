//! Half-open circuits that let too many through, or nobody any more.

use super::{admitted, at_once, call, circuit, is_refused, ms, state};
use breaker::{
    Breaker, CallError, Circuit, Clock, Entry, Longest, Outcome, ProbeVerdict, Probing, Settings, State,
    WarmUp,
};
use std::future::{pending, ready};
use std::task::{Context, Waker};

/// Half-open since 10 s, with this to show.
fn half_open(probing: Probing) -> Circuit {
    let circuit = circuit(Settings { timeout: None, probing, ..Settings::default() });
    circuit.open(ms(0));
    assert_eq!(state(&circuit, 10_000), State::HalfOpen);
    circuit
}

// H1: recloser, failsafe, circuitbreaker-rs, nobreak, reliakit.
#[test]
fn of_64_threads_no_more_are_let_through_than_may_be_probes() {
    for at_once_most in [1, 3] {
        for _ in 0..crate::times(50, 1) {
            let verdict = ProbeVerdict::Successes(at_once_most);
            let circuit = half_open(Probing { at_once: at_once_most, verdict, ..Probing::default() });
            let entries = at_once(64, |_| circuit.enter(ms(10_000)));
            let let_through = entries.iter().filter(|entry| matches!(entry, Entry::Admitted(_))).count();
            assert_eq!(let_through, at_once_most as usize);
            assert_eq!(circuit.snapshot(ms(10_000)).probes, at_once_most);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_tasks_no_more_are_let_through_than_may_be_probes() {
    let clock = Clock::manual();
    let probing = Probing { at_once: 2, verdict: ProbeVerdict::Successes(2), ..Probing::default() };
    let breaker = Breaker::builder("test").timeout(None).probing(probing).clock(clock.clone()).build();
    let breaker = breaker.expect("these settings are right");
    breaker.open();
    clock.advance(ms(10_000));
    let begun = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let (answer, mut answers) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..64 {
        let (breaker, begun, answer) = (breaker.clone(), begun.clone(), answer.clone());
        tokio::spawn(async move {
            let work = async {
                let _ = begun.acquire().await;
                Ok::<_, &str>(())
            };
            let _ = answer.send(breaker.call(work).await);
        });
    }
    // Those that are refused answer; the two probes wait until all of them have.
    for _ in 0..62 {
        assert!(matches!(answers.recv().await, Some(Err(CallError::Open { .. }))));
    }
    assert_eq!(breaker.snapshot().probes, 2);
    begun.close();
    assert_eq!([answers.recv().await, answers.recv().await], [Some(Ok(())), Some(Ok(()))]);
    assert_eq!(breaker.state(), State::Closed);
}

// H2 and H3: circuitbreaker-rs, execution-policy. A cancelled probe wedged execution-policy for good.
#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_or_panics_does_not_hold_the_circuit() {
    let clock = Clock::manual();
    let breaker = Breaker::builder("test").timeout(None).clock(clock.clone()).build().expect("right");
    breaker.open();
    for _ in 0..3 {
        clock.advance(ms(10_000));
        let mut probe = Box::pin(breaker.call(pending::<Result<(), &str>>()));
        assert!(probe.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(breaker.snapshot().probes, 1);
        drop(probe);
        assert_eq!((breaker.snapshot().probes, breaker.snapshot().in_flight), (0, 0));
        drop(breaker.permit().expect("its place is free"));
        assert_eq!(breaker.snapshot().probes, 0);

        let probe = breaker.clone();
        let panicking = async move { probe.call(async { panic!("on purpose") as Result<(), &str> }).await };
        assert!(tokio::spawn(panicking).await.expect_err("it panicked").is_panic());
        assert_eq!((breaker.state(), breaker.snapshot().in_flight), (State::Open, 0), "a failure");
    }
    clock.advance(ms(10_000));
    assert_eq!(breaker.call(ready(Ok::<_, &str>(()))).await, Ok(()));
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_permit_or_a_blocking_call_that_panics_gives_its_place_back() {
    let clock = Clock::manual();
    let builder = Breaker::builder("test").timeout(None).capacity(1).clock(clock.clone());
    let breaker = builder.build().expect("these settings are right");
    breaker.open();
    for blocking in [true, false] {
        clock.advance(ms(10_000));
        let probe = breaker.clone();
        let joined = std::thread::spawn(move || {
            if blocking {
                let _ = probe.call_blocking(|| -> Result<(), &str> { panic!("on purpose") });
            } else {
                let _permit = probe.permit();
                panic!("on purpose");
            }
        });
        assert!(joined.join().is_err());
        let seen = breaker.snapshot();
        assert_eq!((seen.state, seen.in_flight, seen.probes), (State::Open, 0, 0), "a failure");
    }
    clock.advance(ms(10_000));
    breaker.permit().expect("the one place is free").success();
    assert_eq!(breaker.state(), State::Closed);
}

// H4: tower-resilience, circuitbreaker-rs, breaker-machines, execution-policy, gobreaker, opossum.
#[test]
fn a_probe_that_hangs_is_given_up_after_its_lease() {
    let lease = Probing { lease: Some(ms(500)), ..Probing::default() };
    let circuit = half_open(lease);
    let hangs = admitted(&circuit, 10_000);
    assert!(is_refused(&circuit, 10_499));
    let next = admitted(&circuit, 10_500);
    assert_eq!(circuit.leave(hangs, Outcome::Success, ms(10_501)), None, "it is late");
    assert!(is_refused(&circuit, 10_502));
    assert!(circuit.leave(next, Outcome::Success, ms(10_503)).is_some());
}

#[test]
fn a_half_open_circuit_has_an_end_though_every_probe_hangs() {
    for (then_close, to) in [(true, State::Closed), (false, State::Open)] {
        let longest = Some(Longest { after: ms(2_000), then_close });
        let circuit = half_open(Probing { longest, ..Probing::default() });
        let hangs = admitted(&circuit, 11_000);
        assert!(is_refused(&circuit, 12_999));
        assert_eq!(state(&circuit, 13_000), to, "by the clock alone");
        let turned = circuit.tick(ms(13_000)).expect("told");
        assert_eq!((turned.from, turned.to, turned.at), (State::HalfOpen, to, ms(13_000)));
        assert_eq!(circuit.leave(hangs, Outcome::Failure, ms(13_001)), None);
    }
}

// circuitbreaker-rs: half-open for ever.
#[test]
fn five_successes_of_two_probes_at_a_time_close_it() {
    let probing = Probing { at_once: 2, verdict: ProbeVerdict::Successes(5), ..Probing::default() };
    let circuit = half_open(probing);
    let mut under_way = Vec::new();
    let mut let_through = 0;
    while state(&circuit, 10_000) == State::HalfOpen {
        while let Entry::Admitted(probe) = circuit.enter(ms(10_000)) {
            let_through += 1;
            assert!(let_through <= 5, "no more than are needed");
            under_way.push(probe);
        }
        assert!((1..=2).contains(&under_way.len()));
        circuit.leave(under_way.remove(0), Outcome::Success, ms(10_000));
    }
    assert_eq!((let_through, under_way.len()), (5, 0));
    assert_eq!(state(&circuit, 10_000), State::Closed);
}

// tower-resilience: the successes aged out of the window, the permits stayed spent.
#[test]
fn successes_of_probes_do_not_age() {
    let probing = Probing { verdict: ProbeVerdict::Successes(3), ..Probing::default() };
    let circuit = half_open(probing);
    for hour in 1..=3 {
        assert_eq!(state(&circuit, hour * 3_600_000), State::HalfOpen);
        call(&circuit, Outcome::Success, hour * 3_600_000);
    }
    assert_eq!(state(&circuit, 3 * 3_600_000), State::Closed);
}

// circuitbreaker-rs: the counter of probes went below zero, and everything was let through.
#[test]
fn calls_of_another_state_do_not_make_room_for_probes() {
    let circuit = circuit(Settings { timeout: None, capacity: Some(100), ..Settings::default() });
    let before: Vec<_> = (0..20).map(|_| admitted(&circuit, 0)).collect();
    circuit.open(ms(0));
    let probe = admitted(&circuit, 10_000);
    for (late, outcome) in before.into_iter().zip([Outcome::Cancelled, Outcome::Ignored].into_iter().cycle())
    {
        assert_eq!(circuit.leave(late, outcome, ms(10_001)), None);
        assert!(is_refused(&circuit, 10_001));
    }
    circuit.leave(probe, Outcome::Cancelled, ms(10_002));
    let _probe = admitted(&circuit, 10_002);
    assert!(is_refused(&circuit, 10_002));
}

#[test]
fn probes_that_end_at_once_on_many_threads_make_room_for_as_many() {
    let probing = Probing { at_once: 4, verdict: ProbeVerdict::Successes(1_000), ..Probing::default() };
    for _ in 0..crate::times(100, 3) {
        let circuit = half_open(probing);
        at_once(4, |_| {
            for _ in 0..8 {
                if let Entry::Admitted(probe) = circuit.enter(ms(10_000)) {
                    circuit.leave(probe, Outcome::Cancelled, ms(10_000));
                }
            }
        });
        let again = (0..8).map(|_| circuit.enter(ms(10_000)));
        assert_eq!(again.filter(|entry| matches!(entry, Entry::Admitted(_))).count(), 4);
    }
}

#[test]
fn asking_for_fewer_probes_while_they_run_does_not_leave_it_half_open() {
    for (before, after) in [
        (ProbeVerdict::Successes(5), ProbeVerdict::Successes(2)),
        (ProbeVerdict::Rate(5), ProbeVerdict::Rate(3)),
        (ProbeVerdict::Rate(5), ProbeVerdict::Successes(1)),
    ] {
        let circuit = half_open(Probing { verdict: before, ..Probing::default() });
        for _ in 0..3 {
            call(&circuit, Outcome::Success, 10_000);
        }
        let probing = Probing { verdict: after, ..Probing::default() };
        circuit.update(Settings { timeout: None, probing, ..Settings::default() }).expect("right");
        call(&circuit, Outcome::Success, 10_001);
        assert_eq!(state(&circuit, 10_001), State::Closed, "{before:?} to {after:?}");
    }
}

#[test]
fn a_probe_that_finds_no_place_does_not_hold_the_circuit() {
    let settings =
        Settings { timeout: None, capacity: Some(1), full_is_failure: false, ..Settings::default() };
    let circuit = circuit(settings);
    let slow = admitted(&circuit, 0);
    circuit.open(ms(0));
    assert!(matches!(circuit.enter(ms(10_000)), Entry::Full { capacity: 1, opened: None }));
    circuit.leave(slow, Outcome::Success, ms(10_001));
    call(&circuit, Outcome::Success, 10_002);
    assert_eq!(state(&circuit, 10_002), State::Closed);
}

#[test]
fn a_call_that_is_no_probe_takes_no_probes_place() {
    let circuit = half_open(Probing::default());
    assert!(matches!(circuit.enter_without_probing(ms(10_000)), Entry::Refused { .. }));
    call(&circuit, Outcome::Success, 10_000);
    assert_eq!(state(&circuit, 10_000), State::Closed);
    let circuit = half_open(Probing::default());
    let probe = admitted(&circuit, 10_000);
    assert!(matches!(circuit.enter_without_probing(ms(10_000)), Entry::Refused { .. }));
    assert!(circuit.leave(probe, Outcome::Success, ms(10_001)).is_some());
}

#[test]
fn what_is_let_through_by_force_is_no_probe() {
    // It is forced closed while it is half-open: nothing opens it, and nothing that is no probe closes it.
    for outcome in [Outcome::Failure, Outcome::Success] {
        let circuit = half_open(Probing { verdict: ProbeVerdict::Successes(1), ..Probing::default() });
        circuit.tick(ms(10_000));
        circuit.set_mode(breaker::Mode::ForcedClosed);
        let held = admitted(&circuit, 10_000);
        call(&circuit, outcome, 10_000);
        assert_eq!((state(&circuit, 10_000), circuit.turns()), (State::HalfOpen, 2), "{outcome:?}");
        circuit.set_mode(breaker::Mode::Auto);
        circuit.leave(held, outcome, ms(10_001));
        assert_eq!(state(&circuit, 10_001), State::HalfOpen, "{outcome:?}");
        call(&circuit, Outcome::Success, 10_002);
        assert_eq!(state(&circuit, 10_002), State::Closed);
    }
}

#[test]
fn the_warm_up_does_not_lose_a_probe() {
    let circuit = circuit(Settings { warm_up: WarmUp::For(ms(60_000)), ..Settings::default() });
    circuit.open(ms(0));
    call(&circuit, Outcome::Failure, 10_000);
    call(&circuit, Outcome::Success, 20_000);
    assert_eq!(state(&circuit, 20_000), State::Closed);
}
