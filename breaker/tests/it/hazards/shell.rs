//! Listeners, wake-ups and the timer.

use super::{Gate, Meeting, ms};
use crate::shell::{Told, take};
use breaker::{Breaker, Clock, EventKind, Mode, State, Trip};
use std::future::{pending, ready};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{advance, sleep};

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Bell {
    fn rung(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

// tower-resilience: a task hung for ever, with no waker left.
#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_woken_by_its_work_and_by_its_time_out() {
    let breaker = Breaker::builder("test").build().expect("right");
    let [first, second] = [(); 2].map(|()| Arc::new(Bell::default()));
    let [first_waker, second_waker] = [&first, &second].map(|bell| Waker::from(Arc::clone(bell)));

    let (answer, work) = oneshot::channel();
    let mut call = Box::pin(breaker.call(work));
    assert!(call.as_mut().poll(&mut Context::from_waker(&first_waker)).is_pending());
    answer.send(7).expect("somebody waits");
    assert_eq!(first.rung(), 1, "by its work");
    assert_eq!(call.as_mut().poll(&mut Context::from_waker(&first_waker)), Poll::Ready(Ok(7)));

    // Polled by one task and then by another, as after a move between the arms of a select.
    let mut call = Box::pin(breaker.call(pending::<Result<(), &str>>()));
    assert!(call.as_mut().poll(&mut Context::from_waker(&first_waker)).is_pending());
    advance(ms(100)).await;
    assert!(call.as_mut().poll(&mut Context::from_waker(&second_waker)).is_pending());
    advance(ms(200)).await;
    tokio::task::yield_now().await;
    assert_eq!(second.rung(), 1, "by its time-out");
    assert!(call.as_mut().poll(&mut Context::from_waker(&second_waker)).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_waits_is_woken() {
    let breaker = Breaker::builder("test").build().expect("right");
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let (answer, instead) = oneshot::channel();
    let call = breaker.call(ready(Err::<u32, _>("no")));
    let mut call = Box::pin(call.or_else(async |_| Ok(instead.await.expect("answered"))));
    assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    answer.send(7).expect("somebody waits");
    assert_eq!(bell.rung(), 1);
    assert_eq!(call.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(Ok(7)));
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_costs_nobody_anything() {
    let told = Told::default();
    let after = Arc::clone(&told);
    let breaker = Breaker::builder("test")
        .on_event(|_| panic!("on purpose, in a listener"))
        .on_event(move |event| after.lock().expect("not poisoned").push(event.kind.name()))
        .build()
        .expect("right");
    assert!(breaker.call(ready(Err::<(), _>("no"))).await.is_err());
    assert_eq!(take(&told), ["fire", "failure", "open"], "the next listener is told");
    sleep(ms(10_001)).await;
    assert_eq!(take(&told), ["halfOpen"], "and the timer goes on");
    assert_eq!(breaker.call(ready(Ok::<_, &str>(7))).await, Ok(7));
    assert_eq!((breaker.state(), breaker.snapshot().in_flight), (State::Closed, 0));
}

#[test]
fn a_listener_that_blocks_holds_up_nobody_else() {
    let kinds = [EventKind::Fire, EventKind::Failure, EventKind::Open, EventKind::HalfOpen, EventKind::Close];
    for blocked_at in kinds {
        let (gate, once) = (Gate::default(), AtomicBool::new(false));
        let (is_blocked, blocked) = mpsc::channel();
        let clock = Clock::manual();
        let held = gate.clone();
        let breaker = Breaker::builder("test")
            .clock(clock.clone())
            .on_event(move |event| {
                if event.kind == blocked_at && !once.swap(true, Ordering::SeqCst) {
                    is_blocked.send(()).expect("somebody waits");
                    held.pass();
                }
            })
            .build()
            .expect("right");
        let (done, is_done) = mpsc::channel();
        std::thread::scope(|scope| {
            let first = breaker.clone();
            scope.spawn(move || {
                let _ = first.call_blocking(|| Err::<(), _>("no"));
                first.open();
                clock.advance(ms(10_000));
                let _ = first.call_blocking(|| Ok::<_, &str>(()));
            });
            blocked.recv().expect("the first thread gets there");
            let second = breaker.clone();
            scope.spawn(move || {
                for _ in 0..crate::times(100, 2) {
                    let _ = second.call_blocking(|| Ok::<_, &str>(()));
                    let _ = second.status();
                    let _ = second.snapshot();
                    second.open();
                    second.close();
                }
                done.send(()).expect("somebody waits");
            });
            let second = is_done.recv_timeout(Duration::from_secs(30));
            gate.open();
            assert!(second.is_ok(), "a listener blocked at {blocked_at:?} held up another thread");
        });
    }
}

#[test]
fn a_look_ahead_takes_no_change_of_state_from_the_listeners() {
    let told = Told::default();
    let listener = Arc::clone(&told);
    let clock = Clock::manual();
    let breaker = Breaker::builder("test")
        .clock(clock.clone())
        .on_event(move |event| listener.lock().expect("not poisoned").push(event.kind.name()))
        .build()
        .expect("right");
    breaker.open();
    clock.advance(ms(10_000));
    assert_eq!(breaker.would_refuse(), None);
    breaker.permit().expect("the probe").success();
    assert_eq!(take(&told), ["open", "halfOpen", "fire", "close", "success"]);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_made_all_the_same_tell_what_they_opened() {
    for trip in [Trip::PileUp(1), Trip::Failures(1)] {
        let told = Told::default();
        let listener = Arc::clone(&told);
        let breaker = Breaker::builder("test")
            .capacity(matches!(trip, Trip::Failures(_)).then_some(1))
            .trip(trip)
            .on_event(move |event| listener.lock().expect("not poisoned").push(event.kind.name()))
            .build()
            .expect("right");
        breaker.set_mode(Mode::MetricsOnly);
        let permits = [breaker.permit(), breaker.permit()];
        assert_eq!((breaker.state(), permits.each_ref().map(Result::is_ok)), (State::Open, [true; 2]));
        assert_eq!(take(&told), ["fire", "fire", "open"]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_timer_is_kept_though_threads_meet() {
    // One thread takes a step while another opens the circuit: what the first knew of the state is old.
    const ROUNDS: usize = crate::times(2_000, 10);
    let told = Arc::new(AtomicUsize::new(0));
    let half_opened = Arc::clone(&told);
    let breaker = Breaker::builder("test")
        .on_event(move |event| {
            half_opened.fetch_add(usize::from(event.kind == EventKind::HalfOpen), Ordering::SeqCst);
        })
        .build()
        .expect("right");
    let (meeting, done) = (Arc::new(Meeting::default()), Arc::new(AtomicUsize::new(0)));
    let (theirs, ended) = (Arc::clone(&meeting), Arc::clone(&done));
    let (runtime, other) = (tokio::runtime::Handle::current(), breaker.clone());
    let thread = std::thread::spawn(move || {
        let _runtime = runtime.enter();
        for round in 0..ROUNDS {
            theirs.meet(2, round);
            other.enable();
            ended.fetch_add(1, Ordering::SeqCst);
        }
    });
    for round in 0..ROUNDS {
        meeting.meet(2, round);
        // A little earlier or later each time.
        (0..round % 40 * 2).for_each(|_| std::hint::spin_loop());
        breaker.open();
        while done.load(Ordering::SeqCst) == round {
            std::hint::spin_loop();
        }
        sleep(ms(10_001)).await;
        assert_eq!(told.load(Ordering::SeqCst), round + 1, "told in time, though nobody calls");
        breaker.close();
    }
    thread.join().expect("it does not panic");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_that_is_dropped_is_gone_with_its_listeners_and_its_timer() {
    let alive = Arc::new(());
    for _ in 0..crate::times(1_000, 20) {
        let held = Arc::clone(&alive);
        let breaker =
            Breaker::builder("test").on_event(move |_| drop(Arc::clone(&held))).build().expect("right");
        breaker.open();
        drop(breaker);
    }
    assert_eq!(Arc::strong_count(&alive), 1);
    // The runtime clears away some tasks at a time.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}
