//! What follows for the others when one circuit changes.

use super::server::Server;
use super::{Instance, all_are, builder, eventually, fleet};
use breaker::shared::FleetEvent;
use breaker::{Breaker, CallError, Mode, Reason, State};
use std::time::Duration;

#[tokio::test]
async fn when_one_opens_the_others_refuse_within_a_second() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 3, builder).await;
    assert!(all[0].fail().await.is_err());
    assert_eq!(all[0].state(), State::Open);

    let took = eventually("all are open", || all_are(&all, State::Open)).await;
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    for other in &all[1..] {
        let refused = other.succeed().await;
        let Err(CallError::Open { retry_after }) = refused else { panic!("{refused:?} is no refusal") };
        assert!(retry_after > Duration::from_secs(25) && retry_after <= Duration::from_secs(30));
        assert_eq!(other.breaker.snapshot().last.map(|last| last.reason.clone()), Some(Reason::Shared));
    }
    let why = |event: &FleetEvent| matches!(event, FleetEvent::Followed { why, state: State::Open, .. } if why.starts_with("1 of 1 calls failed"));
    eventually("the others know why", || all[1..].iter().all(|other| other.was_told(why))).await;
}

#[tokio::test]
async fn when_one_closes_the_others_do() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 3, builder).await;
    all[0].breaker.open();
    eventually("all are open", || all_are(&all, State::Open)).await;
    all[1].breaker.close();
    eventually("all are closed", || all_are(&all, State::Closed)).await;
    // And once more, from another.
    all[2].breaker.open();
    eventually("all are open again", || all_are(&all, State::Open)).await;
}

#[tokio::test]
async fn one_that_starts_learns_it_with_its_first_exchange() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 1, builder).await;
    all[0].breaker.open();
    eventually("the fleet knows", || all[0].fleet.status().exchanges > 1).await;
    let late = Instance::with(&server.url(), builder());
    eventually("it has joined", || late.has_joined()).await;
    assert_eq!(late.state(), State::Open);
}

#[tokio::test]
async fn one_that_comes_open_tells_the_fleet() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 1, builder).await;
    let opened = builder().build().expect("the settings are right");
    opened.open();
    let sharing = all[0].fleet.share(&opened);
    eventually("the fleet follows", || all_are(&all, State::Open)).await;
    drop(sharing);
}

#[tokio::test]
async fn two_that_open_at_once_agree_on_the_end() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 3, builder).await;
    let (one, two) = tokio::join!(all[0].fail(), all[1].fail());
    assert!(one.is_err() && two.is_err());
    eventually("all are open", || all_are(&all, State::Open)).await;
    let exchanges: Vec<_> = all.iter().map(|one| one.fleet.status().exchanges).collect();
    eventually("all have heard of both", || {
        all.iter().zip(&exchanges).all(|(one, before)| one.fleet.status().exchanges > before + 2)
    })
    .await;
    let openings: u32 = server.ask(&["HGET", "test:breaker:circuit:payment", "openings"]).await;
    assert_eq!(openings, 1, "the second is the same opening");
    let left: Vec<_> = all.iter().filter_map(|one| one.breaker.status().probe_in).collect();
    let (least, most) = (left.iter().min().copied(), left.iter().max().copied());
    let apart = most.zip(least).map(|(most, least)| most - least);
    assert!(left.len() == 3 && apart < Some(Duration::from_millis(300)), "{left:?}");
}

#[tokio::test]
async fn what_is_forced_by_hand_is_shared_and_taken_back() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 3, builder).await;
    let all_in = |mode| all.iter().all(|one| one.breaker.status().mode == mode);
    all[0].breaker.set_mode(Mode::ForcedOpen);
    eventually("forced open", || all_in(Mode::ForcedOpen)).await;
    assert!(matches!(all[2].succeed().await, Err(CallError::Open { .. })));
    all[1].breaker.set_mode(Mode::ForcedClosed);
    eventually("forced closed", || all_in(Mode::ForcedClosed)).await;
    let late = Instance::with(&server.url(), builder());
    eventually("one that comes later too", || late.breaker.status().mode == Mode::ForcedClosed).await;
    all[2].breaker.enable();
    eventually("none forced", || all_in(Mode::Auto) && late.breaker.status().mode == Mode::Auto).await;
}

