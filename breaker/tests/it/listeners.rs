//! What listeners are told, and the timer that tells half-open in time.

use crate::shell::{Told, breaker, fail, take};
use breaker::{Breaker, EventKind, Settings, State};
use std::future::{pending, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::{advance, sleep};

/// What an event said: its kind, the circuit's name, when, and the state and number of the circuit then.
type Said = (&'static str, String, Duration, State, u64);

fn telling() -> (Breaker, Arc<Mutex<Vec<Said>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&said);
    let breaker = Breaker::builder("north").on_event(move |event| {
        let (state, turns) = (event.status.state, event.status.turns);
        let said = (event.kind.name(), event.circuit.to_owned(), event.at, state, turns);
        listener.lock().expect("not poisoned").push(said);
    });
    (breaker.build().expect("the defaults are right"), said)
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn an_event_says_what_where_and_when() {
    let (breaker, said) = telling();
    advance(Duration::from_millis(1_234)).await;
    fail(&breaker).await;
    let at = Duration::from_millis(1_234);
    let expected = [
        ("fire", "north".to_owned(), at, State::Closed, 0),
        ("failure", "north".to_owned(), at, State::Open, 1),
        ("open", "north".to_owned(), at, State::Open, 1),
    ];
    assert_eq!(*said.lock().expect("not poisoned"), expected, "the circuit after the step");
}

#[tokio::test(start_paused = true)]
async fn a_listener_is_told_of_what_it_asked_for() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let hear = |name: &'static str| {
        let said = Arc::clone(&said);
        move |event: &breaker::Event<'_>| {
            let counts = (event.status.counts.fires, event.status.counts.failures);
            said.lock().expect("not poisoned").push((name, event.kind.name(), counts));
        }
    };
    let breaker = Breaker::builder("north")
        .volume(3)
        .on([EventKind::Success, EventKind::Reject], hear("calls"))
        .on(EventKind::TRANSITIONS, hear("turns"))
        .on([], hear("nothing"))
        .build()
        .expect("these settings are right");
    breaker.call(ready(Ok::<_, &str>(()))).await.expect("a success");
    fail(&breaker).await;
    fail(&breaker).await;
    assert!(breaker.call(ready(Ok::<_, &str>(()))).await.is_err());
    sleep(Duration::from_secs(11)).await;
    breaker.call(ready(Ok::<_, &str>(()))).await.expect("a success");
    let expected = [
        ("calls", "success", (1, 0)),
        ("turns", "open", (3, 2)),
        ("calls", "reject", (4, 2)),
        ("turns", "halfOpen", (0, 0)),
        ("turns", "close", (0, 0)),
        ("calls", "success", (0, 0)),
    ];
    let said = said.lock().expect("not poisoned");
    let kinds = |said: &[(&'static str, &'static str, (u64, u64))]| -> Vec<_> {
        said.iter().map(|(who, kind, _)| (*who, *kind)).collect()
    };
    assert_eq!(kinds(&said), kinds(&expected));
    assert_eq!(said[..3], expected[..3], "with the counts of the moment");
}

#[test]
fn without_a_runtime_half_open_is_told_with_the_next_step_and_before_it() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&said);
    let breaker = Breaker::builder("test").reset(Duration::from_nanos(1)).on_event(move |event| {
        listener.lock().expect("not poisoned").push((
            event.kind.name(),
            event.status.state,
            event.status.turns,
        ));
    });
    let breaker = breaker.build().expect("these settings are right");
    breaker.open();
    breaker.open();
    let expected = [("open", State::Open, 1), ("halfOpen", State::HalfOpen, 2), ("open", State::Open, 3)];
    assert_eq!(*said.lock().expect("not poisoned"), expected);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_told_though_it_counts_for_nothing() {
    let (breaker, told) = breaker();
    let slow = breaker.clone();
    let slow = tokio::spawn(async move { slow.call(pending::<Result<(), &str>>()).await });
    yield_now().await;
    breaker.open();
    assert!(slow.await.expect("no panic").is_err());
    assert_eq!(take(&told), ["fire", "open", "timeout", "failure"]);
    assert_eq!(breaker.snapshot().counts.failures, 0);
}

