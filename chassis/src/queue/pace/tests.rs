//! Fast while it goes well, slower and slower while it does not.

use super::*;

#[test]
fn a_queue_that_drains_drains_at_once() {
    let mut pace = Pace::default();
    assert_eq!(pace.after(Batch::Done, 0.5), Duration::ZERO);
    assert_eq!(pace.after(Batch::Done, 0.5), Duration::ZERO);
    assert_eq!(pace.after(Batch::Idle, 0.5), TICK);
}

#[test]
fn a_queue_that_does_not_is_left_alone_longer_and_longer() {
    let mut pace = Pace::default();
    let waits: Vec<_> = (0..8).map(|_| pace.after(Batch::Missed, 0.0).as_millis()).collect();
    assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    assert_eq!(pace.after(Batch::Missed, 1.0), Duration::from_millis(2_500), "down to the half, by chance");
    assert_eq!(pace.after(Batch::Idle, 0.0), TICK);
    assert_eq!(pace.after(Batch::Missed, 0.0).as_millis(), 5_000, "an idle moment changes nothing");
    assert_eq!(pace.after(Batch::Done, 0.0), Duration::ZERO);
    assert_eq!(pace.after(Batch::Missed, 0.0).as_millis(), 100, "one success does");
}
