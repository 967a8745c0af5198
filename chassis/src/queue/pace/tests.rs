//! Fast while it goes well, slower and slower while it does not.

use super::*;

const IDLE: Batch = Batch { done: 0, missed: 0 };
const DONE: Batch = Batch { done: 8, missed: 0 };
const RESET: Duration = Duration::from_secs(10);
const MISSED: Batch = Batch { done: 0, missed: 8 };

#[test]
fn a_queue_that_drains_drains_at_once() {
    let mut pace = Pace::default();
    assert_eq!(pace.after(DONE, RESET, 0.5), Duration::ZERO);
    assert_eq!(pace.after(DONE, RESET, 0.5), Duration::ZERO);
    assert_eq!(pace.after(IDLE, RESET, 0.5), TICK);
}

#[test]
fn a_failure_here_and_there_holds_nobody_up() {
    let mut pace = Pace::default();
    for missed in 0..=4 {
        assert_eq!(
            pace.after(Batch { done: 8 - missed, missed }, RESET, 0.0),
            Duration::ZERO,
            "{missed} of 8"
        );
    }
    assert_eq!(pace.after(Batch { done: 3, missed: 5 }, RESET, 0.0).as_millis(), 100, "more than half");
    assert_eq!(pace.after(Batch { done: 1, missed: 7 }, RESET, 0.0).as_millis(), 200);
    assert_eq!(pace.after(Batch { done: 1, missed: 0 }, RESET, 0.0), Duration::ZERO);
    assert_eq!(pace.after(MISSED, RESET, 0.0).as_millis(), 100);
}

#[test]
fn a_queue_that_does_not_is_left_alone_longer_and_longer() {
    let mut pace = Pace::default();
    let waits: Vec<_> = (0..8).map(|_| pace.after(MISSED, RESET, 0.0).as_millis()).collect();
    assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    assert_eq!(pace.after(MISSED, RESET, 1.0), Duration::from_millis(2_500), "down to the half, by chance");
    assert_eq!(pace.after(IDLE, RESET, 0.0), TICK);
    assert_eq!(pace.after(MISSED, RESET, 0.0).as_millis(), 5_000, "an idle moment changes nothing");
    assert_eq!(pace.after(DONE, RESET, 0.0), Duration::ZERO);
    assert_eq!(pace.after(MISSED, RESET, 0.0).as_millis(), 100, "one success does");
}

#[test]
fn what_the_circuit_has_waited_for_is_not_waited_for_again() {
    let mut pace = Pace::default();
    pace.after(MISSED, RESET, 0.0);
    pace.after(MISSED, RESET, 0.0);
    pace.left_to_the_circuit();
    assert_eq!(pace.after(MISSED, RESET, 0.0).as_millis(), 100);
}

#[test]
fn no_pause_is_longer_than_the_circuits_own() {
    let mut pace = Pace::default();
    let reset = Duration::from_millis(150);
    let waits: Vec<_> = (0..3).map(|_| pace.after(MISSED, reset, 0.0).as_millis()).collect();
    assert_eq!(waits, [100, 150, 150]);
}

#[test]
fn places_are_left_to_others() {
    assert_eq!(room(None), limits::RELAY);
    let room = |places, under_way| super::room(Some((places, under_way)));
    assert_eq!([1, 2, 3, 4, 15, 16, u32::MAX].map(|places| room(places, 0)), [1, 1, 1, 2, 7, 8, 8]);
    assert_eq!([0, 8, 14, 15, 16, 17].map(|under_way| room(16, under_way)), [8, 8, 2, 1, 0, 0]);
    assert_eq!([room(1, 1), room(2, 1), room(2, 2)], [0, 1, 0]);
}
