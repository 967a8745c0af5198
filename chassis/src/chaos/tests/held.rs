//! Whoever is held up goes on when it is time, and waits for nobody.

use super::{Bench, CLOSED, Fate, TRACE, millis, seconds};
use crate::chaos::inject::Target;
use crate::chaos::rule::Phase;
use crate::limits;
use axum::http::{HeaderMap, Method, Uri};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, advance};

const HANG: &str = r#"{"name": "x", "abort": {"connection": "hang"}}"#;
const DELAY: &str = r#"{"name": "x", "delay": {"fixedDelay": "50s"}, "abort": {"httpStatus": 503}}"#;

/// What becomes of an order that is held up by a rule when, after 5 s, this is done.
async fn released(rule: &str, release: impl FnOnce(&Bench)) -> Fate {
    let bench = Arc::new(Bench::with(&[serde_json::from_str(rule).expect("a rule")]));
    let order = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { bench.order().await }
    });
    advance(Duration::ZERO).await;
    advance(seconds(5)).await;
    assert!(!order.is_finished());
    release(&bench);
    order.await.expect("no panic")
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_stays_holds_on() {
    let fate = released(HANG, |bench| {
        let other = json!({ "name": "y", "delay": { "fixedDelay": "1s" } });
        bench.replace(&json!({ "rules": [bench.view()["rules"][0], other] }));
    })
    .await;
    assert!((seconds(60)..seconds(61)).contains(&fate.took), "{:?}", fate.took);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_goes_lets_them_go_on() {
    for rule in [HANG, DELAY] {
        let releases: [fn(&Bench); 9] = [
            |bench| bench.chaos.delete("x").expect("there is one"),
            |bench| drop(bench.chaos.switch(false)),
            |bench| drop(bench.chaos.reset()),
            |bench| drop(bench.chaos.apply(crate::chaos::Preset::Calm)),
            |bench| bench.put(&json!({ "name": "x", "enabled": false, "abort": { "httpStatus": 500 } })),
            |bench| bench.put(&json!({ "name": "x", "abort": { "httpStatus": 500 } })),
            |bench| bench.replace(&json!({ "rules": [] })),
            |bench| bench.replace(&json!({ "rules": bench.view()["rules"], "enabled": false })),
            |bench| bench.replace(&json!({ "rules": [{ "name": "x", "abort": { "httpStatus": 500 } }] })),
        ];
        for release in releases {
            let fate = released(rule, release).await;
            assert_eq!(fate.ending, None, "{rule}: it goes on as if nothing had been");
            assert!((seconds(5)..millis(5_100)).contains(&fate.took), "{rule}: {:?}", fate.took);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_another_rule_lets_nobody_go() {
    let fate = released(HANG, |bench| {
        bench.put(&json!({ "name": "y", "abort": { "httpStatus": 500 } }));
        bench.chaos.delete("y").expect("there is one");
    });
    let fate = fate.await;
    assert_eq!(fate.ending, CLOSED);
    assert!((seconds(60)..seconds(61)).contains(&fate.took), "{:?}", fate.took);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stops_waits_for_none_of_them() {
    let fate = released(HANG, |bench| bench.chaos.stop()).await;
    assert_eq!(fate.ending, CLOSED);
    assert!(fate.took < millis(5_100), "{:?}", fate.took);
    let fate = released(DELAY, |bench| bench.chaos.stop()).await;
    assert!(fate.took < millis(5_100), "{:?}", fate.took);
}

#[tokio::test(start_paused = true)]
async fn one_whose_client_has_gone_is_held_up_no_more() {
    let bench = Bench::with(&[serde_json::from_str(HANG).expect("a rule")]);
    let head = (Method::POST, Uri::from_static("/create"), HeaderMap::new());
    let mut target = Target::new(&bench.chaos, head, TRACE);
    let client = target.client();
    let begun = Instant::now();
    let held = tokio::spawn(async move { target.meet(Phase::Before).await });
    advance(seconds(1)).await;
    drop(client);
    assert_eq!(held.await.expect("no panic"), CLOSED);
    assert!(begun.elapsed() < seconds(2), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn no_more_are_struck_at_once_than_may_be() {
    let bench = Arc::new(Bench::with(&[serde_json::from_str(HANG).expect("a rule")]));
    let mut orders = tokio::task::JoinSet::new();
    for _ in 0..limits::FAULTS {
        let bench = Arc::clone(&bench);
        orders.spawn(async move { bench.order().await });
    }
    while bench.now("x")["injected"] != limits::FAULTS {
        tokio::task::yield_now().await;
    }
    let fate = bench.order().await;
    assert_eq!((fate.ending, &*fate.mark), (None, ""), "it goes through");
    let now = bench.now("x");
    assert_eq!(now["evaluated"], limits::FAULTS as u64 + 1);
    assert_eq!(now["injected"], limits::FAULTS as u64);
    while let Some(fate) = orders.join_next().await {
        assert_eq!(fate.expect("no panic").ending, CLOSED);
    }
    assert_eq!(bench.order().await.ending, CLOSED, "there is room again");
}

#[tokio::test(start_paused = true)]
async fn switched_off_and_on_again_a_rule_goes_on_counting() {
    let bench = Bench::with(&[json!({ "name": "x", "maxFaults": 3, "abort": { "httpStatus": 502 } })]);
    bench.orders(2).await;
    bench.chaos.switch(false);
    assert_eq!(bench.orders(2).await, [None, None]);
    assert_eq!(bench.view()["enabled"], false);
    assert_eq!(bench.now("x")["active"], false);
    bench.chaos.switch(true);
    assert_eq!(bench.orders(2).await.iter().flatten().count(), 1, "the third and last");
    assert_eq!(bench.now("x")["evaluated"], 4, "nobody was asked in between");
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_told_and_counted() {
    let bench = Bench::with(&[
        json!({ "name": "a", "delay": { "fixedDelay": "1s" } }),
        json!({ "name": "b", "abort": { "httpStatus": 503 } }),
    ]);
    assert_eq!(bench.told(), ["rule a was set", "rule b was set"]);
    bench.order().await;
    assert_eq!(bench.told(), [format!("a delay None {TRACE}"), format!("b abort Some(503) {TRACE}")]);
    let counted = || {
        let all = bench.chaos.injected().into_iter();
        all.filter(|(rule, ..)| rule == "a" || rule == "b" || rule == "outage")
            .map(|(rule, kind, count)| format!("{rule} {} {count}", kind.name()))
            .collect::<Vec<_>>()
    };
    assert_eq!(counted(), ["a delay 1", "b abort 1", "outage abort 0"], "those that have not struck, too");
    bench.chaos.delete("b").expect("there is one");
    bench.chaos.switch(false);
    bench.chaos.switch(true);
    bench.chaos.apply(crate::chaos::Preset::Outage);
    bench.chaos.reset();
    assert_eq!(counted(), ["a delay 1", "b abort 1", "outage abort 0"], "a counter never falls");
    assert_eq!(
        bench.told(),
        [
            "rule b was deleted",
            "no rule is in force",
            "rules are in force again",
            "preset outage: all are answered 503",
            "the rules are those of the environment again"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn names_without_end_are_counted_as_others() {
    let bench = Bench::with(&[]);
    for index in 0..limits::RULE_COUNTERS + 10 {
        bench.put(&json!({ "name": format!("r{index}"), "abort": { "httpStatus": 502 } }));
        bench.order().await;
        bench.chaos.delete(&format!("r{index}")).expect("there is one");
    }
    let all = bench.chaos.injected();
    assert!(all.len() <= limits::RULE_COUNTERS + 5, "{}", all.len());
    let sum: u64 = all.iter().map(|(.., count)| count).sum();
    assert_eq!(sum, limits::RULE_COUNTERS as u64 + 10);
    assert!(all.iter().any(|(rule, _, count)| rule == "others" && *count > 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rules_that_change_in_the_midst_of_requests_lose_no_count() {
    let bench = Arc::new(Bench::with(&[]));
    let half = |name: &str| json!({ "name": name, "percentage": 50, "abort": { "httpStatus": 502 } });
    bench.put(&half("a"));
    let changed = Arc::new(AtomicBool::new(false));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (bench, changed) = (Arc::clone(&bench), Arc::clone(&changed));
        clients.spawn(async move {
            let mut struck = 0;
            // Rule "a" is in force in the end, so this ends.
            while struck == 0 || !changed.load(Ordering::Relaxed) {
                struck += bench.orders(50).await.iter().flatten().count() as u64;
                tokio::task::yield_now().await;
            }
            struck
        });
    }
    // One after the other: replaced, added, switched, deleted.
    for _ in 0..50 {
        bench.put(&half("a"));
        bench.put(&half("b"));
        bench.chaos.switch(false);
        bench.chaos.switch(true);
        bench.chaos.delete("b").expect("there is one");
        tokio::task::yield_now().await;
    }
    changed.store(true, Ordering::Relaxed);
    let mut struck = 0;
    while let Some(count) = clients.join_next().await {
        struck += count.expect("no panic");
    }
    let all = bench.chaos.injected().into_iter();
    let counted: u64 = all.filter(|(rule, ..)| rule == "a" || rule == "b").map(|(.., count)| count).sum();
    assert_eq!(counted, struck);
    assert!(struck > 0);
}
