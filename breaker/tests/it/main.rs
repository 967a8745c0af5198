//! Tests of the breaker.

/// How waits grow.
mod backoff;
/// Shadows, logs, subscribers, forced outcomes.
mod beside;
/// How many retries and hedges there may be.
mod budget;
/// A line before the places.
mod bulkhead;
/// The rules, by arithmetic: no clock, no runtime.
mod circuit;
/// Clocks that no test can move.
mod clock;
/// Equal calls, made once.
mod coalesce;
/// Settings from files: both shapes, as YAML and as TOML, and what is wrong with them.
#[cfg(feature = "config")]
mod config;
/// A file that changes while a registry goes by it.
#[cfg(feature = "config")]
mod config_watch;
/// The examples, run to their ends.
#[cfg(not(miri))] // Sockets, which miri has not.
mod examples;
/// What stands in for the breaker's own errors.
mod fallback;
/// What breakers get wrong: one test for each hazard.
mod hazards;
/// Active health checks.
mod health;
/// A second attempt beside a slow one.
mod hedge;
/// An hour of random faults on a moved clock: no rule is ever broken.
mod hour;
/// Records for the dashboard of Hystrix: every field, in every state, of every number and name.
#[cfg(feature = "hystrix")]
mod hystrix;
/// What listeners are told, and the timer that tells half-open in time.
mod listeners;
/// Random traffic against a second, plain implementation of the rules.
mod model;
/// Random traffic under random settings that change, against another such model.
mod model_half_open;
/// Layers together, and policies that cannot work.
mod policy;
/// The presets, held against what their models do.
mod presets;
/// Many circuits: bounded, one for a name, told of what goes.
mod registry;
/// Random use of a registry against a plain account of it.
mod registry_model;
/// Waits, attempts, and when it is no use.
mod retry;
/// Circuits that are written down.
mod saved;
/// Names of circuits: two targets never share one by accident.
mod scope;
/// What cannot be set.
mod settings;
/// Circuits shared through a real Redis, which is killed, frozen and cut off.
#[cfg(all(feature = "redis", not(miri)))] // A server is started: miri starts no programs.
mod shared;
/// The shell: time-outs, cancellation, panics; on a moved clock.
mod shell;
/// Many threads with everything at random: the sums are right.
mod stress;
/// The tower layer: readiness, wake-ups, calls.
#[cfg(feature = "tower")]
mod tower;
/// Recorded traces of the real opossum.
#[cfg(not(miri))] // By the thousand: hours.
mod traces;

/// How often something is done: less often under miri, which takes a thousand times as long.
const fn times<T: Copy>(usual: T, under_miri: T) -> T {
    if cfg!(miri) { under_miri } else { usual }
}
