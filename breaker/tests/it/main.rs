//! Tests of the breaker.

/// The rules, by arithmetic: no clock, no runtime.
mod circuit;
/// The examples, run to their ends.
mod examples;
/// What listeners are told, and the timer that tells half-open in time.
mod listeners;
/// Random traffic against a second, plain implementation of the rules.
mod model;
/// What cannot be set.
mod settings;
/// The shell: time-outs, cancellation, panics; on a moved clock.
mod shell;
/// The tower layer: readiness, wake-ups, calls.
#[cfg(feature = "tower")]
mod tower;
/// Recorded traces of the real opossum.
mod traces;
