//! Tests of the breaker.

/// How waits grow.
mod backoff;
/// How many retries and hedges there may be.
mod budget;
/// The rules, by arithmetic: no clock, no runtime.
mod circuit;
/// Equal calls, made once.
mod coalesce;
/// What stands in for the breaker's own errors.
mod fallback;
/// Active health checks.
mod health;
/// A second attempt beside a slow one.
mod hedge;
/// What listeners are told, and the timer that tells half-open in time.
mod listeners;
/// Random traffic against a second, plain implementation of the rules.
mod model;
/// Layers together, and policies that cannot work.
mod policy;
/// Waits, attempts, and when it is no use.
mod retry;
/// What cannot be set.
mod settings;
/// The shell: time-outs, cancellation, panics; on a moved clock.
mod shell;
/// Recorded traces of the real opossum.
mod traces;
