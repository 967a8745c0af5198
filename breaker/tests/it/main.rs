//! Tests of the breaker.

/// How waits grow.
mod backoff;
/// How many retries and hedges there may be.
mod budget;
/// A line before the places.
mod bulkhead;
/// The rules, by arithmetic: no clock, no runtime.
mod circuit;
/// Equal calls, made once.
mod coalesce;
/// Settings from files: both shapes, as YAML and as TOML, and what is wrong with them.
#[cfg(feature = "config")]
mod config;
/// A file that changes while a registry goes by it.
#[cfg(feature = "config")]
mod config_watch;
/// The examples, run to their ends.
mod examples;
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
/// Many circuits: bounded, one for a name, told of what goes.
mod registry;
/// Random use of a registry against a plain account of it.
mod registry_model;
/// Waits, attempts, and when it is no use.
mod retry;
/// Names of circuits: two targets never share one by accident.
mod scope;
/// What cannot be set.
mod settings;
/// Circuits shared through a real Redis, which is killed, frozen and cut off.
#[cfg(feature = "redis")]
mod shared;
/// The shell: time-outs, cancellation, panics; on a moved clock.
mod shell;
/// The tower layer: readiness, wake-ups, calls.
#[cfg(feature = "tower")]
mod tower;
/// Recorded traces of the real opossum.
mod traces;
