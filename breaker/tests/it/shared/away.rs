//! Redis away in every way there is, and back again.

use super::proxy::Proxy;
use super::server::Server;
use super::{Instance, LIMIT, all_are, builder, eventually, fleet};
use breaker::shared::FleetEvent;
use breaker::{Breaker, State};
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep};

fn is_away(event: &FleetEvent) -> bool {
    matches!(event, FleetEvent::Away { .. })
}

fn quick() -> breaker::Builder {
    Breaker::builder("payment").timeout(Duration::from_secs(20)).reset(Duration::from_millis(50))
}

#[tokio::test]
async fn where_there_is_none_each_is_on_its_own() {
    // Nobody listens on this port.
    let alone = Instance::with("redis://127.0.0.1:1/", quick());
    assert!(alone.fail().await.is_err());
    assert_eq!(alone.state(), State::Open);
    eventually("it heals by itself", || alone.state() == State::HalfOpen).await;
    assert!(alone.succeed().await.is_ok());
    assert_eq!(alone.state(), State::Closed);
    eventually("it has been tried again", || alone.fleet.status().failures > 2).await;
    let status = alone.fleet.status();
    assert!(!status.joined && status.error.is_some() && status.circuits == 1, "{status:?}");
    let told =
        alone.told.lock().expect("no test panics in here").iter().filter(|event| is_away(event)).count();
    assert_eq!(told, 1, "told once");
}

#[tokio::test]
async fn killed_and_back_it_finds_its_fleet_again() {
    let mut server = Server::start().await;
    let all = fleet(&server.url(), 3, builder).await;
    server.kill();
    eventually("all know", || all.iter().all(|one| !one.has_joined() && one.was_told(is_away))).await;
    assert!(all[0].succeed().await.is_ok() && all[1].fail().await.is_err());
    assert_eq!(all[1].state(), State::Open);
    assert_eq!((all[0].state(), all[2].state()), (State::Closed, State::Closed));

    server.start_again().await;
    eventually("all have joined", || all.iter().all(Instance::has_joined)).await;
    eventually("what opened meanwhile opens the others", || all_are(&all, State::Open)).await;
    all[2].breaker.close();
    eventually("and they close together", || all_are(&all, State::Closed)).await;
}

#[tokio::test]
async fn a_fleet_that_is_open_stays_open_though_redis_forgets() {
    let mut server = Server::start().await;
    let all = fleet(&server.url(), 3, builder).await;
    all[0].breaker.open();
    eventually("all are open", || all_are(&all, State::Open)).await;
    server.kill();
    server.start_again().await;
    eventually("all have been away", || all.iter().all(|one| one.was_told(is_away))).await;
    eventually("all have joined", || all.iter().all(Instance::has_joined)).await;
    let late = Instance::with(&server.url(), builder());
    eventually("one that starts now learns it", || late.state() == State::Open).await;
    assert!(all_are(&all, State::Open));
}

#[tokio::test]
async fn one_that_hangs_blocks_nobody() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 2, builder).await;
    server.freeze();
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert!(all[0].succeed().await.is_ok());
    }
    assert!(begun.elapsed() < Duration::from_millis(300), "a call asks Redis nothing");
    let took = eventually("it is away", || all.iter().all(|one| !one.has_joined())).await;
    assert!(took < Duration::from_secs(2), "it took {took:?}");
    let late = Instance::with(&server.url(), builder());
    eventually("one that starts finds it away", || late.was_told(is_away)).await;
    assert!(late.succeed().await.is_ok());
    server.thaw();
    eventually("all have joined", || all.iter().chain([&late]).all(Instance::has_joined)).await;
    all[0].breaker.open();
    eventually("and share", || all_are(&all, State::Open) && late.state() == State::Open).await;
}

#[tokio::test]
async fn a_probe_that_is_cut_off_is_made_again_by_another() {
    let server = Server::start().await;
    let mut both = Vec::new();
    for _ in 0..2 {
        let line = Proxy::to(server.port()).await.expect("a port");
        both.push((Instance::with(&line.url(), quick()), line));
    }
    eventually("both have joined", || both.iter().all(|(one, _)| one.has_joined())).await;
    both[0].0.breaker.open();
    let prober = || both.iter().position(|(one, _)| one.state() == State::HalfOpen);
    eventually("one is half-open", || prober().is_some()).await;
    let (first, line) = both.swap_remove(prober().expect("there is one"));
    let (second, _line) = both.remove(0);

    let breaker = first.breaker.clone();
    let probe = tokio::spawn(async move { breaker.call(pending::<Result<(), ()>>()).await });
    eventually("it probes", || first.breaker.snapshot().probes == 1).await;
    line.cut();
    eventually("it is cut off", || !first.has_joined()).await;
    let begun = Instant::now();
    while second.succeed().await.is_err() {
        assert!(begun.elapsed() < LIMIT, "the other takes over");
        sleep(Duration::from_millis(2)).await;
    }
    assert_eq!((second.state(), first.state()), (State::Closed, State::HalfOpen));
    line.mend();
    eventually("back, the first does as the fleet", || first.state() == State::Closed).await;
    probe.abort();
}

