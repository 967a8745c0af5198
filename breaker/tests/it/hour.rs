//! An hour of a moved clock, with everything at random: calls that succeed, fail, hang, panic, come late or are dropped
//! half-way, settings and modes that change under them, a breaker that is opened and closed by hand. What must hold
//! always is asserted at each step.
//!
//! `HOUR_SEED` repeats a run.

/// Calls at random, and what has become of them.
mod traffic;
/// What must hold.
mod truths;

use breaker::{Breaker, Mode, State};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use traffic::Traffic;
use truths::Truths;

const HOUR: Duration = Duration::from_secs(crate::times(60 * 60, 1));

/// What is drawn, all from one seed.
struct Dice(TestRunner);

impl Dice {
    fn of(seed: u64) -> Self {
        let bytes: Vec<u8> = (0..4_u64).flat_map(|part| (seed ^ part).to_le_bytes()).collect();
        Self(TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)))
    }

    fn draw<S: Strategy>(&mut self, strategy: S) -> S::Value {
        strategy.new_tree(&mut self.0).expect("it can be drawn").current()
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.draw(0..sides)
    }
}

/// A seed that is new each time, or that of the run to be repeated.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    std::env::var("HOUR_SEED")
        .ok()
        .map_or_else(|| RandomState::new().hash_one(()), |seed| seed.parse().expect("a number"))
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_random_faults_breaks_no_rule() {
    let seed = seed();
    tell(&format!("HOUR_SEED={seed}"));
    let mut dice = Dice::of(seed);
    let (truths, listener) = Truths::new();
    let breaker = Breaker::builder("test")
        .settings(dice.draw(traffic::settings()))
        .on_event(listener)
        .build()
        .expect("these settings are right");
    let mut traffic = Traffic::of(&breaker);
    let begun = Instant::now();
    let mut steps = 0_u64;
    while begun.elapsed() < HOUR {
        steps += 1;
        match dice.below(100) {
            0..55 => traffic.call(&mut dice),
            55..60 => traffic.permit(&mut dice),
            60..65 => traffic.drop_one(&mut dice),
            65..67 => breaker.open(),
            67..69 => breaker.close(),
            69..71 => breaker.set_mode(dice.draw(traffic::mode())),
            71..73 => breaker.update(dice.draw(traffic::settings())).expect("these settings are right"),
            73..75 => drop(breaker.would_refuse()),
            75..98 => sleep(Duration::from_millis(dice.below(300))).await,
            _ => sleep(Duration::from_millis(dice.below(15_000))).await,
        }
        traffic.settle().await;
        truths.hold(&breaker, &traffic);
    }
    traffic.end().await;
    truths.hold(&breaker, &traffic);
    truths.nothing_is_held(&breaker, &traffic);
    assert!(steps > crate::times(5_000, 0), "only {steps} steps");

    // And it still works.
    breaker.set_mode(Mode::Auto);
    breaker.update(breaker::Settings::default()).expect("the defaults are right");
    breaker.close();
    assert_eq!(breaker.call(async { Ok::<_, ()>(1) }).await, Ok(1));
    assert_eq!(breaker.state(), State::Closed);
}

/// Says it where a test that fails shows it.
#[expect(clippy::print_stderr, reason = "a seed that nobody sees repeats nothing")]
fn tell(text: &str) {
    eprintln!("{text}");
}
