//! Times in JSON: milliseconds, to the microsecond, in fields whose names end in `_ms`.

use serde::{Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// A time that is written in milliseconds; whole ones without a decimal point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Millis(pub(crate) Duration);

impl Millis {
    fn number(self) -> f64 {
        u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX) as f64 / 1_000.0
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = self.number();
        if number.fract() == 0.0 {
            serializer.serialize_u64(number as u64)
        } else {
            serializer.serialize_f64(number)
        }
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}
