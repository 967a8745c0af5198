//! What the end of a call says about the callee, in the judgement of the caller.

/// How a call is to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The callee did well.
    Success,
    /// The callee failed.
    Failure,
    /// Its answer was not there in time: a failure that is counted and told as a time-out, though it was the call itself
    /// that gave up, by a limit of its own (that of a client library, or what its own caller has left).
    Timeout,
    /// It says nothing about the callee: the call counts neither way.
    Ignore,
}

impl Verdict {
    /// Whether it speaks against the callee.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failure | Self::Timeout)
    }
}

/// Whether it failed, where nothing more is to be said.
impl From<bool> for Verdict {
    fn from(failed: bool) -> Self {
        if failed { Self::Failure } else { Self::Success }
    }
}
