//! How many retries and hedges there may be.

use breaker::{Budget, BudgetError, BudgetSettings};
use proptest::collection::vec;
use proptest::prelude::{prop_assert_eq, proptest};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tokio::time::advance;

fn budget(ratio: f64, per_second: u32) -> Budget {
    Budget::new(BudgetSettings { ratio, per_second, ..BudgetSettings::default() }).expect("right")
}

fn withdrawn(budget: &Budget) -> usize {
    std::iter::repeat_with(|| budget.withdraw()).take(10_000).take_while(|withdrawn| *withdrawn).count()
}

fn deposit(budget: &Budget, calls: usize) {
    (0..calls).for_each(|_| budget.deposit());
}

#[tokio::test(start_paused = true)]
async fn a_share_of_the_calls_may_be_made_again() {
    let budget = budget(0.2, 0);
    assert!(!budget.withdraw(), "nobody has called yet");
    deposit(&budget, 4);
    assert_eq!(budget.balance(), 0, "a token is whole or none");
    deposit(&budget, 1);
    assert_eq!(withdrawn(&budget), 1);
    deposit(&budget, 1_000);
    assert_eq!(budget.balance(), 200);
    assert_eq!(withdrawn(&budget), 200);
}

#[tokio::test(start_paused = true)]
async fn those_who_call_seldom_have_some_too() {
    let budget = budget(0.0, 10);
    assert_eq!(withdrawn(&budget), 100, "those of 10 s, at once");
    advance(Duration::from_millis(9_999)).await;
    assert_eq!(withdrawn(&budget), 0);
    advance(Duration::from_millis(1)).await;
    assert_eq!(withdrawn(&budget), 100);
}

#[tokio::test(start_paused = true)]
async fn calls_are_forgotten_after_the_window() {
    let budget = budget(1.0, 0);
    deposit(&budget, 50);
    advance(Duration::from_secs(5)).await;
    deposit(&budget, 7);
    assert_eq!(budget.balance(), 57);
    advance(Duration::from_secs(5)).await;
    assert_eq!(budget.balance(), 7, "the first 50 are 10 s old");
    advance(Duration::from_secs(100_000)).await;
    assert_eq!(budget.balance(), 0);
    deposit(&budget, 3);
    assert_eq!(withdrawn(&budget), 3, "a slot is used again");
}

#[tokio::test(start_paused = true)]
async fn clones_share_one_store() {
    let budget = budget(1.0, 0);
    budget.clone().deposit();
    assert_eq!(withdrawn(&budget), 1);
    assert_eq!(budget.clone().balance(), 0);
}

#[test]
fn threads_together_get_no_more_than_one_would() {
    const CALLS: usize = crate::times(5_000, 100);
    let budget = budget(0.25, 0);
    let got = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    budget.deposit();
                    got.fetch_add(usize::from(budget.withdraw()), Ordering::Relaxed);
                }
            });
        }
    });
    got.fetch_add(withdrawn(&budget), Ordering::Relaxed);
    assert_eq!(
        got.load(Ordering::Relaxed),
        CALLS,
        "a quarter of those of 4 threads, none lost and none twice"
    );
}

#[test]
fn what_cannot_work_is_said() {
    let with = |ratio, window| {
        Budget::new(BudgetSettings { ratio, window, ..BudgetSettings::default() }).map(|_| ())
    };
    let right = Duration::from_secs(10);
    assert_eq!(with(0.0, right), Ok(()));
    assert_eq!(with(-0.1, right), Err(BudgetError::Ratio(-0.1)));
    assert!(matches!(with(f64::NAN, right), Err(BudgetError::Ratio(_))));
    for window in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(61)] {
        assert_eq!(with(0.2, window), Err(BudgetError::Window(window)));
    }
    assert_eq!(
        BudgetError::Ratio(-1.0).to_string(),
        "budget ratio is -1: it is the further attempts for each call, from 0 to 1000"
    );
}

proptest! {
    /// Against a plain list of everything that happened.
    #[test]
    fn a_window_holds_no_more_than_its_share(
        steps in vec((0_u64..3_000, 0_usize..20, 0_usize..20), 1..crate::times(60, 6)),
        hundredths in 0_u32..200, per_second in 0_u32..5,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(async {
            let budget = budget(f64::from(hundredths) / 100.0, per_second);
            let (mut now, mut deposits, mut withdrawals) = (0, Vec::new(), Vec::new());
            for (passing, calls, wishes) in steps {
                now += passing;
                advance(Duration::from_millis(passing)).await;
                deposit(&budget, calls);
                deposits.extend(std::iter::repeat_n(now / 1_000, calls));
                for _ in 0..wishes {
                    let held = |slots: &Vec<u64>| slots.iter().filter(|&slot| slot + 10 > now / 1_000).count() as u64;
                    let allowed = held(&deposits) * u64::from(hundredths) / 100 + u64::from(per_second) * 10;
                    let expected = held(&withdrawals) < allowed;
                    prop_assert_eq!(budget.withdraw(), expected);
                    withdrawals.extend(expected.then_some(now / 1_000));
                }
            }
            Ok(())
        })?;
    }
}
