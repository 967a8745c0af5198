//! Many circuits, and what the exchange costs.

use super::server::Server;
use super::{Instance, all_are, builder, eventually, fleet, settings};
use breaker::shared::{Fleet, FleetSettings};
use breaker::{Breaker, Registry, Settings, State};
use std::time::Duration;

/// How often the script was run.
async fn runs(server: &Server) -> u64 {
    let stats: String = server.ask(&["INFO", "commandstats"]).await;
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    line.and_then(|rest| rest.split(',').next()).map_or(0, |calls| calls.parse().expect("a number"))
}

#[tokio::test]
async fn changes_are_told_at_once_and_not_with_the_next_exchange() {
    let server = Server::start().await;
    let rare = || FleetSettings {
        every: Duration::from_secs(30),
        lease: Duration::from_secs(60),
        ..settings(&server.url())
    };
    let all: Vec<_> = (0..3).map(|_| Instance::by(rare(), builder())).collect();
    eventually("all have joined", || all.iter().all(Instance::has_joined)).await;
    assert!(all[0].fail().await.is_err());
    let took = eventually("all are open", || all_are(&all, State::Open)).await;
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    all[1].breaker.close();
    let took = eventually("all are closed", || all_are(&all, State::Closed)).await;
    assert!(took < Duration::from_secs(1), "it took {took:?}");
}

#[tokio::test]
async fn a_change_that_was_not_heard_of_is_found_out() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 2, builder).await;
    let (seconds, _): (u64, u64) = server.ask(&["TIME"]).await;
    let ends = ((seconds + 10) * 1_000).to_string();
    let written = ["turn", "7", "state", "open", "by", "x", "span", "10000", "ends", &ends];
    let record = [&["HSET", "test:breaker:circuit:payment"], written.as_slice()].concat();
    server.ask::<()>(&record).await;
    server.ask::<()>(&["INCR", "test:breaker:version"]).await;
    eventually("all are open", || all_are(&all, State::Open)).await;
}

#[tokio::test]
async fn a_closed_circuit_that_nobody_calls_costs_nothing() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 2, builder).await;
    all[0].breaker.open();
    eventually("all are open", || all_are(&all, State::Open)).await;
    all[0].breaker.close();
    eventually("all are closed", || all_are(&all, State::Closed)).await;
    let mut before = runs(&server).await;
    loop {
        let exchanges = all[0].fleet.status().exchanges;
        eventually("some exchanges", || all[0].fleet.status().exchanges > exchanges + 3).await;
        let now = runs(&server).await;
        // What was on the way may still come.
        if now == before {
            break;
        }
        assert!(now < 40, "it goes on and on: {now}");
        before = now;
    }
}

#[tokio::test]
async fn hundreds_of_circuits_share_one_task() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 2, builder).await;
    let make = |number: u32| Breaker::builder(format!("circuit {number}")).build().expect("they are right");
    let one: Vec<_> = (0..350).map(make).collect();
    let two: Vec<_> = (0..350).map(make).collect();
    let sharings: Vec<_> = one
        .iter()
        .map(|breaker| all[0].fleet.share(breaker))
        .chain(two.iter().map(|breaker| all[1].fleet.share(breaker)))
        .collect();
    one.iter().for_each(Breaker::open);
    let took = eventually("all are open", || two.iter().all(|one| one.state() == State::Open)).await;
    assert!(took < Duration::from_secs(2), "it took {took:?}");
    assert_eq!(all[1].fleet.status().circuits, 351);
    drop(sharings);
    assert_eq!(all[1].fleet.status().circuits, 1);
}

#[tokio::test]
async fn a_registry_shares_what_it_makes_and_drops_it_all_the_same() {
    let server = Server::start().await;
    let fleets = [0, 1].map(|_| Fleet::connect(settings(&server.url())).expect("the settings are right"));
    let registries = fleets.each_ref().map(|fleet| {
        let settings = |_: &str| Settings { reset: Duration::from_secs(30), ..Settings::default() };
        Registry::builder().settings(settings).idle(Duration::ZERO).shared_through(fleet).build()
    });
    eventually("both have joined", || fleets.iter().all(|fleet| fleet.status().joined)).await;

    let [payment, other] = registries.each_ref().map(|registry| registry.get("payment"));
    assert_eq!(registries[0].get("payment").name(), "payment"); // found, and not shared again
    assert_eq!(fleets.each_ref().map(|fleet| fleet.status().circuits), [1, 1]);
    let _ = payment.call(std::future::ready(Err::<(), _>("no"))).await;
    eventually("the other is open", || other.state() == State::Open).await;
    payment.close();
    eventually("the other is closed", || other.state() == State::Closed).await;

    assert_eq!(registries[0].drop_idle(), 0, "somebody holds it");
    drop(payment);
    eventually("it is dropped", || registries[0].drop_idle() == 1).await;
    assert_eq!(fleets.each_ref().map(|fleet| fleet.status().circuits), [0, 1]);
    assert!(registries[1].remove("payment").is_some());
    assert_eq!(fleets[1].status().circuits, 0);
}
