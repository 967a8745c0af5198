//! What each field of a rule does.

use super::{BAD_GATEWAY, Bench, CLOSED, UNAVAILABLE, millis, seconds};
use crate::chaos::inject::Ending;
use crate::chaos::rule::{Phase, Rule};
use crate::chaos::strike::{Luck, May, Tally};
use crate::cut::Cut;
use serde_json::json;
use std::time::Duration;
use tokio::time::advance;

/// The largest number below 1 that luck draws.
const MOST: f64 = 1.0 - f64::EPSILON / 2.0;

fn rule(fields: serde_json::Value) -> Rule {
    let rule: Rule = serde_json::from_value(fields).expect("a rule");
    rule.check().expect("a rule that is right")
}

/// Whether a rule strikes with this luck.
fn strikes(rule: &Rule, percentage: f64) -> bool {
    let luck = Luck { percentage, jitter: 0.5 };
    rule.meet(Duration::ZERO, &mut Tally::default(), luck, May { delay: true, abort: true }).is_some()
}

#[test]
fn percentages_are_exact_at_both_ends() {
    let of = |percentage: f64| {
        rule(json!({ "name": "x", "percentage": percentage, "abort": { "httpStatus": 502 } }))
    };
    for luck in [0.0, 0.5, MOST] {
        assert!(!strikes(&of(0.0), luck), "0 % at {luck}");
        assert!(strikes(&of(100.0), luck), "100 % at {luck}");
    }
    for percentage in [1.0, 40.0, 99.0, 0.1] {
        let rule = of(percentage);
        assert!(strikes(&rule, percentage / 100.0 - 1e-9), "just below {percentage}");
        assert!(!strikes(&rule, percentage / 100.0 + 1e-9), "just above {percentage}");
    }
}

#[test]
fn jitter_is_as_much_more_as_less() {
    let rule = rule(json!({ "name": "x", "delay": { "fixedDelay": "500ms", "jitter": "100ms" } }));
    let delay = |jitter| {
        let luck = Luck { percentage: 0.0, jitter };
        let may = May { delay: true, abort: true };
        rule.meet(Duration::ZERO, &mut Tally::default(), luck, may).and_then(|strike| strike.delay)
    };
    assert_eq!(delay(0.0), Some(millis(400)));
    assert_eq!(delay(0.5), Some(millis(500)));
    let most = delay(MOST).expect("a delay");
    assert!(most > Duration::from_micros(599_999) && most <= millis(600), "{most:?}");
}

#[tokio::test(start_paused = true)]
async fn a_delay_takes_as_long_as_it_says_and_the_request_goes_on() {
    let bench = Bench::with(&[json!({ "name": "slow", "delay": { "fixedDelay": "500ms" } })]);
    let fate = bench.order().await;
    assert_eq!((fate.ending, &*fate.mark), (None, "slow;delay=500ms"));
    assert!((millis(500)..millis(510)).contains(&fate.took), "{:?}", fate.took);
}

#[tokio::test(start_paused = true)]
async fn an_abort_is_a_status_or_the_end_of_the_connection() {
    let cases = [
        (json!({ "httpStatus": 418 }), Ending::Status(axum::http::StatusCode::IM_A_TEAPOT), "x;abort=418"),
        (json!({ "connection": "reset" }), Ending::Cut(Cut::Reset), "x;abort=reset"),
        (json!({ "connection": "close" }), Ending::Cut(Cut::Close), "x;abort=close"),
        (json!({ "connection": "hang" }), Ending::Cut(Cut::Close), "x;abort=hang"),
    ];
    for (abort, ending, mark) in cases {
        let bench = Bench::with(&[json!({ "name": "x", "abort": abort })]);
        let fate = bench.order().await;
        assert_eq!((fate.ending, &*fate.mark), (Some(ending), mark));
        let silent = if abort["connection"] == "hang" { seconds(60) } else { Duration::ZERO };
        assert!((silent..silent + millis(10)).contains(&fate.took), "{abort}: {:?}", fate.took);
    }
}

