//! What the environment sets.

use super::{BAD_GATEWAY, Bench, UNAVAILABLE, millis};
use crate::settings::Settings;
use clap::Parser as _;
use serde_json::json;

/// The faults that these flags make.
fn bench(flags: &[&str]) -> Bench {
    let settings = Settings::try_parse_from(["parcel"].iter().chain(flags)).expect("these flags are right");
    Bench::of(settings.faults.environment().expect("these flags go together"))
}

/// Why these flags cannot be used.
fn refused(flags: &[&str]) -> String {
    match Settings::try_parse_from(["parcel"].iter().chain(flags)) {
        Err(error) => error.to_string(),
        Ok(settings) => settings.faults.environment().expect_err("they are wrong").to_string(),
    }
}

/// Name, phase and percentage of each rule.
fn rules(bench: &Bench) -> Vec<String> {
    let view = bench.view();
    let rules = view["rules"].as_array().expect("rules").iter();
    rules
        .map(|rule| format!("{} {} {}", rule["name"], rule["phase"], rule["percentage"]).replace('"', ""))
        .collect()
}

#[test]
fn nothing_is_set_and_nothing_is_there() {
    assert!(rules(&bench(&[])).is_empty());
    assert!(bench(&[]).chaos.is_idle());
    assert!(rules(&bench(&["--inject-err-percent", "100"])).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_originals_fault_is_a_rule() {
    let bench = bench(&["--inject-err"]);
    assert_eq!(rules(&bench), ["inject-err after 40.0"]);
    let view = bench.view();
    let now =
        json!({ "active": true, "percentage": 40.0, "remaining_ms": null, "evaluated": 0, "injected": 0 });
    assert_eq!(
        view,
        json!({ "service": "parcel", "enabled": true, "preset": null, "rules": [{
            "name": "inject-err", "enabled": true, "match": { "method": "POST", "path": "/create" },
            "phase": "after", "percentage": 40.0, "abort": { "httpStatus": 502 }, "now": now }] })
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_is_drawn_from_once() {
    let bench = bench(&["--chaos-abort", "502:60,503:40"]);
    assert_eq!(rules(&bench), ["env-abort-502 before 60.0", "env-abort-503 before 40.0"]);
    let endings = bench.orders(1_000).await;
    let count = |wanted| endings.iter().filter(|ending| **ending == wanted).count();
    assert_eq!(count(None), 0, "60 and 40 are all: drawn by each alone, 240 would be left");
    assert!((550..650).contains(&count(BAD_GATEWAY)), "{}", count(BAD_GATEWAY));
    assert_eq!(count(BAD_GATEWAY) + count(UNAVAILABLE), 1_000);
}

#[tokio::test(start_paused = true)]
async fn one_of_a_list_that_is_put_back_as_it_was_is_drawn_with_the_others() {
    let bench = bench(&["--chaos-abort", "502:60,503:40"]);
    let rules = bench.view()["rules"].as_array().expect("rules").clone();
    for mut rule in rules {
        rule.as_object_mut().expect("an object").remove("now");
        bench.put(&rule);
    }
    assert!(bench.orders(200).await.iter().all(Option::is_some));
    // With another percentage it stands for itself.
    bench.put(&json!({ "name": "env-abort-503", "percentage": 10, "abort": { "httpStatus": 503 } }));
    assert!(bench.orders(200).await.iter().any(Option::is_none));
}

#[tokio::test(start_paused = true)]
async fn delays_are_drawn_apart_from_aborts() {
    let bench =
        bench(&["--chaos-delay", "200ms:50,2s:50", "--chaos-jitter", "100ms", "--chaos-abort", "503"]);
    assert_eq!(
        rules(&bench),
        ["env-abort-503 before 100.0", "env-delay-200ms before 50.0", "env-delay-2s before 50.0"]
    );
    for _ in 0..100 {
        let fate = bench.order().await;
        assert_eq!(fate.ending, UNAVAILABLE);
        let (short, long) = (millis(100)..millis(320), millis(1_900)..millis(2_120));
        assert!(short.contains(&fate.took) || long.contains(&fate.took), "{:?}", fate.took);
    }
}

#[test]
fn connections_phase_and_preset() {
    let bench = bench(&[
        "--chaos-hang",
        "5",
        "--chaos-reset",
        "0.5",
        "--chaos-phase",
        "after",
        "--chaos-preset",
        "outage",
        "--inject-err",
    ]);
    assert_eq!(
        rules(&bench),
        ["env-hang after 5.0", "env-reset after 0.5", "inject-err after 40.0", "outage before 100.0",]
    );
    assert_eq!(bench.view()["preset"], "outage");
}

#[tokio::test(start_paused = true)]
async fn a_seed_is_that_of_all_of_them() {
    let flags = ["--chaos-abort", "502:40,503:5", "--chaos-delay", "500ms:20", "--chaos-seed", "42"];
    let fates = async || {
        let bench = bench(&flags);
        let mut fates = Vec::new();
        for _ in 0..200 {
            let fate = bench.order().await;
            fates.push((fate.ending, fate.mark));
        }
        fates
    };
    let first = fates().await;
    assert_eq!(first, fates().await);
    assert!(
        first.iter().any(|(ending, _)| ending.is_some()) && first.iter().any(|(ending, _)| ending.is_none())
    );
}

#[test]
fn what_cannot_be_used_is_named_with_what_would_be_right() {
    for (flags, expected) in [
        (
            &["--chaos-abort", "200"][..],
            "expected statuses from 400 to 599 with percentages, like 502:40,503:5",
        ),
        (&["--chaos-abort", "502:40;503:5"], "expected statuses from 400 to 599"),
        (&["--chaos-abort", "502:101"], "expected a number from 0 to 100"),
        (&["--chaos-abort", "502:NaN"], "expected a number from 0 to 100"),
        (&["--chaos-abort", "502:60,503:41"], "expected percentages that come to at most 100, not 101"),
        (&["--chaos-abort", "502:10,502:10"], "502 is given more than once"),
        (&["--chaos-abort", "502:10,"], "expected statuses"),
        (&["--chaos-delay", "500:20"], "expected times of at most 60 s with percentages, like 500ms:20,2s:5"),
        (&["--chaos-delay", "61s:20"], "expected times of at most 60 s"),
        (&["--chaos-delay", "0s:20"], "expected times"),
        (&["--chaos-delay", "500ms:20", "--chaos-jitter", "soon"], "expected one like 500ms, 2s or 1m 30s"),
        (
            &["--chaos-delay", "50ms:20", "--chaos-jitter", "100ms"],
            "CHAOS_JITTER=100ms does not go with CHAOS_DELAY=50ms:20",
        ),
        (&["--chaos-delay", "60s:20", "--chaos-jitter", "1s"], "with its jitter, more than 60 s"),
        (&["--chaos-jitter", "100ms"], "CHAOS_JITTER=100ms is set, but CHAOS_DELAY is not"),
        (&["--chaos-hang", "101"], "expected a percentage from 0 to 100"),
        (&["--chaos-reset", "-1"], "unexpected argument"),
        (&["--chaos-reset=-1"], "expected a percentage from 0 to 100"),
        (&["--chaos-phase", "never"], "[possible values: before, after]"),
        (&["--chaos-seed", "x"], "expected a whole number from 0 to 18446744073709551615"),
        (
            &["--chaos-preset", "storm"],
            "[possible values: calm, flaky, slow, outage, hang, brownout, flap, recovering, slow-window]",
        ),
    ] {
        let said = refused(flags);
        assert!(said.contains(expected), "{flags:?}: {said}");
    }
}
