//! Times as people write them: `300ms`, `1.5s`, `1m30s`.

use std::time::Duration;

/// Units and their nanoseconds.
const UNITS: [(&str, u128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
/// Most digits on either side of the point: enough for any time, too few to overflow.
const MOST_DIGITS: usize = 18;

/// The sum of one or more numbers, each with its unit. Below a nanosecond it is cut.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut nanos = 0_u128;
    while {
        let (number, after) = split(rest, |letter| letter.is_ascii_digit() || letter == '.');
        let (unit, after) = split(after.trim_start(), |letter| letter.is_alphabetic());
        let (_, of_unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        nanos += scale(number, *of_unit)?;
        rest = after.trim_start();
        !rest.is_empty()
    } {}
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, u32::try_from(nanos % 1_000_000_000).ok()?))
}

/// A decimal number of units.
fn scale(number: &str, of_unit: u128) -> Option<u128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if [whole, part].iter().any(|digits| digits.is_empty() || digits.len() > MOST_DIGITS) {
        return None;
    }
    let tens = 10_u128.pow(u32::try_from(part.len()).ok()?);
    Some(whole.parse::<u128>().ok()? * of_unit + part.parse::<u128>().ok()? * of_unit / tens)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !belongs(letter)).unwrap_or(text.len()))
}
