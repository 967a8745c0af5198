//! A setting that no circuit can work with is refused where the breaker is made, and named.

use breaker::{
    Backoff, Breaker, Longest, ProbeVerdict, Probing, Ramp, Settings, Threshold, Trip, WarmUp, Window,
};
use std::time::Duration;

fn refused(settings: Settings) -> String {
    Breaker::builder("test").settings(settings).build().expect_err("must be refused").to_string()
}

fn time(length: Duration, buckets: u32) -> Window {
    Window::Time { length, buckets }
}

fn errors_above(percent: f64) -> Trip {
    Trip::Errors(Threshold::Above(percent))
}

fn slow_above(percent: f64) -> Trip {
    Trip::Slow { than: Duration::from_millis(200), share: Threshold::Above(percent) }
}

fn ramp(from: f64, over: Duration) -> Probing {
    Probing { ramp: Some(Ramp { from, over }), ..Probing::default() }
}

#[test]
fn the_defaults_are_those_of_the_retail_stack() {
    let settings = Settings::default();
    assert_eq!(settings.timeout, Some(Duration::from_millis(300)));
    assert_eq!(settings.trip, errors_above(50.0));
    assert_eq!(settings.reset, Duration::from_secs(10));
    assert_eq!(settings.window, Window::Time { length: Duration::from_secs(10), buckets: 10 });
    assert_eq!((settings.volume, settings.capacity), (0, None));
    assert_eq!(settings.check(), Ok(()));
}

#[test]
fn every_rule_has_its_sentence() {
    let of = Settings::default;
    let longest = Longest { after: Duration::ZERO, then_close: false };
    let wrong = [
        (Settings { timeout: Some(Duration::ZERO), ..of() }, "timeout is zero"),
        (Settings { window: time(Duration::from_secs(10), 0), ..of() }, "buckets is 0"),
        (Settings { window: time(Duration::from_secs(10), 1_001), ..of() }, "buckets is 1001"),
        (Settings { window: time(Duration::from_nanos(9), 10), ..of() }, "window is 9ns, too short"),
        (Settings { window: Window::Calls(0), ..of() }, "window is 0 calls"),
        (Settings { window: Window::Calls(100_001), ..of() }, "window is 100001 calls"),
        (
            Settings { window: Window::Calls(9), volume: 10, ..of() },
            "volume is 10, but the window holds 9 calls",
        ),
        (Settings { trip: errors_above(-0.1), ..of() }, "threshold is -0.1"),
        (Settings { trip: errors_above(100.1), ..of() }, "threshold is 100.1"),
        (Settings { trip: errors_above(f64::NAN), ..of() }, "threshold is NaN"),
        (Settings { trip: Trip::Any(vec![slow_above(101.0)]), ..of() }, "threshold is 101"),
        (
            Settings { timeout: Some(Duration::from_millis(199)), trip: slow_above(50.0), ..of() },
            "a call is slow from 200ms on, but given up after 199ms",
        ),
        (
            Settings { trip: Trip::Slow { than: Duration::ZERO, share: Threshold::Above(1.0) }, ..of() },
            "trip.slow.than is zero",
        ),
        (
            Settings { trip: Trip::Failures(10), window: Window::Calls(9), ..of() },
            "trip.failures is 10, but the window holds 9 calls",
        ),
        (
            Settings { reset: Duration::from_secs(61), backoff: Some(Backoff::default()), ..of() },
            "backoff ceiling is 60s, below reset, 61s",
        ),
        (Settings { trip: Trip::Consecutive(0), ..of() }, "trip.consecutive is zero"),
        (Settings { trip: Trip::Failures(0), ..of() }, "trip.failures is zero"),
        (Settings { trip: Trip::PileUp(0), ..of() }, "trip.pile_up is zero"),
        (Settings { trip: Trip::Any(vec![]), ..of() }, "trip.any holds no rule"),
        (Settings { trip: Trip::Any(vec![Trip::All(vec![])]), ..of() }, "trip.all holds no rule"),
        (Settings { trip: Trip::Any(vec![Trip::Consecutive(1); 100]), ..of() }, "trip is made of 101 rules"),
        (Settings { reset: Duration::ZERO, ..of() }, "reset is zero"),
        (
            Settings { backoff: Some(Backoff { factor: 0.9, ..Backoff::default() }), ..of() },
            "backoff factor is 0.9",
        ),
        (Settings { probing: Probing { at_once: 0, ..Probing::default() }, ..of() }, "probing.at_once is 0"),
        (
            Settings {
                probing: Probing { verdict: ProbeVerdict::Rate(1_001), ..Probing::default() },
                ..of()
            },
            "probing.verdict is 1001",
        ),
        (
            Settings {
                trip: Trip::Any(vec![Trip::Consecutive(4), Trip::PileUp(1)]),
                probing: Probing { verdict: ProbeVerdict::Rate(3), ..Probing::default() },
                ..of()
            },
            "probing.verdict has 3 probes judged by trip, which cannot fire on so few",
        ),
        (
            Settings {
                trip: Trip::All(vec![Trip::Errors(Threshold::Above(1.0)), Trip::Failures(4)]),
                probing: Probing { verdict: ProbeVerdict::Rate(3), ..Probing::default() },
                ..of()
            },
            "probing.verdict has 3 probes judged by trip",
        ),
        (
            Settings { probing: Probing { lease: Some(Duration::ZERO), ..Probing::default() }, ..of() },
            "probing.lease is zero",
        ),
        (
            Settings { probing: Probing { longest: Some(longest), ..Probing::default() }, ..of() },
            "probing.longest.after is zero",
        ),
        (Settings { probing: ramp(0.0, Duration::from_secs(1)), ..of() }, "probing.ramp.from is 0"),
        (Settings { probing: ramp(100.1, Duration::from_secs(1)), ..of() }, "probing.ramp.from is 100.1"),
        (Settings { probing: ramp(5.0, Duration::ZERO), ..of() }, "probing.ramp.over is zero"),
    ];
    for (settings, sentence) in wrong {
        let refusal = refused(settings);
        assert!(refusal.starts_with(sentence), "{refusal:?} should begin with {sentence:?}");
    }
}

