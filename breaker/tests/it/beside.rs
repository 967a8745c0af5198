//! What looks on beside the live settings: shadows, the log that is judged again, subscribers.

use breaker::{
    Breaker, CallLog, Clock, EventKind, EventStream, Lagged, LoggedCall, Outcome, Settings, State,
};
use std::time::Duration;
use tokio::time::sleep;

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn patient() -> Settings {
    Settings { volume: 100, ..Settings::default() }
}

#[tokio::test(start_paused = true)]
async fn a_shadow_opens_refuses_and_heals_without_a_say() {
    let breaker = Breaker::builder("test")
        .settings(patient())
        .shadow("nervous", Settings::default())
        .shadow("calm", patient())
        .build()
        .expect("right");
    let shadow = |name: &str| {
        let found = breaker.shadows().find(|(is, _)| *is == name);
        found.map(|(_, snapshot)| snapshot).expect("it was asked for")
    };
    let _ = breaker.call(async { Err::<(), _>("no") }).await;
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!((shadow("nervous").state, shadow("calm").state), (State::Open, State::Closed));
    let last = shadow("nervous").last.expect("it has opened");
    assert_eq!(last.reason.to_string(), "1 of 1 calls failed (100.0 %), and the circuit opens above 50 %");

    assert_eq!(breaker.call(async { Ok::<_, &str>(1) }).await, Ok(1), "the live one lets it through");
    assert_eq!(shadow("nervous").counts.rejects, 1);
    assert_eq!(shadow("calm").counts.successes, 1);

    sleep(ms(11_000)).await;
    assert_eq!(breaker.call(async { Ok::<_, &str>(1) }).await, Ok(1));
    assert_eq!(shadow("nervous").state, State::Closed, "it was its probe, too");
    assert_eq!((shadow("nervous").in_flight, shadow("calm").in_flight), (0, 0));
}

#[test]
fn settings_of_a_shadow_are_checked() {
    let wrong = Settings { reset: Duration::ZERO, ..Settings::default() };
    assert!(Breaker::builder("test").shadow("wrong", wrong).build().is_err());
}

#[test]
fn the_log_keeps_the_last_calls_and_no_more() {
    let clock = Clock::manual();
    let breaker =
        Breaker::builder("test").settings(patient()).clock(clock.clone()).remember(2).build().expect("right");
    for _ in 0..2 {
        breaker.permit().expect("closed").success();
    }
    let slow = breaker.permit().expect("closed");
    clock.advance(ms(40));
    slow.failure();
    let calls = breaker.log().calls().to_vec();
    let first = LoggedCall { began: ms(0), ended: ms(0), outcome: Outcome::Success };
    let last = LoggedCall { began: ms(0), ended: ms(40), outcome: Outcome::Failure };
    assert_eq!(calls, [first, last]);
}

#[test]
fn nothing_is_kept_where_nobody_asked() {
    let breaker = Breaker::builder("test").settings(patient()).build().expect("right");
    breaker.permit().expect("closed").success();
    assert!(breaker.log().calls().is_empty());
}

/// Calls of 10 ms each, one every 100 ms.
fn log(outcomes: impl IntoIterator<Item = Outcome>) -> CallLog {
    let call = |(number, outcome)| {
        let began = ms(100) * number;
        LoggedCall { began, ended: began + ms(10), outcome }
    };
    (0..).zip(outcomes).map(call).collect()
}

#[test]
fn a_replay_tells_what_other_settings_would_have_done() {
    use Outcome::{Failure, Success};
    // It fails for 20 s, and is well again.
    let calls = [vec![Success; 10], vec![Failure; 200], vec![Success; 100]].concat();
    let replay = log(calls).replay(Settings::pybreaker()).expect("right");
    let states: Vec<_> = replay.transitions.iter().map(|turned| (turned.to, turned.at)).collect();
    assert_eq!(
        states,
        [(State::Open, ms(1_410))],
        "the fifth failure; open for a minute, longer than the log"
    );
    assert_eq!((replay.refused, replay.spared), (295, 195));

    let quick = Settings { reset: ms(5_000), ..Settings::pybreaker() };
    let replay = log([vec![Failure; 30], vec![Success; 100]].concat()).replay(quick).expect("right");
    let states: Vec<_> = replay.transitions.iter().map(|turned| turned.to).collect();
    assert_eq!(states, [State::Open, State::HalfOpen, State::Closed]);
}

#[test]
fn a_replay_keeps_the_order_of_calls_that_overlap() {
    // The second begins while the first is under way, and ends before it.
    let call = |began, ended, outcome| LoggedCall { began: ms(began), ended: ms(ended), outcome };
    let calls = [call(0, 0, Outcome::Success), call(10, 20, Outcome::Failure), call(5, 30, Outcome::Success)];
    let settings = Settings { timeout: None, ..Settings::default() };
    let replay = calls.into_iter().collect::<CallLog>().replay(settings).expect("right");
    assert!(replay.transitions.is_empty(), "1 of 3 asked for, as it was");
}

