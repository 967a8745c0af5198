//! Many circuits: one for a name, a bound that holds, and nothing that is in use dropped while others can be.

use breaker::{Breaker, Dropped, EventKind, Mode, Plan, Registry, RegistryBuilder, Settings, State};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::thread;
use std::time::Duration;
use tokio::time;

type Told = Arc<Mutex<Vec<(String, Dropped)>>>;

/// Each circuit that is made gets a number of its own, so that two of one name can be told apart.
fn numbered() -> RegistryBuilder {
    let next = AtomicU64::new(0);
    Registry::builder()
        .settings(move |_| Settings { volume: next.fetch_add(1, Ordering::Relaxed), ..Settings::default() })
}

fn number(breaker: &Breaker) -> u64 {
    breaker.settings().volume
}

fn telling(builder: RegistryBuilder) -> (Registry, Told) {
    let told = Told::default();
    let sink = Arc::clone(&told);
    let registry = builder
        .on_drop(move |name, why| sink.lock().expect("nobody panics with it").push((name.to_owned(), why)))
        .build();
    (registry, told)
}

fn take(told: &Told) -> Vec<(String, Dropped)> {
    std::mem::take(&mut told.lock().expect("nobody panics with it"))
}

fn dropped(name: &str, why: Dropped) -> Vec<(String, Dropped)> {
    vec![(name.to_owned(), why)]
}

async fn fail(breaker: &Breaker) {
    let _ = breaker.call(async { Err::<(), ()>(()) }).await;
}

#[test]
fn a_name_has_one_circuit_with_its_own_settings() {
    let of = |name: &str| match name {
        "payment" => Settings { volume: 7, ..Settings::default() },
        _ => Settings::default(),
    };
    let registry = Registry::builder().settings(of).build();
    assert!(registry.is_empty() && registry.peek("payment").is_none());
    let payment = registry.get("payment");
    payment.open();
    assert_eq!((payment.name(), payment.settings().volume), ("payment", 7));
    assert_eq!(registry.get("payment").state(), State::Open);
    assert_eq!(registry.get("shipment").state(), State::Closed);
    assert_eq!(registry.clone().len(), 2);
    let names: BTreeSet<_> = registry.iter().map(|circuit| circuit.name().to_owned()).collect();
    assert_eq!(names, BTreeSet::from(["payment".to_owned(), "shipment".to_owned()]));
}