#[tokio::test]
async fn an_open_circuit_does_not_wait_for_a_fleet_that_is_gone() {
    let mut server = Server::start().await;
    let all = fleet(&server.url(), 2, || quick().reset(Duration::from_millis(600))).await;
    all[0].breaker.open();
    eventually("all are open", || all_are(&all, State::Open)).await;
    server.kill();
    let took = eventually("each half-opens by itself", || all_are(&all, State::HalfOpen)).await;
    assert!(took < Duration::from_secs(2), "it took {took:?}");
}

#[tokio::test]
async fn nobody_storms_a_redis_that_is_away() {
    let server = Server::start().await;
    let line = Proxy::to(server.port()).await.expect("a port");
    let all = fleet(&line.url(), 4, builder).await;
    line.cut();
    eventually("all are away", || all.iter().all(|one| !one.has_joined())).await;
    let (before, begun) = (line.came(), Instant::now());
    eventually("a second passes", || {
        // Whatever happens meanwhile brings nobody there any sooner.
        all.iter().for_each(|one| {
            one.breaker.open();
            one.breaker.close();
        });
        begun.elapsed() > Duration::from_secs(1)
    })
    .await;
    let came = line.came() - before;
    assert!(
        (4..=60).contains(&came),
        "with waits of 100 to 200 ms four come up to 40 times a second: {came}"
    );
    line.mend();
    eventually("all have joined", || all.iter().all(Instance::has_joined)).await;
}

#[tokio::test]
async fn what_was_counted_meanwhile_is_not_told() {
    let server = Server::start().await;
    let line = Proxy::to(server.port()).await.expect("a port");
    let all = fleet(&line.url(), 1, || builder().volume(1_000)).await;
    line.cut();
    eventually("it is away", || !all[0].has_joined()).await;
    for _ in 0..50 {
        assert!(all[0].fail().await.is_err());
    }
    line.mend();
    eventually("it is back", || all[0].has_joined()).await;
    let before = all[0].fleet.status().exchanges;
    eventually("it has told all", || all[0].fleet.status().exchanges > before + 2).await;
    let keys: u64 = server.ask(&["EXISTS", "test:breaker:counts:payment"]).await;
    assert_eq!(keys, 0);
}

#[tokio::test]
async fn a_key_that_is_somebody_elses_is_left_alone() {
    let server = Server::start().await;
    server.ask::<()>(&["SET", "test:breaker:circuit:payment", "mine"]).await;
    server.ask::<()>(&["HSET", "test:breaker:circuit:strange", "turn", "7", "state", "ajar"]).await;
    let all = fleet(&server.url(), 2, builder).await;
    let make = |name: &str| Breaker::builder(name).build().expect("the settings are right");
    let more = [make("strange"), make("other"), make("other")];
    let sharings = [all[0].fleet.share(&more[0]), all[0].fleet.share(&more[1]), all[1].fleet.share(&more[2])];
    let about = |name: &'static str, text: &'static str| move |event: &FleetEvent| matches!(event, FleetEvent::Trouble { circuit, error } if circuit == name && error.contains(text));
    eventually("it is told why", || {
        all[0].was_told(about("payment", "WRONGTYPE")) && all[0].was_told(about("strange", "ajar"))
    })
    .await;
    assert!(all[0].fail().await.is_err());
    assert_eq!((all[0].state(), all[1].state()), (State::Open, State::Closed), "each on its own");
    more[1].open();
    eventually("the others are shared all the same", || more[2].state() == State::Open).await;
    assert!(all[0].has_joined());
    assert_eq!(all[0].fleet.status().troubled, 2);
    assert_eq!(server.ask::<String>(&["GET", "test:breaker:circuit:payment"]).await, "mine");
    let told = |event: &&FleetEvent| matches!(event, FleetEvent::Trouble { .. });
    assert_eq!(
        all[0].told.lock().expect("no test panics in here").iter().filter(told).count(),
        2,
        "told once each"
    );

    server.ask::<()>(&["DEL", "test:breaker:circuit:payment"]).await;
    eventually("once it is free it is used", || all[1].state() == State::Open).await;
    drop(sharings);
}

#[tokio::test]
async fn a_redis_that_has_lost_the_script_is_given_it_again() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 2, builder).await;
    server.ask::<()>(&["SCRIPT", "FLUSH"]).await;
    all[0].breaker.open();
    eventually("all are open", || all_are(&all, State::Open)).await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_no_opening_longer() {
    let server = Server::start().await;
    let (seconds, _): (u64, u64) = server.ask(&["TIME"]).await;
    // As if written by a clock that was an hour ahead.
    let ends = ((seconds + 3_600) * 1_000).to_string();
    let record = "test:breaker:circuit:payment";
    let written = ["turn", "7", "state", "open", "by", "x", "span", "300", "ends", &ends];
    server.ask::<()>(&[&["HSET", record], written.as_slice()].concat()).await;
    let one = Instance::with(&server.url(), builder());
    eventually("it follows", || one.state() == State::Open).await;
    let left = one.breaker.status().probe_in;
    assert!(left < Some(Duration::from_secs(2)), "{left:?}");
}
