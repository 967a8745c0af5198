//! `traceparent`, read as strictly as the Recommendation asks: `00-<trace>-<parent>-<flags>`.

use super::{SpanId, TRACEPARENT, TraceId};
use axum::http::HeaderMap;
use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

/// The one flag that is defined.
const SAMPLED: u8 = 1;
/// `00-` and the three fields that version 00 has.
const LENGTH: usize = 55;

/// What `traceparent` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    pub(super) sampled: bool,
}

impl Parent {
    /// None where there is no header, more than one, or one that cannot be read.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        match (values.next(), values.next()) {
            (Some(only), None) => Self::read(only.to_str().ok()?),
            _ => None,
        }
    }

    /// A version that is not known yet may have more behind what ours has, after one more dash.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (ours, more) = text.split_at_checked(LENGTH)?;
        let mut fields = ours.split('-');
        let mut field = |digits| fields.next().and_then(|field| hex(field, digits));
        let (version, trace, span, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        let complete = match version {
            0x00 => more.is_empty(),
            0xff => false,
            _ => more.is_empty() || more.starts_with('-'),
        };
        if !complete {
            return None;
        }
        Some(Self {
            trace: TraceId(NonZeroU128::new(trace)?),
            span: SpanId(NonZeroU64::new(u64::try_from(span).ok()?)?),
            sampled: u8::try_from(flags).ok()? & SAMPLED != 0,
        })
    }
}

/// So many hexadecimal digits, all of them lower case.
fn hex(field: &str, digits: usize) -> Option<u128> {
    let right = field.len() == digits && field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if right { u128::from_str_radix(field, 16).ok() } else { None }
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Piece by piece: several times as fast as with widths.
        for piece in ["00-", self.trace.digits(&mut [0; 32]), "-", self.span.digits(&mut [0; 32])] {
            f.write_str(piece)?;
        }
        f.write_str(if self.sampled { "-01" } else { "-00" })
    }
}
