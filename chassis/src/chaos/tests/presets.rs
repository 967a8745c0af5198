//! What each preset does.

use super::{BAD_GATEWAY, Bench, CLOSED, Fate, UNAVAILABLE, millis, seconds};
use crate::chaos::Preset;
use crate::chaos::environment::Environment;
use crate::chaos::rule::Phase;
use serde_json::json;
use tokio::time::advance;

fn of(preset: Preset) -> Bench {
    Bench::of(Environment::new(Phase::Before, Some(preset), Some(1)))
}

async fn after(bench: &Bench) -> Fate {
    bench.request("POST", "/create", &[], Phase::After).await
}

#[tokio::test(start_paused = true)]
async fn calm_is_calm() {
    let mut environment = Environment::new(Phase::Before, Some(Preset::Calm), None);
    environment.inject_err(100.0);
    let bench = Bench::of(environment);
    assert_eq!(bench.order().await.ending, None);
    assert_eq!(after(&bench).await.ending, None, "the environment's rules are off, too");
    assert_eq!(bench.view()["rules"][0]["enabled"], false);
}

#[tokio::test(start_paused = true)]
async fn flaky_fails_four_in_ten_after_the_save() {
    let bench = of(Preset::Flaky);
    let mut failed = 0;
    for _ in 0..1_000 {
        let fate = after(&bench).await;
        assert!([None, BAD_GATEWAY].contains(&fate.ending));
        failed += u32::from(fate.ending.is_some());
    }
    assert!((350..450).contains(&failed), "{failed}");
    assert_eq!(bench.order().await.ending, None, "not before");
}

#[tokio::test(start_paused = true)]
async fn slow_takes_half_a_second_three_times_in_ten() {
    let bench = of(Preset::Slow);
    let mut slow = 0;
    for _ in 0..1_000 {
        let fate = bench.order().await;
        assert_eq!(fate.ending, None);
        if fate.took > millis(10) {
            slow += 1;
            assert!((millis(400)..millis(610)).contains(&fate.took), "{:?}", fate.took);
        }
    }
    assert!((250..350).contains(&slow), "{slow}");
}

#[tokio::test(start_paused = true)]
async fn outage_answers_503_to_all() {
    let bench = of(Preset::Outage);
    assert!(bench.orders(100).await.iter().all(|ending| *ending == UNAVAILABLE));
    assert_eq!(bench.order().await.mark, "outage;abort=503");
}

#[tokio::test(start_paused = true)]
async fn hang_answers_nobody() {
    let fate = of(Preset::Hang).order().await;
    assert_eq!(fate.ending, CLOSED);
    assert!((seconds(60)..seconds(61)).contains(&fate.took), "{:?}", fate.took);
}

/// How many of 200 orders are answered 503.
async fn unavailable(bench: &Bench) -> usize {
    bench.orders(200).await.iter().filter(|ending| **ending == UNAVAILABLE).count()
}

#[tokio::test(start_paused = true)]
async fn a_brownout_comes_within_half_a_minute() {
    let bench = of(Preset::Brownout);
    assert_eq!(unavailable(&bench).await, 0);
    advance(seconds(15)).await;
    let halfway = unavailable(&bench).await;
    assert!((50..110).contains(&halfway), "{halfway} of 200 at 40 %");
    advance(seconds(15)).await;
    let last = unavailable(&bench).await;
    assert!((130..190).contains(&last), "{last} of 200 at 80 %");
}

#[tokio::test(start_paused = true)]
async fn flap_comes_and_goes() {
    let bench = of(Preset::Flap);
    let mut seen = String::new();
    for _ in 0..34 {
        seen.push(if bench.order().await.ending == UNAVAILABLE { 'x' } else { '.' });
        advance(seconds(1)).await;
    }
    assert_eq!(seen, "xxxxx............xxxxx............");
}

#[tokio::test(start_paused = true)]
async fn recovering_ends_well() {
    let bench = of(Preset::Recovering);
    assert_eq!(unavailable(&bench).await, 200);
    advance(seconds(15)).await;
    let halfway = unavailable(&bench).await;
    assert!((65..135).contains(&halfway), "{halfway} of 200 at 50 %");
    advance(seconds(15)).await;
    assert_eq!(unavailable(&bench).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_window_is_the_calls_from_8_to_14() {
    let bench = of(Preset::SlowWindow);
    for call in 1..=20 {
        let fate = bench.order().await;
        let expected = if (8..=14).contains(&call) { millis(1_000) } else { millis(100) };
        assert_eq!(fate.ending, None);
        assert!((expected..expected + millis(20)).contains(&fate.took), "call {call}: {:?}", fate.took);
    }
}

#[tokio::test(start_paused = true)]
async fn a_preset_replaces_all_but_what_the_environment_set() {
    let mut environment = Environment::default();
    environment.inject_err(100.0);
    let bench = Bench::of(environment);
    let rules = || {
        let view = bench.view();
        let rules = view["rules"].as_array().expect("rules").iter();
        let state =
            |rule: &serde_json::Value| format!("{} {}", rule["name"], rule["enabled"]).replace('"', "");
        (view["preset"].clone(), rules.map(state).collect::<Vec<_>>())
    };
    bench.put(&json!({ "name": "mine", "abort": { "httpStatus": 500 } }));
    assert_eq!(rules(), (json!(null), vec!["inject-err true".to_owned(), "mine true".to_owned()]));
    bench.chaos.apply(Preset::Outage);
    assert_eq!(rules(), (json!("outage"), vec!["inject-err true".to_owned(), "outage true".to_owned()]));
    bench.chaos.apply(Preset::Calm);
    assert_eq!(rules(), (json!("calm"), vec!["inject-err false".to_owned()]));
    bench.chaos.switch(false);
    bench.chaos.apply(Preset::Slow);
    assert_eq!(rules(), (json!("slow"), vec!["inject-err false".to_owned(), "slow true".to_owned()]));
    assert_eq!(bench.view()["enabled"], true, "whoever asks for a preset wants to see it");
    bench.put(&json!({ "name": "slow", "percentage": 10, "abort": { "httpStatus": 500 } }));
    assert_eq!(rules().0, json!(null), "it is not the preset any more");
    bench.chaos.switch(false);
    bench.chaos.reset();
    assert_eq!(rules(), (json!(null), vec!["inject-err true".to_owned()]));
    assert_eq!(bench.view()["enabled"], true);
}

#[tokio::test(start_paused = true)]
async fn one_that_the_environment_asked_for_comes_back() {
    let bench = of(Preset::Outage);
    assert_eq!(bench.view()["preset"], "outage");
    bench.chaos.apply(Preset::Hang);
    assert_eq!(bench.view()["rules"].as_array().map(Vec::len), Some(1), "it went as any other preset");
    bench.chaos.reset();
    assert_eq!(bench.view()["preset"], "outage");
    assert_eq!(bench.order().await.ending, UNAVAILABLE);
}

#[test]
fn every_preset_is_right_and_has_a_name_for_all() {
    use clap::ValueEnum as _;
    for preset in Preset::ALL {
        let value = preset.to_possible_value().expect("none is hidden");
        assert_eq!(value.get_name(), preset.name());
        assert_eq!(json!(preset), preset.name());
        assert_eq!(Preset::named(preset.name()), Some(preset));
        for rule in preset.rules() {
            assert_eq!(rule.clone().check(), Ok(rule));
        }
    }
    assert_eq!(Preset::value_variants(), Preset::ALL);
    assert_eq!(Preset::named("nonsense"), None);
}
