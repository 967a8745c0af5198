//! Every setting has its key in our own shape.

use super::*;

#[test]
fn every_way_to_open_and_to_heal_has_its_key() {
    let config = toml(
        r#"
        [circuits.slow]
        preset = "hystrix"
        error_threshold = "none"
        slow_after = "900ms"
        slow_threshold = 80
        consecutive_failures = 5
        reset_factor = 3
        longest_reset = "5m"
        reset_jitter = "50%"
        probes = 2
        probe_successes = 4
        ramp = "30s"

        [circuits.last]
        preset = "resilience4j"
        window_calls = 50
        volume = 20
        slow_after = "none"

        [circuits.row]
        preset = "pybreaker"
        consecutive_failures = 3
        "#,
    );
    let second = Duration::from_secs;
    let slow = Trip::Slow { than: Duration::from_millis(900), share: Threshold::AtLeast(80.0) };
    let settings = Settings {
        trip: Trip::Any(vec![slow, Trip::Consecutive(5)]),
        backoff: Some(Backoff { factor: 3.0, ceiling: second(300), jitter: 0.5 }),
        probing: Probing {
            at_once: 2,
            verdict: ProbeVerdict::Successes(4),
            ramp: Some(Ramp { from: 5.0, over: second(30) }),
            ..Probing::default()
        },
        ..Settings::hystrix()
    };
    assert_eq!(consumer(&config, "slow").settings, settings);
    let last = Settings {
        window: Window::Calls(50),
        volume: 20,
        trip: Trip::Errors(Threshold::AtLeast(50.0)),
        ..Settings::resilience4j()
    };
    assert_eq!(consumer(&config, "last").settings, last);
    let row = Settings { trip: Trip::Consecutive(3), ..Settings::pybreaker() };
    assert_eq!(consumer(&config, "row").settings, row);
}

#[test]
fn every_setting_has_its_key() {
    let config = toml(
        r#"
        [defaults]
        failures = 7
        pile_up = 40
        rules = "all"
        rate_of = "ended"
        judged = "on-every-end"
        on_close = "clear"
        full_is_failure = false
        probe_successes = 6
        probe_lease = "3s"
        longest_half_open = "20s"
        half_open_ends = "closed"
        ramp = "30s"
        ramp_from = "12.5%"

        [circuits.less]
        pile_up = "none"
        failures = "none"
        probes_judged = 2
        probe_lease = "none"
        longest_half_open = "10s"
        ramp = "1m"

        [circuits.alone]
        error_threshold = "none"
        failures = "none"
        rules = "any"
        longest_half_open = "none"
        half_open_ends = "open"
        ramp = "none"
        ramp_from = 50
        "#,
    );
    let second = Duration::from_secs;
    let errors = Trip::Errors(Threshold::Above(50.0));
    let settings = Settings {
        trip: Trip::All(vec![errors.clone(), Trip::Failures(7), Trip::PileUp(40)]),
        rate_of: RateOf::Ended,
        judged: Judged::OnEveryEnd,
        on_close: OnClose::Clear,
        full_is_failure: false,
        probing: Probing {
            verdict: ProbeVerdict::Successes(6),
            lease: Some(second(3)),
            longest: Some(Longest { after: second(20), then_close: true }),
            ramp: Some(Ramp { from: 12.5, over: second(30) }),
            ..Probing::default()
        },
        ..Settings::default()
    };
    assert_eq!(consumer(&config, "any").settings, settings);
    let probing = Probing {
        verdict: ProbeVerdict::Rate(2),
        lease: None,
        longest: Some(Longest { after: second(10), then_close: true }),
        ramp: Some(Ramp { from: 12.5, over: second(60) }),
        ..settings.probing
    };
    let less = Settings { trip: errors, probing, ..settings.clone() };
    assert_eq!(consumer(&config, "less").settings, less);
    let probing = Probing { longest: None, ramp: None, ..settings.probing };
    let alone = Settings { trip: Trip::PileUp(40), probing, ..settings };
    assert_eq!(consumer(&config, "alone").settings, alone);
}