#[test]
fn the_limits_themselves_are_allowed() {
    let of = Settings::default;
    for settings in [
        Settings { timeout: None, ..of() },
        Settings {
            timeout: Some(Duration::MAX),
            reset: Duration::MAX,
            window: time(Duration::MAX, 10),
            ..of()
        },
        Settings {
            trip: errors_above(0.0),
            window: time(Duration::from_secs(1), 1),
            capacity: Some(0),
            ..of()
        },
        Settings {
            trip: errors_above(100.0),
            window: time(Duration::from_secs(1), 1_000),
            volume: u64::MAX,
            ..of()
        },
        Settings { window: time(Duration::from_nanos(10), 10), ..of() },
        Settings { timeout: Some(Duration::from_millis(200)), trip: slow_above(50.0), ..of() },
        Settings { trip: Trip::Failures(9), window: Window::Calls(9), ..of() },
        Settings { reset: Duration::from_secs(60), backoff: Some(Backoff::default()), ..of() },
        Settings { window: Window::Calls(100_000), volume: 100_000, ..of() },
        Settings { trip: Trip::Any(vec![Trip::Consecutive(1); 99]), ..of() },
        Settings { probing: ramp(100.0, Duration::from_nanos(1)), ..of() },
    ] {
        assert_eq!(settings.check(), Ok(()), "{settings:?}");
    }
}

#[test]
fn every_setting_has_its_method() {
    let (two, three, four) = (Duration::from_secs(2), Duration::from_secs(3), Duration::from_secs(4));
    let breaker = Breaker::builder("test")
        .timeout(two)
        .error_threshold(12.5)
        .reset(three)
        .window(four, 7)
        .volume(8)
        .capacity(9)
        .warm_up(WarmUp::For(two))
        .build()
        .expect("these settings are right");
    let settings = Settings {
        timeout: Some(two),
        trip: errors_above(12.5),
        reset: three,
        window: time(four, 7),
        volume: 8,
        capacity: Some(9),
        warm_up: WarmUp::For(two),
        ..Settings::default()
    };
    assert_eq!(*breaker.settings(), settings);
    assert_eq!(breaker.name(), "test");
    let none =
        Breaker::builder("test").settings(settings).timeout(None).capacity(None).build().expect("right, too");
    assert_eq!((none.settings().timeout, none.settings().capacity), (None, None));
}