#[tokio::test]
async fn other_modes_are_ones_own_affair() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 2, builder).await;
    all[0].breaker.disable();
    all[1].breaker.set_mode(Mode::ForcedOpen);
    let forced = || server.ask::<Option<String>>(&["HGET", "test:breaker:circuit:payment", "mode"]);
    while forced().await.as_deref() != Some("forced-open") {
        tokio::task::yield_now().await;
    }
    let before = all[0].fleet.status().exchanges;
    eventually("it has heard", || all[0].fleet.status().exchanges > before + 2).await;
    assert_eq!(all[0].breaker.status().mode, Mode::Disabled);
    for _ in 0..2 {
        all[0].breaker.enable();
        eventually("back, it does as the fleet", || all[0].breaker.status().mode == Mode::ForcedOpen).await;
        all[0].breaker.disable();
        let before = all[0].fleet.status().exchanges;
        eventually("it has told", || all[0].fleet.status().exchanges > before + 2).await;
        assert_eq!(all[1].breaker.status().mode, Mode::ForcedOpen, "nothing is taken back");
    }
}

#[tokio::test]
async fn names_may_be_anything_and_none_is_taken_for_another() {
    let server = Server::start().await;
    let names = ["a:b", "a%3Ab", "*", "{x}", "with space\n\r\0", "käse", ""];
    let here = fleet(&server.url(), 2, builder).await;
    let make = |name: &str| Breaker::builder(name).build().expect("the settings are right");
    let one: Vec<_> = names.iter().map(|name| make(name)).collect();
    let two: Vec<_> = names.iter().map(|name| make(name)).collect();
    let sharings: Vec<_> = one
        .iter()
        .map(|breaker| here[0].fleet.share(breaker))
        .chain(two.iter().map(|breaker| here[1].fleet.share(breaker)))
        .collect();
    for number in 0..names.len() {
        one[number].open();
        eventually("it follows", || two[number].state() == State::Open).await;
        let open = two.iter().filter(|breaker| breaker.state() == State::Open).count();
        assert_eq!(open, number + 1, "{:?} opens itself alone", names[number]);
    }
    assert_eq!(here[0].state(), State::Closed);
    drop(sharings);
}

#[tokio::test]
async fn namespaces_are_worlds_apart() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 2, builder).await;
    let elsewhere =
        breaker::shared::FleetSettings { namespace: "other".into(), ..super::settings(&server.url()) };
    let elsewhere = breaker::shared::Fleet::connect(elsewhere).expect("the settings are right");
    let apart = builder().build().expect("the settings are right");
    let sharing = elsewhere.share(&apart);
    eventually("it has joined", || elsewhere.status().joined).await;
    all[0].breaker.open();
    eventually("all are open", || all_are(&all, State::Open)).await;
    let before = elsewhere.status().exchanges;
    eventually("it had time to hear", || elsewhere.status().exchanges > before + 2).await;
    assert_eq!(apart.state(), State::Closed);
    drop(sharing);
}

#[tokio::test]
async fn dropping_the_guard_ends_the_sharing() {
    let server = Server::start().await;
    let mut all = fleet(&server.url(), 2, builder).await;
    drop(all[1].sharing.take());
    assert_eq!(all[1].fleet.status().circuits, 0);
    all[0].breaker.open();
    let before = all[1].fleet.status().exchanges;
    eventually("it had time to hear", || all[1].fleet.status().exchanges > before + 2).await;
    assert_eq!(all[1].state(), State::Closed);
}

#[tokio::test]
async fn one_that_is_shared_no_more_waits_for_nobody() {
    let server = Server::start().await;
    let reset = Duration::from_millis(500);
    let mut all = fleet(&server.url(), 1, || builder().reset(reset)).await;
    all[0].breaker.open();
    eventually("it waits for the fleet", || all[0].breaker.status().probe_in > Some(reset)).await;
    drop(all[0].sharing.take());
    let left = all[0].breaker.status().probe_in.unwrap_or_default();
    assert!(left <= reset, "{left:?}");
}

#[tokio::test]
async fn a_circuit_is_let_go_with_its_guard() {
    let server = Server::start().await;
    let all = fleet(&server.url(), 1, builder).await;
    let breaker = builder().build().expect("the settings are right");
    let weak = breaker.downgrade();
    let sharing = all[0].fleet.share(&breaker);
    drop(breaker);
    assert!(weak.upgrade().is_some(), "the guard holds it");
    drop(sharing);
    // An exchange may hold it for a moment.
    eventually("it is gone", || weak.upgrade().is_none()).await;
}
