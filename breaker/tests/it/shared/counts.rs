//! What is counted together.

use super::server::Server;
use super::{Instance, all_are, eventually, fleet};
use breaker::shared::FleetEvent;
use breaker::{Breaker, Builder, OnClose, Settings, State, Threshold, Trip, Window};
use std::collections::BTreeMap;
use std::time::Duration;

const COUNTS: &str = "test:breaker:counts:payment";

/// Half of at least ten calls.
fn nervous() -> Settings {
    Settings {
        trip: Trip::Errors(Threshold::AtLeast(50.0)),
        volume: 10,
        reset: Duration::from_secs(30),
        ..Settings::default()
    }
}

fn with(settings: Settings) -> impl Fn() -> Builder {
    move || Breaker::builder("payment").settings(settings.clone())
}

async fn fail_four_times(instance: &Instance) {
    for _ in 0..4 {
        assert!(instance.fail().await.is_err());
    }
}

/// All that Redis has, whatever the bucket.
async fn counted(server: &Server) -> BTreeMap<String, u64> {
    let fields: BTreeMap<String, u64> = server.ask(&["HGETALL", COUNTS]).await;
    let mut sums = BTreeMap::new();
    for (field, count) in fields {
        let (_, kind) = field.split_once(':').expect("a bucket and a kind");
        *sums.entry(kind.to_owned()).or_default() += count;
    }
    sums
}

#[tokio::test]
async fn the_figures_of_all_open_the_circuit_though_no_ones_own_do() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 3, with(nervous())).await;
    for one in &all {
        let before = one.fleet.status().exchanges;
        fail_four_times(one).await;
        assert_eq!(one.state(), State::Closed, "four calls are too few to judge");
        eventually("it is told", || one.fleet.status().exchanges > before + 1).await;
    }
    let took = eventually("all are open", || all_are(&all, State::Open)).await;
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    let tripped = |event: &FleetEvent| matches!(event, FleetEvent::Tripped { why, .. } if why.starts_with("12 of 12 calls failed"));
    assert!(all.iter().any(|one| one.was_told(tripped)));
    let why: String = server.ask(&["HGET", "test:breaker:circuit:payment", "why"]).await;
    assert!(why.starts_with("12 of 12 calls failed"), "{why}");
}

#[tokio::test]
async fn successes_elsewhere_keep_it_closed() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 2, with(nervous())).await;
    for _ in 0..9 {
        assert!(all[0].succeed().await.is_ok());
    }
    let before = all[0].fleet.status().exchanges;
    eventually("they are told", || all[0].fleet.status().exchanges > before + 1).await;
    fail_four_times(&all[1]).await;
    let before = all[1].fleet.status().exchanges;
    eventually("the failures too", || all[1].fleet.status().exchanges > before + 2).await;
    assert!(all_are(&all, State::Closed), "4 of 13");
    let sums = counted(&server).await;
    assert_eq!((sums["asked"], sums["succeeded"], sums["failed"]), (13, 9, 4));
}

#[tokio::test]
async fn every_call_is_counted_once() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 3, with(nervous())).await;
    for number in 0..300 {
        assert!(all[number % 3].succeed().await.is_ok());
        if number % 50 == 0 {
            let before = all[0].fleet.status().exchanges;
            eventually("an exchange in between", || all[0].fleet.status().exchanges > before).await;
        }
    }
    let before: Vec<_> = all.iter().map(|one| one.fleet.status().exchanges).collect();
    eventually("all is told", || {
        all.iter().zip(&before).all(|(one, before)| one.fleet.status().exchanges > before + 2)
    })
    .await;
    let sums = counted(&server).await;
    assert_eq!((sums["asked"], sums["succeeded"]), (300, 300));
}

#[tokio::test]
async fn what_is_stale_goes_and_all_of_it_in_the_end() {
    let server = Server::start().await;
    let window = Window::Time { length: Duration::from_millis(300), buckets: 3 };
    let all = fleet(&server.url(), 1, with(Settings { window, ..nervous() })).await;
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < Duration::from_millis(1_200) {
        assert!(all[0].succeed().await.is_ok());
        let before = all[0].fleet.status().exchanges;
        eventually("it is told", || all[0].fleet.status().exchanges > before).await;
        let fields: u64 = server.ask(&["HLEN", COUNTS]).await;
        assert!(fields <= 3 * 2, "three buckets of two kinds each, and there are {fields} fields");
    }
    let left: i64 = server.ask(&["PTTL", COUNTS]).await;
    assert!(left <= 400, "{left} ms");
}

#[tokio::test]
async fn closing_forgets_them_where_it_empties_the_window() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 3, with(Settings { on_close: OnClose::Clear, ..nervous() })).await;
    for one in &all {
        fail_four_times(one).await;
    }
    eventually("all are open", || all_are(&all, State::Open)).await;
    all[0].breaker.close();
    eventually("all are closed", || all_are(&all, State::Closed)).await;
    // One more would be the thirteenth.
    assert!(all[1].fail().await.is_err());
    let before = all[1].fleet.status().exchanges;
    eventually("it is told", || all[1].fleet.status().exchanges > before + 2).await;
    assert!(all_are(&all, State::Closed), "the first failure after the recovery opens nothing");
    assert_eq!(counted(&server).await["failed"], 1);
}

#[tokio::test]
async fn old_failures_open_nothing_while_nothing_fails() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 3, with(nervous())).await;
    for one in &all {
        fail_four_times(one).await;
    }
    eventually("all are open", || all_are(&all, State::Open)).await;
    all[0].breaker.close();
    eventually("all are closed", || all_are(&all, State::Closed)).await;
    for one in &all {
        assert!(one.succeed().await.is_ok());
        let before = one.fleet.status().exchanges;
        eventually("it is told", || one.fleet.status().exchanges > before + 2).await;
    }
    assert!(all_are(&all, State::Closed));
    assert_eq!(counted(&server).await["failed"], 12, "though the window still holds them");
}
