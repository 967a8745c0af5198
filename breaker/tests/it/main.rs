//! Tests of the breaker.

/// How waits grow.
mod backoff;
/// The rules, by arithmetic: no clock, no runtime.
mod circuit;
/// Active health checks.
mod health;
/// What listeners are told, and the timer that tells half-open in time.
mod listeners;
/// Random traffic against a second, plain implementation of the rules.
mod model;
/// What cannot be set.
mod settings;
/// The shell: time-outs, cancellation, panics; on a moved clock.
mod shell;
/// Recorded traces of the real opossum.
mod traces;
