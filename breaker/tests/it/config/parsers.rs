//! Files of settings, from any text: nothing panics; what is taken can be used, what is refused is named.

use super::*;
use proptest::prelude::*;

/// Every key of our own shape, as the parser tells them; some of Go Chassis', and one that nobody has.
fn keys() -> Vec<String> {
    let error =
        Config::from_toml("[circuits.payment]\nquux = 1\n").expect_err("nothing is called so").to_string();
    let (_, own) = error.split_once("known here: ").expect("the keys that there are");
    let others = [
        "timeoutInMilliseconds",
        "maxConcurrentRequests",
        "enabled",
        "forceOpen",
        "errorThresholdPercentage",
        "misspelt",
    ];
    own.split(", ").chain(others).map(str::to_owned).collect()
}

/// Values as TOML and YAML both write them.
fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (0_u32..200).prop_map(|number| number.to_string()),
        "[1-9][0-9]{0,2}\\.[0-9]{1,3}",
        "\"[0-9.]{0,20}(ns|us|ms|s|m|h|%|)\"",
        "\"[0-9]{1,19}h[0-9]{1,19}m\"",
        prop::sample::select(vec![
            "true",
            "false",
            "\"none\"",
            "\"any\"",
            "\"all\"",
            "\"asked\"",
            "\"ended\"",
            "\"keep\"",
            "\"clear\"",
            "\"hystrix\"",
            "\"resilience4j\"",
            "\"pybreaker\"",
            "\"retail\"",
            "\"auto\"",
            "\"api\"",
            "\"open\"",
            "\"forced-open\"",
            "\"on-failure\"",
            "\"\"",
            "[]",
            "[1]",
            "[[]]",
        ])
        .prop_map(str::to_owned),
    ]
}

fn entries() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map(prop::sample::select(keys()), values(), 0..6)
        .prop_map(|entries| entries.into_iter().collect())
}

/// A circuit can be made of everything that is taken.
fn is_usable(config: &Config) -> Result<(), TestCaseError> {
    for name in ["payment", "other", ""] {
        for side in [Side::Consumer, Side::Provider] {
            prop_assert_eq!(config.for_service(side, name).settings.check(), Ok(()));
        }
        let plan = config.plan(name);
        prop_assert!(Breaker::builder(name).settings(plan.settings).build().is_ok());
    }
    Ok(())
}

fn both(yaml: &str, toml: &str) -> Result<[Result<Config, ConfigError>; 2], TestCaseError> {
    let read = [Config::from_yaml(yaml), Config::from_toml(toml)];
    for config in &read {
        match config {
            Ok(config) => is_usable(config)?,
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
    Ok(read)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_them_panic(text in prop_oneof![
        any::<String>(),
        "([a-z]{0,6}|cse|defaults|circuits|[\\[\\]{}:=&*!|>,'\"#-]|\n| ){0,40}",
    ]) {
        let _ = both(&text, &text)?;
    }

    #[test]
    fn what_is_taken_can_be_used_and_what_is_not_is_named(entries in entries()) {
        let yaml: String = entries.iter().map(|(key, value)| format!("    {key}: {value}\n")).collect();
        let toml: String = entries.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let read = both(&format!("circuits:\n  payment:\n{yaml}"), &format!("[circuits.payment]\n{toml}"))?;
        if entries.is_empty() {
            return Ok(());
        }
        let [yaml, toml] = read;
        prop_assert_eq!(yaml.is_ok(), toml.is_ok(), "{:?} {:?}", yaml, toml);
        match (yaml, toml) {
            (Ok(yaml), Ok(toml)) => prop_assert_eq!(yaml, toml),
            (Err(yaml), Err(toml)) => for error in [yaml, toml] {
                let told = error.to_string();
                prop_assert!(told.contains("payment"), "{}", told);
            },
            _ => unreachable!("both or none"),
        }
    }

    #[test]
    fn go_chassis_files_are_read_without_panic(entries in entries(), namespace in "isolation|circuitBreaker|fallback|fallbackpolicy|other") {
        let yaml: String = entries.iter().map(|(key, value)| format!("        {key}: {value}\n")).collect();
        let text = format!("cse:\n  {namespace}:\n    Consumer:\n      payment:\n{yaml}");
        let _ = both(&text, "")?;
    }

    #[test]
    fn a_time_is_read_as_it_is_written(millis in 1_u64..10_000_000) {
        let [yaml, toml] = both(
            &format!("circuits:\n  payment:\n    timeout: {millis}ms\n"),
            &format!("[circuits.payment]\ntimeout = \"{millis}ms\"\n"),
        )?;
        for config in [yaml, toml] {
            let timeout = config.map(|config| config.plan("payment").settings.timeout);
            prop_assert!(timeout.as_ref().is_ok_and(|timeout| *timeout == Some(Duration::from_millis(millis))), "{:?}", timeout);
        }
    }
}

#[test]
fn the_keys_that_are_tried_are_all_of_them() {
    let keys = keys();
    assert!(keys.len() > 30 && keys.iter().any(|key| key == "error_threshold"), "{keys:?}");
}
