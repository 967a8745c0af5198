//! The examples end as their texts say. They run on a moved clock and on ports of their own.

#[path = "../../examples/axum.rs"]
#[expect(dead_code, reason = "its `main` is for the command line")]
mod axum;
#[path = "../../examples/blocking.rs"]
#[expect(dead_code, reason = "its `main` is for the command line")]
mod blocking;
#[path = "../../examples/reqwest.rs"]
#[expect(dead_code, reason = "its `main` is for the command line")]
mod reqwest;
#[cfg(feature = "tower")]
#[path = "../../examples/tower.rs"]
#[expect(dead_code, reason = "its `main` is for the command line")]
mod tower;

#[tokio::test]
async fn axum_answers_503_with_retry_after_while_the_circuit_is_open() {
    let answers = self::axum::run().await.expect("a network of this machine");
    assert_eq!(answers, [(200, None), (502, None), (502, None), (503, Some(10)), (200, None)]);
}

#[tokio::test]
async fn reqwest_has_a_circuit_for_each_host() {
    let told = self::reqwest::run().await.expect("a network of this machine");
    assert_eq!(
        told,
        [
            "flaky asked for 200: a price; circuit closed",
            "flaky asked for 404: error: answered 404 Not Found; circuit closed",
            "flaky asked for 503: a price, the last good one; circuit closed",
            "flaky asked for 429: a price, the last good one; circuit open",
            "flaky asked for 200: a price, the last good one; circuit open",
            "good asked for 200: a price; circuit closed",
            "good asked for 404: error: answered 404 Not Found; circuit closed",
        ]
    );
}

#[cfg(feature = "tower")]
#[tokio::test(start_paused = true)]
async fn tower_does_not_try_a_refused_call_again() {
    let asked = self::tower::run().await.expect("right settings");
    assert_eq!(asked, [2, 3, 3, 4]);
}

#[test]
fn blocking_opens_and_heals_without_a_runtime() {
    let [failing, refused, probing] = blocking::run().expect("right settings");
    assert!((5..=8).contains(&failing), "five trip it, and eight were asked for: {failing}");
    assert_eq!((refused, probing), (0, 1));
}
