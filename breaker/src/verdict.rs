//! What a result says about the callee.
//!
//! Three words rather than a yes or no: an answer that is neither good nor bad news (a call that its caller took back, a
//! request that was never valid) must be able to count for nothing, or it thins out the error rate.

/// What the circuit is to make of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The callee answered as it should. As a probe, it speaks for closing the circuit.
    Success,
    /// The callee failed. It counts against the circuit, and as a probe opens it again.
    Failure,
    /// It says nothing about the callee: the call gives its place back and counts neither way.
    Ignore,
}
