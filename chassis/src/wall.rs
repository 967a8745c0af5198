//! The wall clock: read here and nowhere else.

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use std::time::Duration;
use uuid::Uuid;

/// A moment that is written as RFC 3339, to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At(pub(crate) Timestamp);

impl At {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self(now())
    }

    /// So much earlier.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        let earlier = SignedDuration::try_from(time).ok().and_then(|time| self.0.checked_sub(time).ok());
        Self(earlier.unwrap_or(Timestamp::MIN))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn since_1970(self) -> u64 {
        self.0.as_millisecond().try_into().unwrap_or(0)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0))
    }
}

/// Now.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Minutes and seconds of a time, as answers show them: `44:12`.
pub(crate) fn minutes_and_seconds(time: Timestamp) -> String {
    let seconds = time.as_second();
    format!("{:02}:{:02}", seconds / 60 % 60, seconds % 60)
}

/// A new key, and the time that it carries: keys sort in the order in which they were made.
pub(crate) fn new_key() -> (Uuid, Timestamp) {
    let key = Uuid::now_v7();
    (key, time_of(key).expect("a key of version 7 carries its time"))
}

/// The time that a key carries, to the millisecond.
pub(crate) fn time_of(key: Uuid) -> Option<Timestamp> {
    let (seconds, nanos) = key.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos / 1_000_000 * 1_000_000).ok()?).ok()
}

/// The time so much later than now.
pub(crate) fn after(time: Duration) -> Timestamp {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    now().checked_add(time).unwrap_or(Timestamp::MAX)
}

/// For how long a key has been there.
pub(crate) fn age(key: Uuid) -> Option<Duration> {
    let age = now().duration_since(time_of(key)?);
    // Made on a machine whose clock goes ahead of ours.
    Some(Duration::try_from(age).unwrap_or(Duration::ZERO))
}
