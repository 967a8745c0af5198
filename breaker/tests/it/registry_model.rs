//! A registry under random use, against a plain account of who asked for what, when, and who holds what.

use breaker::{Breaker, Dropped, Registry, Settings, State};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time;

const IDLE: u64 = 50;

#[derive(Debug, Clone)]
enum Step {
    Get(u8),
    Hold(u8),
    LetGo(u8),
    Open(u8),
    Close(u8),
    Remove(u8),
    Wait(u64),
    DropIdle,
}

/// Without holding, the account can tell which circuit was the longest unused.
fn steps(names: u8, holding: bool) -> impl Strategy<Value = Vec<Step>> {
    let step = (0..12_u8, 0..names, 1..40_u64).prop_map(move |(what, name, wait)| match what {
        0..4 => Step::Get(name),
        4 | 5 if holding => Step::Hold(name),
        4 | 5 => Step::Get(name),
        6 => Step::LetGo(name),
        7 => Step::Open(name),
        8 => Step::Close(name),
        9 => Step::Remove(name),
        10 => Step::Wait(wait),
        _ => Step::DropIdle,
    });
    prop::collection::vec(step, 1..crate::times(200, 30))
}

/// A circuit as the account has it.
#[derive(Debug, Clone, Copy)]
struct Known {
    number: u64,
    asked: u64,
}

#[derive(Default)]
struct Account {
    now: u64,
    known: BTreeMap<String, Known>,
    held: BTreeMap<String, Breaker>,
    /// By number, where it is not as it was made.
    closed: BTreeMap<u64, bool>,
    has_held: bool,
}

impl Account {
    /// What is held may be another one of that name, which has left the registry.
    fn is_held(&self, name: &str, number: u64) -> bool {
        self.held.get(name).is_some_and(|breaker| breaker.settings().volume == number)
    }

    fn in_use(&self, name: &str, number: u64) -> bool {
        self.is_held(name, number) || !self.closed.get(&number).copied().unwrap_or(true)
    }

    /// Books what went, and says whether it may have gone for that.
    fn book(&mut self, name: &str, why: Dropped, at_most: usize) {
        let before = self.known.clone();
        let gone = self.known.remove(name).unwrap_or_else(|| panic!("{name} went, but was not there"));
        let in_use = self.in_use(name, gone.number);
        match why {
            Dropped::Idle => assert!(!in_use && self.now - gone.asked > IDLE, "{name} was not idle"),
            Dropped::Room => {
                assert!(!in_use && before.len() == at_most, "{name} had not to go");
                // What was held for a while counts as asked for later: then the account cannot tell.
                if at_most <= 8 && !self.has_held {
                    let free = before.iter().filter(|(name, known)| !self.in_use(name, known.number));
                    let oldest = free.map(|(_, known)| known.asked).min();
                    assert_eq!(oldest, Some(gone.asked), "{name} was not the longest unused");
                }
            }
            Dropped::InUse => {
                assert!(in_use && before.len() == at_most, "{name} had not to go");
                let all = before.iter().all(|(name, known)| self.in_use(name, known.number));
                assert!(all, "{name} went though others could");
                let mut all = before.iter();
                let all_held = all.all(|(name, known)| self.is_held(name, known.number));
                assert!(all_held || !self.is_held(name, gone.number), "{name} was held, others were not");
            }
            Dropped::Removed => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn play(at_most: usize, steps: Vec<Step>) {
    let (told, next) = (Arc::new(Mutex::new(Vec::new())), AtomicU64::new(0));
    let sink = Arc::clone(&told);
    let registry = Registry::builder()
        .at_most(at_most)
        .idle(Duration::from_millis(IDLE))
        .settings(move |_| Settings {
            volume: next.fetch_add(1, Ordering::Relaxed),
            // An open circuit stays open for the whole game.
            reset: Duration::from_secs(3_600),
            ..Settings::default()
        })
        .on_drop(move |name, why| sink.lock().expect("nobody panics with it").push((name.to_owned(), why)))
        .build();
    let mut account = Account::default();
    for step in steps {
        let mut asked = None;
        let mut removed = None;
        match step {
            Step::Get(name) => asked = Some((name.to_string(), registry.get(&name.to_string()))),
            Step::Hold(name) => {
                let breaker = registry.get(&name.to_string());
                account.has_held = true;
                asked = Some((name.to_string(), breaker));
            }
            Step::LetGo(name) => drop(account.held.remove(&name.to_string())),
            Step::Open(name) | Step::Close(name) => {
                if let Some(breaker) = registry.peek(&name.to_string()) {
                    if matches!(step, Step::Open(_)) {
                        breaker.open()
                    } else {
                        breaker.close()
                    }
                    account.closed.insert(breaker.settings().volume, breaker.state() == State::Closed);
                }
            }
            Step::Remove(name) => removed = registry.remove(&name.to_string()),
            Step::Wait(millis) => {
                time::advance(Duration::from_millis(millis)).await;
                account.now += millis;
            }
            Step::DropIdle => {
                registry.drop_idle();
            }
        }
        for (name, why) in std::mem::take(&mut *told.lock().expect("nobody panics with it")) {
            account.book(&name, why, at_most);
        }
        drop(removed);
        if let Some((name, breaker)) = asked {
            let number = breaker.settings().volume;
            let before = account.known.insert(name.clone(), Known { number, asked: account.now });
            if let Some(before) = before {
                assert_eq!(before.number, number, "{name} was there, and is another one now");
            }
            if matches!(step, Step::Hold(_)) {
                account.held.insert(name, breaker);
            }
        }
        let there: BTreeSet<_> = registry.iter().map(|breaker| breaker.name().to_owned()).collect();
        assert!(there.iter().eq(account.known.keys()), "{there:?} {:?}", account.known);
        assert_eq!(registry.len(), there.len());
        assert!(there.len() <= at_most);
        // A millisecond passes, so that no two were asked for at once.
        time::advance(Duration::from_millis(1)).await;
        account.now += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::times(400, 2)))]

    #[test]
    fn a_registry_does_what_the_plain_account_allows(at_most in 1..40_usize, steps in steps(60, true)) {
        run(play(at_most, steps));
    }

    #[test]
    fn so_does_a_small_one(at_most in 1..6_usize, steps in steps(9, true)) {
        run(play(at_most, steps));
    }

    #[test]
    fn the_longest_unused_goes_first(at_most in 1..6_usize, steps in steps(9, false)) {
        run(play(at_most, steps));
    }
}

fn run(game: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().expect("a runtime").block_on(game);
}
