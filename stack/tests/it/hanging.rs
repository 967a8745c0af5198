//! A next service that hangs: orders are answered in time, before the circuit opens and after, and nothing is left over.
//!
//! The one place where a test looks at a real clock, since what a caller waits for is the whole point. A busy machine
//! makes everything slow, so each time is held against that of orders that go no further, sent in the same way just
//! before; and one good round among several will do. The times of every round are printed.

use crate::programs::{Answer, Chain, ORDER, client, try_create};
use std::time::Duration;
use testkit::eventually;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// For things to be mended.
const LIMIT: Duration = Duration::from_secs(60);
/// The time-out of the hop is 300 ms.
const BEFORE: Duration = Duration::from_millis(320);
const AFTER: Duration = Duration::from_millis(20);
const ROUNDS: usize = 10;
/// Before the circuit opens all are under way at once: the first to fail opens it.
const AT_ONCE: usize = 20;
const ONE_BY_ONE: usize = 100;
/// What allocators and the database keep for themselves.
const GROWTH: u64 = 16 << 20;

/// The longest time but for one in a hundred.
fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[(times.len() * 99).div_ceil(100) - 1]
}

struct Sender {
    client: reqwest::Client,
    order: String,
}

impl Sender {
    /// Sends an order that has come so far already, and says how long the answer took.
    async fn timed(client: reqwest::Client, order: String, count: u32) -> Duration {
        let request = client.post(format!("{order}/create?count={count}"));
        let request = request.header("content-type", "application/json").header("accept", "application/json");
        let begun = Instant::now();
        let answer = Answer::of(request.body(ORDER)).await.expect("the service answers");
        assert_eq!(answer.status, 200, "{answer:?}");
        begun.elapsed()
    }

    async fn at_once(&self, count: u32) -> Duration {
        let mut orders = JoinSet::new();
        for _ in 0..AT_ONCE {
            orders.spawn(Self::timed(self.client.clone(), self.order.clone(), count));
        }
        p99(orders.join_all().await)
    }

    async fn one_by_one(&self, count: u32) -> Duration {
        let mut times = Vec::new();
        for _ in 0..ONE_BY_ONE {
            times.push(Self::timed(self.client.clone(), self.order.clone(), count).await);
        }
        p99(times)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_answered_in_time_and_nothing_is_left_over() {
    // The first failure opens it, however many calls of the round before dilute the rate.
    let all = [
        ("BREAKER_TIMEOUT_MS", "300"),
        ("BREAKER_ERROR_THRESHOLD", "0"),
        ("BREAKER_RESET_MS", "2000"),
        ("RUST_LOG", "info"),
    ];
    let mut chain = Chain::start(&all, &[("INJECT_ERR", "0")]).await;
    let sender = Sender { client: client(), order: chain.order.url.clone() };
    let last = 6; // JUMPS: such an order is saved and answered, and goes no further
    goes_all_the_way(&chain).await;
    let (mut in_time_before, mut in_time_after) = (false, false);
    // Of the second round on: what is kept for later rounds was taken in the first.
    let mut held = None;
    for round in 1..=ROUNDS {
        // As many connections as the rounds will have.
        let control = (sender.at_once(last).await, sender.one_by_one(last).await);
        chain.payment.process.pause();
        let before = sender.at_once(0).await;
        let after = sender.one_by_one(0).await;
        chain.payment.process.resume();
        tell(&format!(
            "round {round}: {before:?} before it opens, {after:?} after; going no further {control:?}"
        ));
        assert!(before >= Duration::from_millis(300), "the circuit was open already: {before:?}");
        in_time_before |= before < BEFORE + control.0;
        in_time_after |= after < AFTER + control.1;
        goes_all_the_way(&chain).await;

        let order = &chain.order.process;
        let (files, memory) = *held.get_or_insert((order.files(), order.memory()));
        // Connections to a service that hung are closed when it is found out.
        eventually("the files are given back", LIMIT, async || (order.files() <= files + 4).then_some(()))
            .await;
        assert!(order.memory() < memory + GROWTH, "memory grew from {memory} to {}", order.memory());
        if in_time_before && in_time_after && round > 2 {
            return;
        }
    }
    panic!("never in time: before it opens {in_time_before}, after {in_time_after}");
}

/// Waits until an order goes through to shipment.
async fn goes_all_the_way(chain: &Chain) {
    eventually("the circuit closes", LIMIT, async || {
        let answer = try_create(&chain.order.url, 0, ORDER).await.ok()?;
        (answer.status == 200 && answer.degraded.is_empty()).then_some(())
    })
    .await;
}

/// Says it where a test that fails shows it.
#[expect(clippy::print_stderr, reason = "figures that nobody sees explain nothing")]
fn tell(text: &str) {
    eprintln!("{text}");
}