#[tokio::test(start_paused = true)]
async fn one_task_waits_while_the_circuit_is_open_and_none_else() {
    let (breaker, told) = breaker();
    assert_eq!(tasks(), 0);
    for _ in 0..100 {
        breaker.open();
        breaker.open();
        yield_now().await;
        assert_eq!(tasks(), 1);
        breaker.close();
        yield_now().await;
        assert_eq!(tasks(), 0);
    }
    breaker.open();
    for _ in 0..10 {
        // Refused calls make no more of them.
        assert!(breaker.call(ready(Ok::<_, &str>(()))).await.is_err());
        assert_eq!(tasks(), 1);
    }
    take(&told);
    drop(breaker);
    yield_now().await;
    assert_eq!(tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_task_waits_where_nobody_listens_or_for_the_end_of_time() {
    let silent = Breaker::builder("test").build().expect("the defaults are right");
    silent.open();
    let eternal = Breaker::builder("test").reset(Duration::MAX).on_event(|_| {}).build().expect("right, too");
    eternal.open();
    assert!(eternal.call(ready(Ok::<_, &str>(()))).await.is_err());
    yield_now().await;
    assert_eq!(tasks(), 0);
}

#[test]
fn a_breaker_outlives_the_runtime_that_it_was_opened_in() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let (breaker, told) = breaker();
    runtime().expect("a runtime").block_on(async { breaker.open() });
    breaker.close();
    runtime().expect("another").block_on(async {
        breaker.open();
        sleep(Duration::from_secs(11)).await;
    });
    assert_eq!(take(&told), ["open", "close", "open", "halfOpen"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_harms_nobody() {
    let told = Told::default();
    let second = Arc::clone(&told);
    let breaker = Breaker::builder("test")
        .on_event(|_| panic!("on purpose"))
        .on_event(move |event| second.lock().expect("not poisoned").push(event.kind.name()))
        .build()
        .expect("the defaults are right");
    // The call panics too, so that the listeners are told while the thread unwinds.
    let joined =
        tokio::spawn(
            async move { breaker.call(async { panic!("on purpose, too") as Result<(), &str> }).await },
        );
    assert!(joined.await.expect_err("it panicked").is_panic());
    assert_eq!(take(&told), ["fire", "failure", "open"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_use_the_breaker() {
    let slot: Arc<Mutex<Option<Breaker>>> = Arc::default();
    let seen = Arc::clone(&slot);
    let breaker = Breaker::builder("test")
        .on_event(move |event| {
            let breaker = seen.lock().expect("not poisoned").clone();
            if let (breaker::EventKind::Open, Some(breaker)) = (event.kind, breaker) {
                breaker.close();
            }
        })
        .build()
        .expect("the defaults are right");
    *slot.lock().expect("not poisoned") = Some(breaker.clone());
    fail(&breaker).await;
    assert_eq!(breaker.state(), State::Closed);
    *slot.lock().expect("not poisoned") = None;
}

#[tokio::test(start_paused = true)]
async fn the_timer_follows_the_circuit_through_many_openings() {
    let (breaker, told) = breaker();
    for _ in 0..100 {
        breaker.open();
        breaker.close();
    }
    advance(Duration::from_secs(9)).await;
    breaker.open();
    take(&told);
    sleep(Duration::from_secs(9)).await;
    assert_eq!(take(&told), Vec::<&str>::new(), "the earlier openings' time is not this one's");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(take(&told), ["halfOpen"], "once");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_breaker_is_gone_at_once() {
    let held = Arc::new(());
    let in_listener = Arc::clone(&held);
    let breaker = Breaker::builder("test").on_event(move |_| drop(Arc::clone(&in_listener))).build();
    let breaker = breaker.expect("the defaults are right");
    breaker.open();
    tokio::task::yield_now().await;
    drop(breaker);
    assert_eq!(Arc::strong_count(&held), 1, "though its timer was running");
}

#[test]
fn a_call_without_a_place_is_told_as_a_failure_only_where_it_counts_as_one() {
    for full_is_failure in [true, false] {
        let told = Told::default();
        let listener = Arc::clone(&told);
        let breaker = Breaker::builder("test")
            .settings(Settings { capacity: Some(0), volume: 9, full_is_failure, ..Settings::default() })
            .on_event(move |event| listener.lock().expect("not poisoned").push(event.kind.name()))
            .build()
            .expect("right");
        assert!(breaker.permit().is_err());
        let expected: &[_] = if full_is_failure {
            &["fire", "semaphoreLocked", "failure"]
        } else {
            &["fire", "semaphoreLocked"]
        };
        assert_eq!(take(&told), expected);
    }
}
