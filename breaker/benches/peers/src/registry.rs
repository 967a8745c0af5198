//! Many circuits by name: how long it takes to find one, and what each takes.
//!
//! Beside the registry there is, as a floor to it, a map behind a lock, as one would write it without one.

use breaker::Breaker;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

/// Names that are looked up in turn, from all over the registry.
const ASKED: usize = 65_536;

/// Makes circuits on demand.
pub(crate) trait Book {
    /// The circuit of this name, made where there is none.
    fn get(&self, name: &str) -> Breaker;
}

/// All ways to keep circuits by name.
pub(crate) fn books(circuits: usize) -> Vec<(&'static str, Box<dyn Book>)> {
    vec![
        ("breaker::Registry", Box::new(ours::registry(circuits))),
        ("RwLock<HashMap<_, Breaker>>", Box::new(Map::default())),
    ]
}

/// Makes so many circuits.
pub(crate) fn fill(book: &dyn Book, circuits: usize) {
    for number in 0..circuits {
        drop(book.get(&name(number)));
    }
}

/// Nanoseconds to find one of so many circuits.
pub(crate) fn lookup(book: &dyn Book, circuits: usize) -> f64 {
    // A stride that meets all of them, so that neither caches nor order help.
    let asked: Vec<String> = (0..ASKED).map(|at| name(at * 7_368_787 % circuits)).collect();
    let round = || {
        let begin = Instant::now();
        for name in &asked {
            black_box(book.get(black_box(name)));
        }
        begin.elapsed().as_secs_f64() * 1e9 / ASKED as f64
    };
    let mut rounds: Vec<f64> = (0..5).map(|_| round()).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn name(number: usize) -> String {
    format!("service-{number}")
}

#[derive(Default)]
struct Map(RwLock<HashMap<Box<str>, Breaker>>);

impl Book for Map {
    fn get(&self, name: &str) -> Breaker {
        if let Some(found) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return found.clone();
        }
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let made = || Breaker::builder(name).build().expect("default settings");
        map.entry(name.into()).or_insert_with(made).clone()
    }
}

/// It has to be told to hold as many circuits as are asked for.
mod ours {
    use super::Book;
    use breaker::{Breaker, Registry};

    pub(super) fn registry(circuits: usize) -> Registry {
        Registry::builder().at_most(circuits).build()
    }

    impl Book for Registry {
        fn get(&self, name: &str) -> Breaker {
            Registry::get(self, name)
        }
    }
}