#[tokio::test(start_paused = true)]
async fn rules_go_by_name_delays_add_up_and_the_first_abort_wins() {
    let bench = Bench::with(&[
        json!({ "name": "c", "delay": { "fixedDelay": "100ms" }, "abort": { "httpStatus": 500 } }),
        json!({ "name": "b", "abort": { "httpStatus": 503 } }),
        json!({ "name": "a", "delay": { "fixedDelay": "200ms" } }),
        json!({ "name": "d", "abort": { "httpStatus": 502 } }),
    ]);
    let fate = bench.order().await;
    assert_eq!(fate.ending, UNAVAILABLE);
    assert_eq!(fate.mark, "a;delay=200ms, c;delay=100ms, b;abort=503", "delays come before the abort");
    assert!((millis(300)..millis(320)).contains(&fate.took), "{:?}", fate.took);
    assert_eq!(
        (bench.now("d")["evaluated"].clone(), bench.now("d")["injected"].clone()),
        (json!(1), json!(0)),
        "one that came too late has struck nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn delays_come_to_a_minute_at_most() {
    let delay = json!({ "fixedDelay": "40s" });
    let bench =
        Bench::with(&[json!({ "name": "a", "delay": delay }), json!({ "name": "b", "delay": delay })]);
    let fate = bench.order().await;
    assert!((seconds(60)..seconds(61)).contains(&fate.took), "{:?}", fate.took);
}

#[tokio::test(start_paused = true)]
async fn a_duration_ends_by_itself() {
    let bench = Bench::with(&[json!({ "name": "x", "duration": "30s", "abort": { "httpStatus": 503 } })]);
    assert_eq!(bench.now("x")["remaining_ms"], 30_000);
    advance(millis(29_999)).await;
    assert_eq!(bench.order().await.ending, UNAVAILABLE);
    advance(millis(1)).await;
    assert_eq!(bench.order().await.ending, None);
    let now = bench.now("x");
    assert_eq!(
        now,
        json!({ "active": false, "percentage": 100.0, "remaining_ms": 0, "evaluated": 2, "injected": 1 })
    );
}

#[tokio::test(start_paused = true)]
async fn a_window_is_on_then_off_and_on_again() {
    let window = json!({ "on": "5s", "off": "12s" });
    let bench = Bench::with(&[json!({ "name": "x", "window": window, "abort": { "httpStatus": 503 } })]);
    let mut seen = String::new();
    for _ in 0..40 {
        seen.push(if bench.order().await.ending.is_some() { 'x' } else { '.' });
        assert_eq!(bench.now("x")["active"], seen.ends_with('x'));
        advance(seconds(1)).await;
    }
    assert_eq!(seen, "xxxxx............xxxxx............xxxxx.");
}

#[tokio::test(start_paused = true)]
async fn calls_count_from_one_and_both_ends_belong() {
    let rule = |calls| json!({ "name": "x", "calls": calls, "abort": { "httpStatus": 502 } });
    let bench = Bench::with(&[rule(json!({ "from": 8, "to": 14 }))]);
    let endings = bench.orders(20).await;
    let struck: Vec<_> = (1..=20).filter(|call| endings[call - 1] == BAD_GATEWAY).collect();
    assert_eq!(struck, [8, 9, 10, 11, 12, 13, 14]);
    let bench = Bench::with(&[rule(json!({ "from": 3 }))]);
    let endings = bench.orders(5).await;
    assert_eq!(endings, [None, None, BAD_GATEWAY, BAD_GATEWAY, BAD_GATEWAY], "without an end");
}

#[tokio::test(start_paused = true)]
async fn calls_are_those_that_match() {
    let matching = json!({ "headers": { "x-user": "jason" } });
    let bench = Bench::with(&[json!({ "name": "x", "match": matching, "calls": { "from": 2, "to": 2 },
        "abort": { "httpStatus": 502 } })]);
    let jason = [("x-user", "jason")];
    assert_eq!(bench.order().await.ending, None);
    assert_eq!(bench.request("POST", "/create", &jason, Phase::Before).await.ending, None);
    assert_eq!(bench.order().await.ending, None);
    assert_eq!(bench.request("POST", "/create", &jason, Phase::Before).await.ending, BAD_GATEWAY);
}

#[tokio::test(start_paused = true)]
async fn a_ramp_goes_up_or_down_in_a_straight_line_and_stays() {
    for (from, to, halfway) in [(0.0, 80.0, 40.0), (100.0, 0.0, 50.0)] {
        let bench =
            Bench::with(&[json!({ "name": "x", "percentage": from, "ramp": { "to": to, "over": "30s" },
            "abort": { "httpStatus": 503 } })]);
        let percentage = || bench.now("x")["percentage"].as_f64().expect("a number");
        assert!((percentage() - from).abs() < 1e-9);
        advance(seconds(15)).await;
        assert!((percentage() - halfway).abs() < 1e-9, "{}", percentage());
        advance(seconds(15)).await;
        assert!((percentage() - to).abs() < 1e-9);
        advance(seconds(3_000)).await;
        assert!((percentage() - to).abs() < 1e-9);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ramp_that_has_come_down_to_nothing_strikes_nobody() {
    let bench = Bench::with(&[json!({ "name": "x", "ramp": { "to": 0, "over": "30s" },
        "abort": { "httpStatus": 503 } })]);
    assert_eq!(bench.order().await.ending, UNAVAILABLE);
    advance(seconds(30)).await;
    assert!(bench.orders(100).await.iter().all(Option::is_none));
    assert_eq!(bench.now("x")["active"], false);
}

#[tokio::test(start_paused = true)]
async fn so_many_faults_and_no_more() {
    let bench = Bench::with(&[json!({ "name": "x", "maxFaults": 2, "abort": { "httpStatus": 502 } })]);
    assert_eq!(bench.orders(4).await, [BAD_GATEWAY, BAD_GATEWAY, None, None]);
    let now = bench.now("x");
    assert_eq!((&now["active"], &now["evaluated"], &now["injected"]), (&json!(false), &json!(4), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn a_seed_makes_the_same_faults_again() {
    let with_seed = async |seed: u64, percentage: u64| {
        let rule =
            json!({ "name": "x", "percentage": percentage, "seed": seed, "abort": { "httpStatus": 502 } });
        Bench::with(&[rule]).orders(1_000).await
    };
    let first = with_seed(42, 40).await;
    assert_eq!(first, with_seed(42, 40).await);
    assert_ne!(first, with_seed(43, 40).await);
    let struck = first.iter().flatten().count();
    assert!((350..450).contains(&struck), "{struck} of 1000 at 40 %");
}

#[tokio::test(start_paused = true)]
async fn with_a_seed_the_fate_of_a_call_does_not_hang_on_those_before() {
    let rule = json!({ "name": "x", "percentage": 40, "seed": 7, "abort": { "httpStatus": 502 } });
    let all = Bench::with(std::slice::from_ref(&rule)).orders(50).await;
    let mut late = rule;
    late["calls"] = json!({ "from": 21 });
    assert_eq!(Bench::with(&[late]).orders(50).await[20..], all[20..]);
}

#[tokio::test(start_paused = true)]
async fn without_a_seed_each_rule_has_chance_of_its_own() {
    let rule = json!({ "name": "x", "percentage": 50, "abort": { "httpStatus": 502 } });
    let runs = (Bench::with(std::slice::from_ref(&rule)), Bench::with(&[rule]));
    assert_ne!(runs.0.orders(200).await, runs.1.orders(200).await, "alike once in 2^200 runs");
}

#[tokio::test(start_paused = true)]
async fn a_rule_is_about_what_it_matches() {
    let cases = [
        (json!({}), "POST", "/create", true),
        (json!({}), "GET", "/parcels", false),
        (json!({ "headers": { "x-user": "jason" } }), "GET", "/parcels", false),
        (json!({ "method": "GET" }), "GET", "/parcels", true),
        (json!({ "method": "GET" }), "POST", "/create", false),
        (json!({ "path": "/parcels" }), "GET", "/parcels", true),
        (json!({ "path": "/parcels" }), "GET", "/parcels?limit=1", true),
        (json!({ "path": "/parcels" }), "GET", "/parcels/1", false),
        (json!({ "path": "/parcels*" }), "GET", "/parcels/1", true),
        (json!({ "path": "/*" }), "POST", "/create", true),
        (json!({ "method": "GET", "path": "/create" }), "POST", "/create", false),
    ];
    for (matching, method, path, hits) in cases {
        let bench = Bench::with(&[json!({ "name": "x", "match": matching, "abort": { "httpStatus": 502 } })]);
        let fate = bench.request(method, path, &[("x-user", "jason")], Phase::Before).await;
        assert_eq!(fate.ending.is_some(), hits, "{matching} on {method} {path}");
        assert_eq!(bench.now("x")["evaluated"], u64::from(hits), "what does not match is not counted");
    }
    let headers = [
        (json!({ "x-user": "jason" }), &[("x-user", "jason")][..], true),
        (json!({ "X-User": "jason" }), &[("x-user", "jason")], true),
        (json!({ "x-user": "jason" }), &[("x-user", "jane")], false),
        (json!({ "x-user": "jason" }), &[], false),
        (json!({ "x-user": "*" }), &[("x-user", "jane")], true),
        (json!({ "x-user": "*" }), &[], false),
        (json!({ "x-user": "jason" }), &[("x-user", "jane"), ("x-user", "jason")], true),
        (json!({ "x-user": "*", "x-debug": "1" }), &[("x-user", "jane")], false),
    ];
    for (wanted, sent, hits) in headers {
        let matching = json!({ "headers": wanted });
        let bench = Bench::with(&[json!({ "name": "x", "match": matching, "abort": { "httpStatus": 502 } })]);
        let fate = bench.request("POST", "/create", sent, Phase::Before).await;
        assert_eq!(fate.ending.is_some(), hits, "{wanted} on {sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_phase_is_before_or_after_the_save() {
    for (written, phase, other) in
        [("before", Phase::Before, Phase::After), ("after", Phase::After, Phase::Before)]
    {
        let bench =
            Bench::with(&[json!({ "name": "x", "phase": written, "abort": { "connection": "close" } })]);
        assert_eq!(bench.request("POST", "/create", &[], other).await.ending, None);
        assert_eq!(bench.request("POST", "/create", &[], phase).await.ending, CLOSED);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_enabled_does_nothing_and_counts_nothing() {
    let bench = Bench::with(&[json!({ "name": "x", "enabled": false, "abort": { "httpStatus": 502 } })]);
    assert_eq!(bench.order().await.ending, None);
    let now =
        json!({ "active": false, "percentage": 100.0, "remaining_ms": null, "evaluated": 0, "injected": 0 });
    assert_eq!(bench.now("x"), now);
}
