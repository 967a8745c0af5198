//! Files of settings: go-chassis' own examples as they stand, our own shape, and what is said of a wrong one.

/// What is said of a wrong file.
mod errors;
/// The keys of our own shape.
mod keys;
/// Any text.
mod parsers;

use breaker::config::{Config, ConfigError, FallbackPolicy, ServiceSettings};
use breaker::{
    Backoff, Breaker, Judged, Longest, Mode, OnClose, ProbeVerdict, Probing, Ramp, RateOf, Registry, Scope,
    Settings, Side, State, Threshold, Trip, WarmUp, Window,
};
use std::time::Duration;

const YAML: &str = include_str!("config/chassis.yaml");
const TOML: &str = include_str!("config/chassis.toml");
const INSTANCE: &str = include_str!("config/instance.yaml");

fn yaml(text: &str) -> Config {
    Config::from_yaml(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn toml(text: &str) -> Config {
    Config::from_toml(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn consumer<'a>(config: &'a Config, service: &str) -> &'a ServiceSettings {
    config.for_service(Side::Consumer, service)
}

/// Failures of a hundred calls that open a fresh circuit; `None` if none do.
async fn opens_at(settings: &Settings) -> Option<usize> {
    let breaker = Breaker::builder("test").settings(settings.clone()).build().expect("checked");
    for _ in 0..100 {
        let _ = breaker.call(async { Ok::<(), ()>(()) }).await;
    }
    for failures in 1..200 {
        let _ = breaker.call(async { Err::<(), ()>(()) }).await;
        if breaker.state() == State::Open {
            return Some(failures);
        }
    }
    None
}

#[test]
fn go_chassis_example_works_as_it_stands() {
    let config = yaml(YAML);
    let any = consumer(&config, "any");
    assert_eq!(any.settings.timeout, Some(Duration::from_millis(1)));
    assert_eq!((any.settings.capacity, any.settings.volume), (Some(100), 20));
    assert_eq!(any.settings.reset, Duration::from_secs(10));
    assert_eq!((any.mode, any.scope), (Mode::ForcedClosed, Scope::Api));
    assert_eq!((any.fallback.enabled, any.fallback.force), (true, false));
    assert_eq!(any.fallback.max_concurrent, Some(20));
    assert_eq!(any.fallback.policy, FallbackPolicy::ThrowException);

    let a = consumer(&config, "ServerA");
    assert_eq!(a.settings.timeout, Some(Duration::from_secs(1)));
    assert_eq!(a.settings.capacity, Some(1_000));
    assert_eq!((a.mode, a.settings.reset), (any.mode, any.settings.reset));

    let b = consumer(&config, "ServerB");
    assert_eq!(b.settings.timeout, any.settings.timeout);
    assert_eq!(b.mode, Mode::Auto);
    assert_eq!(b.fallback, any.fallback);
}

#[test]
fn its_other_example_names_another_scope() {
    let config = yaml(INSTANCE);
    assert_eq!(consumer(&config, "any").scope, Scope::InstanceApi);
    assert_eq!(consumer(&config, "ServerA").scope, Scope::InstanceApi);
    assert_eq!(consumer(&config, "ServerA").settings.timeout, Some(Duration::from_secs(1)));
}

#[test]
fn the_same_tree_as_toml_says_the_same() {
    assert_eq!(toml(TOML), yaml(YAML));
}

#[test]
fn what_a_file_does_not_say_is_go_chassis_constant() {
    let config = yaml("cse: {circuitBreaker: {Provider: {enabled: true}}}");
    let [called, answered] = [Side::Consumer, Side::Provider].map(|side| config.for_service(side, "any"));
    for of in [called, answered] {
        assert_eq!(of.settings.timeout, Some(Duration::from_secs(30)));
        assert_eq!((of.settings.capacity, of.settings.volume), (Some(1_000), 20));
        assert_eq!(of.settings.reset, Duration::from_secs(15));
        assert_eq!(of.settings.window, Window::default());
        assert_eq!((of.scope, of.fallback.enabled), (Scope::Api, true));
        assert_eq!(of.fallback.policy, FallbackPolicy::ThrowException);
    }
    assert_eq!((called.mode, answered.mode), (Mode::ForcedClosed, Mode::Auto));
}

#[tokio::test(start_paused = true)]
async fn go_chassis_opens_at_the_threshold_and_we_above_it() {
    let config = yaml("cse: {circuitBreaker: {Consumer: {errorThresholdPercentage: 50}}}");
    assert_eq!(opens_at(&consumer(&config, "any").settings).await, Some(100));
    let config = toml("[defaults]\nerror_threshold = 50");
    assert_eq!(opens_at(&consumer(&config, "any").settings).await, Some(101));
    let config = toml("[defaults]\npreset = 'hystrix'\n[circuits.a]\nerror_threshold = 50");
    assert_eq!(opens_at(&consumer(&config, "a").settings).await, Some(100));
    let config = yaml("cse: {circuitBreaker: {Consumer: {errorThresholdPercentage: 0}}}");
    assert_eq!(opens_at(&consumer(&config, "any").settings).await, Some(1));
}

#[test]
fn forced_open_wins_and_only_where_the_circuit_is_enabled() {
    let mode = |keys: &str| {
        let config = yaml(&format!("cse: {{circuitBreaker: {{Consumer: {{{keys}}}}}}}"));
        consumer(&config, "any").mode
    };
    assert_eq!(mode("enabled: true, forceOpen: true, forceClosed: true"), Mode::ForcedOpen);
    assert_eq!(mode("enabled: true, forceClosed: true"), Mode::ForcedClosed);
    assert_eq!(mode("enabled: true"), Mode::Auto);
    assert_eq!(mode("enabled: false, forceOpen: true"), Mode::ForcedClosed);
    assert_eq!(mode("forceOpen: true"), Mode::ForcedClosed);
}

#[test]
fn a_map_is_a_service_and_a_value_is_a_key() {
    let config = yaml(
        r#"
        cse:
          isolation:
            Consumer:
              shop.cart: {timeoutInMilliseconds: 7}
              404: {timeoutInMilliseconds: 8}
              nothing:
        "#,
    );
    assert_eq!(consumer(&config, "shop.cart").settings.timeout, Some(Duration::from_millis(7)));
    assert_eq!(consumer(&config, "404").settings.timeout, Some(Duration::from_millis(8)));
    assert_eq!(consumer(&config, "nothing"), consumer(&config, "any"));
    assert_ne!(config.for_service(Side::Provider, "404"), consumer(&config, "404"));
}

#[test]
fn a_circuit_is_found_by_its_scoped_name() {
    let config = yaml(
        "cse: {isolation: {Consumer: {a.b: {timeoutInMilliseconds: 7}}, Provider: {timeoutInMilliseconds: 9}}}",
    );
    let millis = |name: &str| config.for_circuit(name).settings.timeout.map(|timeout| timeout.as_millis());
    for name in ["a.b", r"Consumer.a\.b", r"Consumer.a\.b.items.list", r"Consumer.a\.b.web-1"] {
        assert_eq!(millis(name), Some(7), "{name}");
    }
    for name in ["a", "Consumer.a.b", "Consumer.a"] {
        assert_eq!(millis(name), Some(30_000), "{name}");
    }
    assert_eq!(millis("Provider.a.items.list"), Some(9));
    let registry = Registry::builder().plans(move |name| config.plan(name)).build();
    assert_eq!(registry.get("a.b").settings().timeout, Some(Duration::from_millis(7)));
}

#[test]
fn our_own_shape_says_everything() {
    let config = toml(
        r#"
        [defaults]
        timeout = "300ms"
        error_threshold = 25.5
        mode = "metrics-only"
        scope = "service"

        [circuits.payment]
        timeout = "none"
        error_threshold = "12%"
        reset = "1m30s"
        window = "1.5s"
        buckets = 3
        volume = 4
        capacity = 5
        warm_up = "2h"
        mode = "forced-open"
        scope = "instance"
        fallback = "yesterday's"

        [circuits."shop.cart"]
        preset = "hystrix"
        warm_up = "none"
        fallback = "null"
        "#,
    );
    let any = consumer(&config, "any");
    assert_eq!(any.settings, Settings { trip: Trip::Errors(Threshold::Above(25.5)), ..Settings::default() });
    assert_eq!((any.mode, any.scope), (Mode::MetricsOnly, Scope::Service));
    let payment = config.for_circuit("Consumer.payment.x.y");
    let settings = Settings {
        timeout: None,
        trip: Trip::Errors(Threshold::Above(12.0)),
        reset: Duration::from_secs(90),
        window: Window::Time { length: Duration::from_millis(1_500), buckets: 3 },
        volume: 4,
        capacity: Some(5),
        warm_up: WarmUp::For(Duration::from_secs(7_200)),
        ..Settings::default()
    };
    assert_eq!(payment.settings, settings);
    assert_eq!((payment.mode, payment.scope), (Mode::ForcedOpen, Scope::Instance));
    assert_eq!(payment.fallback.policy, FallbackPolicy::Own("yesterday's".to_owned()));
    // A preset begins anew, but for what is no setting.
    let cart = consumer(&config, "shop.cart");
    assert_eq!(cart.settings.timeout, Some(Duration::from_secs(1)));
    assert_eq!((cart.settings.volume, cart.settings.capacity), (20, Some(10)));
    assert_eq!((cart.mode, cart.scope), (Mode::MetricsOnly, Scope::Service));
    assert_eq!(cart.fallback.policy, FallbackPolicy::ReturnNull);
    // The same as YAML.
    let same = yaml("defaults: {timeout: 300ms, error_threshold: 25.5, mode: metrics-only, scope: service}");
    assert_eq!(consumer(&same, "any"), any);
}

#[test]
fn times_are_read_as_people_write_them() {
    let parse = |text: &str| {
        Config::from_toml(&format!("[defaults]\nreset = {text:?}"))
            .ok()
            .map(|config| consumer(&config, "any").settings.reset)
    };
    let right = [
        ("300ms", 300_000_000),
        ("10s", 10_000_000_000),
        ("1m", 60_000_000_000),
        ("1h 1m 1s", 3_661_000_000_000),
        ("1.25 s", 1_250_000_000),
        ("7ns", 7),
        ("0.5us", 500),
        ("3µs", 3_000),
    ];
    for (text, nanos) in right {
        assert_eq!(parse(text), Some(Duration::from_nanos(nanos)), "{text}");
    }
    let wrong = [
        "",
        "10",
        "s",
        "-1s",
        "1e3s",
        "10 seconds",
        "1.s",
        ".5s",
        "1..5s",
        "0s",
        "0.0ms",
        "1s,",
        "1s 2",
        "ms300",
        "9999999999999999999s",
        "999999999999999999h",
    ];
    for text in wrong {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn a_hostile_file_is_refused_in_time() {
    let deep = "[".repeat(100_000);
    assert!(matches!(Config::from_yaml(&deep), Err(ConfigError::Syntax { .. })));
    assert!(matches!(Config::from_toml(&format!("a = {deep}")), Err(ConfigError::Syntax { .. })));
    // Each line ten times the one before.
    let bomb: String = (1..12)
        .map(|line| {
            let before = vec![format!("*a{}", line - 1); 10].join(", ");
            format!("a{line}: &a{line} [{before}]\n")
        })
        .collect();
    assert!(matches!(Config::from_yaml(&format!("a0: &a0 lol\n{bomb}")), Err(ConfigError::Syntax { .. })));
    let long_key = format!("circuits: {{a: {{{}: 1}}}}", "k".repeat(1_000));
    assert!(matches!(Config::from_yaml(&long_key), Err(ConfigError::Unknown { .. })));
}

#[test]
fn a_file_is_read_by_its_ending_and_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        Config::load(path)
    };
    assert_eq!(file("a.yaml", YAML.as_bytes()).expect("right"), yaml(YAML));
    assert_eq!(file("a.YML", YAML.as_bytes()).expect("right"), yaml(YAML));
    assert_eq!(file("a.toml", TOML.as_bytes()).expect("right"), yaml(YAML));
    assert!(matches!(file("a.json", b"{}"), Err(ConfigError::Format { .. })));
    assert!(matches!(file("b.yaml", b"\xff\xfe\xff"), Err(ConfigError::NotText { .. })));
    let mut long = YAML.as_bytes().to_vec();
    long.resize(1 << 20, b'\n');
    assert!(file("c.yaml", &long).is_ok());
    long.push(b'\n');
    assert!(matches!(file("c.yaml", &long), Err(ConfigError::TooLarge { .. })));
    // It takes no room on the disk, and must take none in memory.
    let endless = std::fs::File::create(folder.path().join("d.yaml")).expect("made");
    endless.set_len(1 << 40).expect("longer");
    let refused = Config::load(folder.path().join("d.yaml"));
    assert!(matches!(refused, Err(ConfigError::TooLarge { .. })), "{refused:?}");
    assert!(matches!(Config::load(folder.path()), Err(ConfigError::NotAFile { .. })));
    assert!(matches!(Config::load(folder.path().join("none.yaml")), Err(ConfigError::Read { .. })));
}
