//! Tests of the breaker.

/// The rules, by arithmetic: no clock, no runtime.
mod circuit;
/// Settings from files: both shapes, as YAML and as TOML, and what is wrong with them.
#[cfg(feature = "config")]
mod config;
/// A file that changes while a registry goes by it.
#[cfg(feature = "config")]
mod config_watch;
/// What listeners are told, and the timer that tells half-open in time.
mod listeners;
/// Random traffic against a second, plain implementation of the rules.
mod model;
/// Many circuits: bounded, one for a name, told of what goes.
mod registry;
/// Random use of a registry against a plain account of it.
mod registry_model;
/// Names of circuits: two targets never share one by accident.
mod scope;
/// What cannot be set.
mod settings;
/// The shell: time-outs, cancellation, panics; on a moved clock.
mod shell;
/// Recorded traces of the real opossum.
mod traces;
