//! Circuits that are written down and taken up again.

use breaker::{Breaker, Clock, Mode, Outcome, Saved, Settings, State};
use std::time::Duration;

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn breaker(clock: &Clock) -> Breaker {
    Breaker::builder("test").clock(clock.clone()).volume(100).build().expect("these settings are right")
}

fn taken_up(saved: Saved, ago: Duration, clock: &Clock) -> Breaker {
    Breaker::builder("test").clock(clock.clone()).restore(saved, ago).build().expect("the defaults are right")
}

#[test]
fn it_goes_on_with_its_time() {
    let clock = Clock::manual();
    let before = breaker(&clock);
    clock.advance(ms(3_500));
    before.open();
    clock.advance(ms(4_000));
    let saved = before.save();
    assert_eq!((saved.at, saved.state, saved.probe_in), (ms(7_500), State::Open, Some(ms(6_000))));

    // The next process has a clock of its own, which begins anew; a second has passed in between.
    let clock = Clock::manual();
    let after = taken_up(saved, ms(1_000), &clock);
    let status = after.status();
    assert_eq!((status.state, status.probe_in), (State::Open, Some(ms(5_000))));
    assert_eq!((status.since, status.turns, after.now()), (ms(3_500), 1, ms(8_500)));
    clock.advance(ms(5_000));
    assert_eq!(after.state(), State::HalfOpen);
    after.permit().expect("the probe").success();
    assert_eq!((after.state(), after.status().turns), (State::Closed, 3));
}

#[test]
fn the_window_goes_on_sliding_and_the_totals_go_on_growing() {
    let clock = Clock::manual();
    let before = breaker(&clock);
    before.permit().expect("closed").failure();
    clock.advance(ms(5_000));
    before.permit().expect("closed").success();
    let under_way = before.permit().expect("closed");
    let saved = before.save();
    drop(under_way);

    let clock = Clock::manual();
    let after = taken_up(saved, Duration::ZERO, &clock);
    let snapshot = after.snapshot();
    assert_eq!((snapshot.counts.fires, snapshot.counts.failures, snapshot.counts.successes), (3, 1, 1));
    assert_eq!(snapshot.in_flight, 0, "nobody will hear of the call that was under way");
    clock.advance(ms(5_000));
    assert_eq!(after.snapshot().counts.failures, 0, "ten seconds after the failure");
    assert_eq!(after.snapshot().counts.successes, 1);
    after.permit().expect("closed").success();
    let totals = after.snapshot().totals;
    assert_eq!((totals.fires, totals.successes, totals.failures), (4, 2, 1));
}

#[test]
fn half_open_begins_anew_with_its_probes() {
    let clock = Clock::manual();
    let before = breaker(&clock);
    before.open();
    clock.advance(ms(10_000));
    let _probe = before.permit().expect("the probe");
    let after = taken_up(before.save(), Duration::ZERO, &Clock::manual());
    assert_eq!(after.state(), State::HalfOpen);
    after.permit().expect("another probe").success();
    assert_eq!(after.state(), State::Closed);
}

#[test]
fn a_mode_set_by_hand_stays() {
    let before = breaker(&Clock::manual());
    before.set_mode(Mode::ForcedOpen);
    let after = taken_up(before.save(), Duration::ZERO, &Clock::manual());
    assert_eq!(after.status().mode, Mode::ForcedOpen);
    assert!(after.permit().is_err());
}

#[test]
fn what_was_tampered_with_holds_nobody_for_long() {
    let before = breaker(&Clock::manual());
    before.open();
    let mut saved = before.save();
    saved.probe_in = Some(Duration::MAX);
    saved.since = Duration::MAX;
    saved.totals.fires = u64::MAX;
    saved.totals.failures = u64::MAX;
    let after = taken_up(saved, Duration::ZERO, &Clock::manual());
    assert_eq!(after.status().probe_in, Some(Settings::default().reset), "no longer than ever");
    assert!(after.permit().is_err());
    assert_eq!(after.snapshot().in_flight, 0);
}

#[cfg(feature = "serde")]
#[test]
fn it_survives_being_written_to_a_file() {
    let clock = Clock::manual();
    let before = breaker(&clock);
    before.permit().expect("closed").failure();
    before.open();
    let text = serde_json::to_string(&before.save()).expect("plain data");
    let saved: Saved = serde_json::from_str(&text).expect("what was written");
    assert_eq!(saved, before.save());
    assert!(text.contains(r#""state":"open""#), "{text}");
}

#[test]
fn outcomes_know_whether_they_count() {
    use Outcome::{Abandoned, Cancelled, Failure, Ignored, Panicked, Success, Timeout};
    assert!([Failure, Timeout, Panicked, Abandoned].into_iter().all(Outcome::is_failure));
    assert!(![Success, Cancelled, Ignored].into_iter().any(Outcome::is_failure));
}
