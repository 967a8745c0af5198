//! What is read, and what is left of it.

use super::*;
use axum::http::HeaderValue;
use proptest::prelude::*;

fn of(values: &[&str], now: Instant) -> Result<Deadline, Problem> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(DEADLINE, HeaderValue::from_str(value).expect("a header"));
    }
    Deadline::of(&headers, now)
}

#[test]
fn it_is_what_is_left() {
    let now = Instant::now();
    let deadline = of(&["300"], now).expect("a number");
    assert!(!deadline.is_spent(now));
    assert!(!deadline.is_spent(now + Duration::from_millis(299)));
    assert!(deadline.is_spent(now + Duration::from_millis(300)));
    assert!(of(&["0"], now).expect("a number").is_spent(now));
    let none = of(&[], now).expect("none is none");
    assert!(!none.is_spent(now + Duration::from_secs(1_000_000)));
    assert_eq!(none.for_next(now), None);
}

#[test]
fn a_tenth_is_kept_back_for_our_own_answer() {
    let now = Instant::now();
    for (given, next) in [("300", 270), ("10", 5), ("5", 0), ("3", 0), ("0", 0), ("10000", 9_900)] {
        let deadline = of(&[given], now).expect("a number");
        assert_eq!(deadline.for_next(now), Some(Duration::from_millis(next)), "of {given}");
    }
    let deadline = of(&["300"], now).expect("a number");
    assert_eq!(deadline.for_next(now + Duration::from_secs(1)), Some(Duration::ZERO));
}

#[test]
fn what_is_no_number_is_refused() {
    let now = Instant::now();
    for wrong in ["", "-1", "+1", "1.5", "1e3", " 1", "1 ", "0x10", "12345678901", "abc", "300ms", "١"] {
        if let Ok(value) = HeaderValue::from_bytes(wrong.as_bytes()) {
            let headers = HeaderMap::from_iter([(DEADLINE.parse().expect("a name"), value)]);
            assert!(Deadline::of(&headers, now).is_err(), "{wrong:?}");
        }
    }
    assert!(of(&["1", "2"], now).is_err(), "which of them?");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            let now = Instant::now();
            let headers = HeaderMap::from_iter([(DEADLINE.parse().expect("a name"), value)]);
            let is_number = (1..=10).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit);
            prop_assert_eq!(Deadline::of(&headers, now).is_ok(), is_number);
        }
    }

    #[test]
    fn the_next_one_never_gets_more_than_is_left(given in 0_u64..10_000_000_000, passed in 0_u64..20_000) {
        let now = Instant::now();
        let deadline = of(&[&given.to_string()], now).expect("a number");
        let next = deadline.for_next(now + Duration::from_millis(passed)).expect("a limit");
        prop_assert!(next <= Duration::from_millis(given.saturating_sub(passed)));
    }
}
