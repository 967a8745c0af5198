//! How waits grow, by arithmetic.

use breaker::{Backoff, BackoffError};
use proptest::prelude::{any, prop_assert, proptest};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn waits_double_up_to_a_minute() {
    let backoff = Backoff::default();
    let waits = [0, 1, 2, 5, 6, 7].map(|before| backoff.wait(SECOND, before, 0.0).as_secs());
    assert_eq!(waits, [1, 2, 4, 32, 60, 60]);
}

#[test]
fn chance_takes_its_part_off() {
    let backoff = Backoff::default();
    let waits = [0.0, 0.5, 1.0].map(|random| backoff.wait(SECOND * 10, 0, random));
    assert_eq!(waits.map(|wait| wait.as_millis()), [10_000, 9_000, 8_000]);
    let all = Backoff { jitter: 1.0, ..backoff };
    assert_eq!(all.wait(SECOND, 3, 1.0), Duration::ZERO);
    let none = Backoff { jitter: 0.0, ..backoff };
    assert_eq!(none.wait(SECOND, 3, 1.0), SECOND * 8);
}

#[test]
fn a_random_number_that_is_none_does_no_harm() {
    let backoff = Backoff::default();
    assert_eq!(backoff.wait(SECOND, 0, 7.0), backoff.wait(SECOND, 0, 1.0));
    assert_eq!(backoff.wait(SECOND, 0, -7.0), backoff.wait(SECOND, 0, 0.0));
    assert!(backoff.wait(SECOND, 0, f64::NAN) <= backoff.ceiling);
}

#[test]
fn a_factor_of_one_does_not_grow() {
    let backoff = Backoff { factor: 1.0, jitter: 0.0, ..Backoff::default() };
    assert_eq!(backoff.wait(SECOND, u32::MAX, 0.0), SECOND);
}

#[test]
fn nothing_grows_to_nothing() {
    // 2^2000 is infinite, and infinity times nothing is no number.
    assert_eq!(Backoff::default().wait(Duration::ZERO, 2_000, 0.0), Duration::ZERO);
}

#[test]
fn a_ceiling_without_end_is_reached_without_a_panic() {
    let backoff = Backoff { ceiling: Duration::MAX, jitter: 0.0, ..Backoff::default() };
    assert_eq!(backoff.wait(SECOND, u32::MAX, 0.0), Duration::MAX);
}

#[test]
fn what_cannot_work_is_said() {
    let right = Backoff::default();
    assert_eq!(right.check(), Ok(()));
    for factor in [0.9, 0.0, -2.0, f64::INFINITY] {
        assert_eq!(Backoff { factor, ..right }.check(), Err(BackoffError::Factor(factor)));
    }
    assert!(matches!(Backoff { factor: f64::NAN, ..right }.check(), Err(BackoffError::Factor(_))));
    for jitter in [-0.1, 1.1] {
        assert_eq!(Backoff { jitter, ..right }.check(), Err(BackoffError::Jitter(jitter)));
    }
    assert!(matches!(Backoff { jitter: f64::NAN, ..right }.check(), Err(BackoffError::Jitter(_))));
    let ceiling = Backoff { ceiling: Duration::ZERO, ..right };
    assert_eq!(ceiling.check(), Err(BackoffError::Ceiling));
    let said = ceiling.check().expect_err("just seen").to_string();
    assert_eq!(said, "backoff ceiling is zero: no wait could be longer than nothing");
}

proptest! {
    #[test]
    fn a_wait_is_never_above_the_ceiling_nor_below_its_part(
        factor in 1.0..10.0, jitter in 0.0..=1.0, random in 0.0..=1.0,
        first in 1_u64..100_000, ceiling in 1_u64..100_000, before in any::<u32>(),
    ) {
        let ceiling = Duration::from_millis(ceiling);
        let backoff = Backoff { factor, ceiling, jitter };
        let first = Duration::from_millis(first);
        let wait = backoff.wait(first, before, random);
        prop_assert!(wait <= ceiling);
        let least = first.min(ceiling).mul_f64(1.0 - jitter);
        prop_assert!(wait + Duration::from_nanos(2) >= least, "{wait:?} is below {least:?}");
    }
}
