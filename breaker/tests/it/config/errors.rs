//! What is said of a wrong file: where, what stands there, and what would be right.

use super::*;

#[test]
fn every_error_says_where_and_what_would_be_right() {
    let side = |keys: &str| format!("cse: {{circuitBreaker: {{Consumer: {{{keys}}}}}}}");
    let cases = [
        (side("enabeld: true"), "cse.circuitBreaker.Consumer.enabeld: unknown key; did you mean `enabled`?"),
        (
            side("forceopen: true"),
            "cse.circuitBreaker.Consumer.forceopen: unknown key; did you mean `forceOpen`?",
        ),
        (side("enabeld:"), "cse.circuitBreaker.Consumer.enabeld: unknown key; did you mean `enabled`?"),
        (side("shop: 5"), "cse.circuitBreaker.Consumer.shop: unknown key; known here: enabled, forceOpen,"),
        (side("enabled: {}"), "cse.circuitBreaker.Consumer.enabled: a section where true or false is wanted"),
        (side("enabled: 1"), "cse.circuitBreaker.Consumer.enabled: 1 where true or false is wanted"),
        (side("enabled:"), "cse.circuitBreaker.Consumer.enabled: nothing where true or false is wanted"),
        (
            side("shop: {sleepWindow: 5}"),
            "cse.circuitBreaker.Consumer.shop.sleepWindow: unknown key; known here: enabled,",
        ),
        (
            side("a.b: {errorThresholdPercentage: 101}"),
            "cse.circuitBreaker.Consumer.\"a.b\".errorThresholdPercentage: 101 where a percentage from 0 to 100 is",
        ),
        (
            side("sleepWindowInMilliseconds: 0"),
            "cse.circuitBreaker.Consumer.sleepWindowInMilliseconds: 0 where a whole number of milliseconds above 0",
        ),
        (
            side("requestVolumeThreshold: -1"),
            "cse.circuitBreaker.Consumer.requestVolumeThreshold: -1 where a whole",
        ),
        (
            "cse: {isolation: {Consumer: {maxConcurrentRequests: 99999999999}}}".to_owned(),
            "cse.isolation.Consumer.maxConcurrentRequests: 99999999999 where a whole number that is not too large",
        ),
        (
            "cse: {circuitbreaker: {}}".to_owned(),
            "cse.circuitbreaker: unknown key; did you mean `circuitBreaker`?",
        ),
        (
            "cse: {isolation: {consumer: {}}}".to_owned(),
            "cse.isolation.consumer: unknown key; did you mean `Consumer`?",
        ),
        (
            "cse: {circuitBreaker: {scope: instances}}".to_owned(),
            "cse.circuitBreaker.scope: \"instances\" where one of \"service\", \"instance\", \"api\"",
        ),
        (
            "cse: {fallbackpolicy: {Consumer: {policy: returnNul}}}".to_owned(),
            "cse.fallbackpolicy.Consumer.policy: \"returnNul\" where \"returnnull\", or a name",
        ),
        ("default: {timeout: 1s}".to_owned(), "default: unknown key; did you mean `defaults`?"),
        (
            "defaults: {timeout: 300}".to_owned(),
            "defaults.timeout: 300 where a time above 0 with its unit, like \"300ms\"",
        ),
        (
            "defaults: {preset: histrix}".to_owned(),
            "defaults.preset: \"histrix\" where one of \"retail\", \"opossum\", \"hystrix\"",
        ),
        (
            "circuits: {a: {probe_successes: 2, probes_judged: 3}}".to_owned(),
            "circuits.a.probes_judged: 3 where only one of `probe_successes` and `probes_judged` is wanted",
        ),
        (
            "circuits: {a: {preset: pybreaker, probes_judged: 3}}".to_owned(),
            "circuits.a: probing.verdict has 3 probes judged by trip, which cannot fire on so few",
        ),
        ("circuits: {a: {window: 5ns}}".to_owned(), "circuits.a: window is 5ns, too short"),
        ("circuits: {a: [1, {b: 2}]}".to_owned(), "circuits.a: a list where a section is wanted"),
        ("circuits: {a: {}}\ncse: {}".to_owned(), "it has go-chassis' `cse` and our own"),
        ("handler: {chain: {}}".to_owned(), "there is nothing in it"),
        ("just a text".to_owned(), "the file: \"just a text\" where a section is wanted"),
        (String::new(), "there is nothing in it"),
        ("# only a comment\n".to_owned(), "there is nothing in it"),
        ("{}".to_owned(), "there is nothing in it"),
        ("a: [".to_owned(), "not YAML: "),
        ("circuits: {a: {volume: 1}, a: {volume: 2}}".to_owned(), "not YAML: "),
    ];
    for (text, beginning) in cases {
        let error = Config::from_yaml(&text).expect_err(&text).to_string();
        assert!(error.starts_with(beginning), "{text}\ngave  {error}\nnot   {beginning}");
    }
    let error = Config::from_toml("a = ").expect_err("no value").to_string();
    assert!(error.starts_with("not TOML: "), "{error}");
}
