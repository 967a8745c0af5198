//! The presets, held against what their models do: a recording of the real pybreaker, and tables derived by hand from
//! the sources of Hystrix and resilience4j, with the source of each row. opossum is recorded too: see `traces`.

/// A recording of the real one.
#[cfg(not(miri))] // Hundreds of them.
mod pybreaker;
/// A table of steps and what they lead to, played.
mod table;

use breaker::{OnClose, ProbeVerdict, RateOf, Settings, Threshold, Trip, WarmUp, Window};
use std::time::Duration;

// opossum 10.0.0, lib/circuit.js, constructor: timeout 10000, resetTimeout 30000, errorThresholdPercentage 50,
// rollingCountTimeout 10000, rollingCountBuckets 10, volumeThreshold 0, capacity MAX_SAFE_INTEGER, allowWarmUp false.
#[test]
fn opossums_defaults_are_opossums() {
    let settings = Settings::opossum();
    let seconds = Duration::from_secs;
    assert_eq!((settings.timeout, settings.reset), (Some(seconds(10)), seconds(30)));
    assert_eq!(settings.window, Window::Time { length: seconds(10), buckets: 10 });
    assert_eq!(settings.trip, Trip::Errors(Threshold::Above(50.0)));
    assert_eq!((settings.volume, settings.capacity, settings.warm_up), (0, None, WarmUp::Off));
    assert_eq!((settings.rate_of, settings.on_close), (RateOf::Asked, OnClose::Keep));
    assert_eq!((settings.probing.at_once, settings.probing.verdict), (1, ProbeVerdict::Successes(1)));
}

#[test]
fn opossums_rules_as_derived() {
    table::play(&Settings::opossum(), include_str!("presets/opossum.txt"));
}

#[test]
fn hystrixs_rules_as_derived() {
    table::play(&Settings::hystrix(), include_str!("presets/hystrix.txt"));
}

#[test]
fn resilience4js_rules_as_derived() {
    table::play(&Settings::resilience4j(), include_str!("presets/resilience4j.txt"));
}

#[test]
fn a_preset_that_differs_is_found() {
    let other = Settings { volume: 21, ..Settings::hystrix() };
    let found = std::panic::catch_unwind(|| table::play(&other, include_str!("presets/hystrix.txt")));
    assert!(found.is_err());
}
