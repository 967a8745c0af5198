//! A setting that no circuit can work with is refused where the breaker is made, and named.

use breaker::{Breaker, Settings, WarmUp};
use std::time::Duration;

fn refused(settings: Settings) -> String {
    Breaker::builder("test").settings(settings).build().expect_err("must be refused").to_string()
}

#[test]
fn the_defaults_are_those_of_the_retail_stack() {
    let settings = Settings::default();
    assert_eq!(settings.timeout, Some(Duration::from_millis(300)));
    assert_eq!(settings.error_threshold, 50.0);
    assert_eq!(settings.reset, Duration::from_secs(10));
    assert_eq!((settings.window, settings.buckets), (Duration::from_secs(10), 10));
    assert_eq!((settings.volume, settings.capacity), (0, None));
    assert_eq!(settings.check(), Ok(()));
}

#[test]
fn every_rule_has_its_sentence() {
    let of = Settings::default;
    let wrong = [
        (Settings { timeout: Some(Duration::ZERO), ..of() }, "timeout is zero"),
        (Settings { error_threshold: -0.1, ..of() }, "error_threshold is -0.1"),
        (Settings { error_threshold: 100.1, ..of() }, "error_threshold is 100.1"),
        (Settings { error_threshold: f64::NAN, ..of() }, "error_threshold is NaN"),
        (Settings { reset: Duration::ZERO, ..of() }, "reset is zero"),
        (Settings { buckets: 0, ..of() }, "buckets is 0"),
        (Settings { buckets: 1_001, ..of() }, "buckets is 1001"),
        (Settings { window: Duration::from_nanos(9), ..of() }, "window is 9ns, too short"),
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
        Settings { timeout: Some(Duration::MAX), reset: Duration::MAX, window: Duration::MAX, ..of() },
        Settings { error_threshold: 0.0, buckets: 1, capacity: Some(0), ..of() },
        Settings { error_threshold: 100.0, buckets: 1_000, volume: u64::MAX, ..of() },
        Settings { window: Duration::from_nanos(10), ..of() },
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
        error_threshold: 12.5,
        reset: three,
        window: four,
        buckets: 7,
        volume: 8,
        capacity: Some(9),
        warm_up: WarmUp::For(two),
    };
    assert_eq!(breaker.settings(), settings);
    assert_eq!(breaker.name(), "test");
    let none =
        Breaker::builder("test").settings(settings).timeout(None).capacity(None).build().expect("right, too");
    assert_eq!((none.settings().timeout, none.settings().capacity), (None, None));
}
