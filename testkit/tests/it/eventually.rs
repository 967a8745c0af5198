//! The condition is asked until it is met, and no longer than the limit.
//!
//! The clock is paused here: nothing but tokio's own time passes.

use std::time::Duration;

use testkit::eventually;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn hands_on_what_was_found_at_once() {
    let began = Instant::now();
    let mut asked = 0;
    let found = eventually("the third answer", Duration::from_secs(1), async || {
        asked += 1;
        (asked == 3).then_some(asked)
    });
    assert_eq!(found.await, 3);
    // tokio's timers have a grain of a millisecond, so each of the two pauses may take one more.
    assert!((20..=22).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "waited 1s in vain for: a miracle")]
async fn names_what_did_not_come() {
    eventually("a miracle", Duration::from_secs(1), async || None::<()>).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "in vain for: an end")]
async fn ends_a_condition_that_hangs() {
    eventually("an end", Duration::from_secs(1), async || std::future::pending::<Option<()>>().await).await;
}