#[test]
fn threads_that_ask_for_the_same_new_name_get_the_same_circuit() {
    for _ in 0..crate::times(200, 3) {
        let (registry, start) = (numbered().build(), Barrier::new(4));
        let numbers: Vec<u64> = thread::scope(|scope| {
            let ask = || {
                start.wait();
                number(&registry.get("payment"))
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
        assert_eq!(registry.len(), 1);
    }
}

#[test]
fn the_bound_holds_between_threads() {
    const NAMES: usize = crate::times(1_000, 50);
    let (registry, told) = telling(Registry::builder().at_most(100));
    thread::scope(|scope| {
        for thread in 0..4 {
            let registry = &registry;
            scope.spawn(move || {
                for name in 0..NAMES {
                    let _ = registry.get(&format!("{thread}/{name}"));
                    assert!(registry.len() <= 100);
                }
            });
        }
    });
    assert_eq!((registry.len(), registry.iter().count()), (100, 100));
    assert_eq!(take(&told).len(), 4 * NAMES - 100);
}

#[test]
fn a_bound_of_nothing_is_one() {
    let (registry, told) = telling(Registry::builder().at_most(0));
    drop(registry.get("a"));
    drop(registry.get("b"));
    assert_eq!((registry.len(), take(&told)), (1, dropped("a", Dropped::Room)));
}

#[tokio::test(start_paused = true)]
async fn the_longest_unused_goes_for_want_of_room() {
    let (registry, told) = telling(Registry::builder().at_most(3));
    for name in ["a", "b", "c", "a"] {
        drop(registry.get(name));
        time::advance(Duration::from_millis(1)).await;
    }
    drop(registry.get("d"));
    assert_eq!(take(&told), dropped("b", Dropped::Room));
    let _ = registry.peek("c").expect("there, and not marked as used");
    drop(registry.get("e"));
    assert_eq!(take(&told), dropped("c", Dropped::Room));
}

#[tokio::test(start_paused = true)]
async fn idle_circuits_go_as_new_ones_come() {
    let (registry, told) = telling(Registry::builder().idle(Duration::from_secs(60)));
    for name in 0..crate::times(100, 20) {
        drop(registry.get(&format!("old {name}")));
    }
    time::advance(Duration::from_secs(60)).await;
    drop(registry.get("just in time"));
    assert_eq!(take(&told), []);
    time::advance(Duration::from_millis(1)).await;
    // A quarter as many insertions as there are circuits, and some for those that came: all have been looked at.
    for name in 0..40 {
        drop(registry.get(&format!("new {name}")));
    }
    assert_eq!(registry.len(), 41);
    assert!(take(&told).iter().all(|(name, why)| name.starts_with("old") && *why == Dropped::Idle));
}

#[tokio::test(start_paused = true)]
async fn idle_circuits_go_when_asked_to() {
    const MANY: usize = crate::times(500, 80);
    let (registry, told) = telling(Registry::builder().idle(Duration::from_secs(60)));
    let held = registry.get("held");
    for name in 0..MANY {
        drop(registry.get(&name.to_string()));
    }
    registry.get("open").open();
    time::advance(Duration::from_secs(61)).await;
    assert_eq!(registry.drop_idle(), MANY);
    assert_eq!((registry.len(), take(&told).len()), (2, MANY));
    // What was held was in use: its time begins when it is let go.
    drop(held);
    assert_eq!(registry.drop_idle(), 0);
    time::advance(Duration::from_secs(61)).await;
    registry.get("open").close();
    assert_eq!(registry.drop_idle(), 1);
    assert_eq!(take(&told), dropped("held", Dropped::Idle));
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_stays_as_long_as_others_can_go() {
    let (registry, told) = telling(numbered().at_most(10).idle(Duration::from_secs(1)));
    let held = registry.get("held");
    registry.get("open").open();
    registry.get("disabled").disable();
    for name in 0..crate::times(1_000, 40) {
        drop(registry.get(&name.to_string()));
        time::advance(Duration::from_millis(300)).await;
    }
    assert!(take(&told).iter().all(|(_, why)| *why != Dropped::InUse));
    assert_eq!(number(&registry.get("held")), number(&held));
    assert_eq!(registry.peek("disabled").map(|circuit| circuit.mode()), Some(Mode::Disabled));
    assert_eq!(registry.peek("open").map(|circuit| circuit.state()), Some(State::HalfOpen));
}

#[tokio::test(start_paused = true)]
async fn where_all_are_in_use_the_one_that_nobody_holds_goes_first_and_that_is_told() {
    let (registry, told) = telling(numbered().at_most(3));
    let held = [registry.get("a"), registry.get("b")];
    registry.get("open").open();
    let third = registry.get("c");
    assert_eq!(take(&told), dropped("open", Dropped::InUse));
    time::advance(Duration::from_millis(1)).await;
    let _fourth = registry.get("d");
    let gone = take(&told);
    assert_eq!((gone.len(), gone[0].1, registry.len()), (1, Dropped::InUse, 3));
    // It goes on for who holds it; the registry knows another one now.
    let all = [&held[0], &held[1], &third];
    let orphan = all.into_iter().find(|breaker| breaker.name() == gone[0].0).expect("one of those held");
    fail(orphan).await;
    assert_eq!(orphan.state(), State::Open);
    let again = registry.get(orphan.name());
    assert_eq!(again.state(), State::Closed);
    assert_ne!(number(&again), number(orphan));
}

#[test]
fn room_is_made_by_looking_at_a_few() {
    const MANY: usize = crate::times(10_000, 600);
    let (registry, told) = telling(Registry::builder().at_most(MANY));
    let mut held: Vec<_> = (0..MANY).map(|name| registry.get(&name.to_string())).collect();
    // The one that could go is far away: it is not searched for. By chance one is near: then it goes, and another is tried.
    let far = (0..5).find_map(|turn| {
        let free = held.swap_remove(0).name().to_owned();
        held.push(registry.get(&format!("one more {turn}")));
        let gone = take(&told);
        assert_eq!(gone.len(), 1);
        (gone[0].1 == Dropped::InUse).then_some(free)
    });
    let far = far.expect("not all of them are near");
    assert!(registry.peek(&far).is_some());
    // The hand comes round to it.
    for name in 0..MANY / 10 {
        held.push(registry.get(&format!("more {name}")));
    }
    assert!(registry.peek(&far).is_none());
}

#[test]
fn a_circuit_can_be_removed() {
    let (registry, told) = telling(numbered());
    let first = registry.get("a");
    let removed = registry.remove("a").expect("it is there");
    assert_eq!((number(&removed), registry.len()), (number(&first), 0));
    assert_eq!(take(&told), dropped("a", Dropped::Removed));
    assert!(registry.remove("a").is_none());
    assert_ne!(number(&registry.get("a")), number(&first));
    // The last of a row comes to stand where one was taken out, and is still found.
    for name in ["b", "c", "d"] {
        let _ = registry.get(name);
    }
    let _ = registry.remove("b");
    assert_eq!(registry.get("d").name(), "d");
    assert_eq!(registry.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_listener_hears_of_all_circuits() {
    let (all, opened) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let push = |to: &Arc<Mutex<Vec<String>>>| {
        let to = Arc::clone(to);
        move |event: &breaker::Event<'_>| {
            let heard = format!("{} {}", event.circuit, event.kind.name());
            to.lock().expect("nobody panics with it").push(heard);
        }
    };
    let registry = Registry::builder().on_event(push(&all)).on([EventKind::Open], push(&opened)).build();
    fail(&registry.get("a")).await;
    fail(&registry.get("b")).await;
    assert_eq!(
        *all.lock().expect("nobody panics with it"),
        ["a fire", "a failure", "a open", "b fire", "b failure", "b open"]
    );
    assert_eq!(*opened.lock().expect("nobody panics with it"), ["a open", "b open"], "those it asked for");
}

#[test]
fn settings_that_cannot_be_are_refused_and_told() {
    let refused = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&refused);
    let registry = Registry::builder()
        .settings(|_| Settings { reset: Duration::ZERO, ..Settings::default() })
        .on_refused(move |name, error| {
            sink.lock().expect("nobody panics with it").push(format!("{name}: {error}"))
        })
        .build();
    assert!(registry.try_get("a").is_err());
    assert!(registry.is_empty() && refused.lock().expect("nobody panics with it").is_empty());
    assert_eq!(*registry.get("a").settings(), Settings::default());
    let _ = registry.get("a");
    assert_eq!(
        *refused.lock().expect("nobody panics with it"),
        ["a: reset is zero: an open circuit would refuse nothing"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_keeps_state_and_window() {
    let registry = Registry::builder().settings(|_| Settings { volume: 3, ..Settings::default() }).build();
    let (quiet, open) = (registry.get("quiet"), registry.get("open"));
    fail(&quiet).await;
    open.open();
    let volume = |volume| move |_: &str| Settings { volume, ..Settings::default() };
    let plan = move |name: &str| Plan { settings: volume(2)(name), mode: Some(Mode::Disabled) };
    let done = registry.update_plans(plan);
    assert_eq!((done.updated, done.refused.len()), (2, 0));
    assert_eq!(quiet.snapshot().counts.failures, 1);
    assert_eq!(open.state(), State::Open);
    assert_eq!([quiet.status().mode, registry.get("new").status().mode], [Mode::Disabled; 2]);
    assert_eq!(quiet.settings().volume, 2, "the live one, too");
    assert_eq!(registry.get("new").settings().volume, 2);
    // Settings alone leave the mode.
    let done = registry.update(volume(1));
    assert_eq!((done.updated, quiet.status().mode), (3, Mode::Disabled));
    assert_eq!(registry.get("newer").status().mode, Mode::Auto);
}

#[test]
fn an_update_that_cannot_be_leaves_the_others() {
    let registry = Registry::builder().build();
    let (_a, _b) = (registry.get("a"), registry.get("b"));
    let done = registry.update(|name| match name {
        "a" => Settings { reset: Duration::ZERO, ..Settings::default() },
        _ => Settings { volume: 9, ..Settings::default() },
    });
    assert_eq!(done.updated, 1);
    assert_eq!(done.refused[0].0, "a");
    assert_eq!(*registry.get("a").settings(), Settings::default());
}

#[test]
fn nothing_of_the_users_runs_under_a_lock() {
    let itself: Arc<OnceLock<Registry>> = Arc::default();
    let (in_settings, in_hook) = (Arc::clone(&itself), Arc::clone(&itself));
    let registry = Registry::builder()
        .at_most(2)
        .settings(move |name| {
            // A deadlock, if the shard or the hand were held.
            if let (Some(registry), false) = (in_settings.get(), name == "other") {
                let _ = (registry.get("other"), registry.len(), registry.iter().count());
            }
            Settings::default()
        })
        .on_drop(move |name, _| {
            if let (Some(registry), true) = (in_hook.get(), name == "a") {
                let _ = (registry.peek("b"), registry.get("b"), registry.remove("b"));
                panic!("and what panics harms nobody");
            }
        })
        .build();
    itself.set(registry.clone()).expect("set once");
    for name in ["a", "b", "c", "d"] {
        assert_eq!(registry.get(name).name(), name);
    }
    let inner = registry.clone();
    let done = registry.update(move |_| {
        let _ = inner.get("other");
        Settings::default()
    });
    assert!(done.updated > 0 && registry.len() <= 2);
    // The function holds the registry: let both go.
    let _ = registry.update(|_| Settings::default());
}