#[tokio::test]
async fn a_subscriber_who_lags_is_told_how_much_and_harms_nobody() {
    let stream = EventStream::new(4);
    let breaker =
        Breaker::builder("test").settings(patient()).on_event(stream.listener()).build().expect("right");
    let mut events = stream.subscribe();
    for _ in 0..5 {
        breaker.permit().expect("closed").success();
    }
    assert_eq!(events.next().await.expect("open").err(), Some(Lagged { missed: 6 }));
    let next = events.next().await.expect("open").expect("in time");
    assert_eq!((next.kind, &*next.circuit), (EventKind::Fire, "test"));
    drop((breaker, stream));
    for _ in 0..3 {
        assert!(events.next().await.is_some_and(|event| event.is_ok()), "what is left is read");
    }
    assert!(events.next().await.is_none(), "and then it ends");
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_transitions_holds_nothing_else_and_those_of_several_circuits() {
    let stream = EventStream::of_transitions(16);
    let one = Breaker::builder("one").on_event(stream.listener()).build().expect("right");
    let other = Breaker::builder("other").on_event(stream.listener()).build().expect("right");
    let mut events = stream.subscribe();
    let _ = one.call(async { Err::<(), _>("no") }).await;
    other.open();
    sleep(ms(11_000)).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let event = events.next().await.expect("open").expect("in time");
        assert_eq!(event.transition.map(|turned| turned.to), Some(event.status.state));
        seen.push((event.circuit.to_string(), event.kind.name()));
    }
    seen.sort();
    let expected = [("one", "halfOpen"), ("one", "open"), ("other", "halfOpen"), ("other", "open")];
    assert_eq!(seen, expected.map(|(circuit, kind)| (circuit.to_owned(), kind)));
}

#[cfg(feature = "testing")]
#[tokio::test(start_paused = true)]
async fn calls_end_as_a_test_wants_them_to() {
    use breaker::CallError;
    use breaker::testing::Forced;
    let breaker = Breaker::builder("test").settings(patient()).build().expect("right");
    breaker.force([Forced::Open, Forced::Full, Forced::TimedOut]);
    let call = async || breaker.call(async { Ok::<_, &str>(1) }).await;
    assert!(matches!(call().await, Err(CallError::Open { .. })));
    assert!(matches!(call().await, Err(CallError::Full { .. })));
    assert_eq!(call().await, Err(CallError::TimedOut { after: ms(300) }));
    assert_eq!(call().await, Ok(1), "and then as ever");
    let counts = breaker.status().counts;
    assert_eq!((counts.fires, counts.timeouts, counts.successes), (2, 1, 1));
}

#[cfg(feature = "testing")]
#[test]
fn so_do_blocking_calls_and_permits() {
    use breaker::testing::Forced;
    use breaker::{CallError, Refused};
    let breaker = Breaker::builder("test").settings(patient()).build().expect("right");
    let forced = [Forced::Open, Forced::Full, Forced::TimedOut];
    breaker.force(forced);
    let call = || breaker.call_blocking(|| -> Result<(), &str> { panic!("the work is not begun") });
    assert!(matches!(call(), Err(CallError::Open { .. })));
    assert!(matches!(call(), Err(CallError::Full { .. })));
    assert_eq!(call(), Err(CallError::TimedOut { after: ms(300) }));

    breaker.force(forced);
    assert!(matches!(breaker.permit(), Err(Refused::Open { .. })));
    assert!(matches!(breaker.permit(), Err(Refused::Full { .. })));
    let permit = breaker.permit().expect("given, and its time is up");
    assert!(permit.is_overdue());
    drop(permit);
    let permit = breaker.permit().expect("and then as ever");
    assert!(!permit.is_overdue());
    permit.success();
    let counts = breaker.status().counts;
    assert_eq!((counts.fires, counts.timeouts, counts.failures, counts.successes), (3, 1, 2, 1));
}

#[cfg(all(feature = "testing", feature = "tower"))]
#[tokio::test(start_paused = true)]
async fn so_do_those_through_a_layer() {
    use breaker::testing::Forced;
    use breaker::{CallError, tower::BreakerLayer};
    use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
    let breaker = Breaker::builder("test").settings(patient()).build().expect("right");
    let inner = service_fn(async |()| Ok::<_, &str>(1));
    let mut service = BreakerLayer::new(breaker.clone()).layer(inner);
    breaker.force([Forced::Open, Forced::Full, Forced::TimedOut]);
    let mut call = async || service.ready().await.expect("ready").call(()).await;
    assert!(matches!(call().await, Err(CallError::Open { .. })));
    assert!(matches!(call().await, Err(CallError::Full { .. })));
    assert_eq!(call().await, Err(CallError::TimedOut { after: ms(300) }));
    assert_eq!(call().await, Ok(1), "and then as ever");
    let counts = breaker.status().counts;
    assert_eq!((counts.fires, counts.timeouts, counts.successes), (2, 1, 1));
}

#[test]
fn percentiles_are_right_to_within_an_eighth_and_the_ends_exact() {
    for micros in [9, 135, 8_400, 10_000, 12_570, 16_780, 300_000, 30_000_000] {
        let clock = Clock::manual();
        let breaker = Breaker::builder("test")
            .timeout(None)
            .window(Duration::from_secs(10_000), 10)
            .clock(clock.clone())
            .build()
            .expect("right");
        let took = Duration::from_micros(micros);
        // One is shorter, one longer, and 98 take this long.
        for time in [took / 3, took * 3].into_iter().chain(std::iter::repeat_n(took, 98)) {
            let permit = breaker.permit().expect("closed");
            clock.advance(time);
            permit.success();
        }
        let latency = breaker.snapshot().latency;
        let (first, last) = (latency.percentiles().next(), latency.percentiles().last());
        assert_eq!(first.map(|(_, time)| time), Some(took / 3));
        assert_eq!(last.map(|(_, time)| time), Some(took * 3));
        for (percent, time) in latency.percentiles().skip(1).take(6) {
            let off = time.as_secs_f64() / took.as_secs_f64();
            assert!((0.875..=1.125).contains(&off), "{percent} %: {time:?} for {took:?}");
        }
    }
}
