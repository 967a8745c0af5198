//! What the end of a call says about the callee, in the judgement of the caller.

/// How a call is to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The callee did well.
    Success,
    /// The callee failed.
    Failure,
    /// It says nothing about the callee: the call counts neither way.
    Ignore,
}
