//! Waiting for something that another task or process will do.
//!
//! A test that sleeps is either slow or wrong. This asks again and again, goes on as soon as the answer is there, and
//! when it does not come says in words what was missing.

use std::time::Duration;

use tokio::time::{sleep, timeout};

const PAUSE: Duration = Duration::from_millis(10);

/// Asks `condition` each 10 ms until it answers `Some`, and hands that on.
///
/// # Panics
///
/// When `limit` has passed, naming `what`. The limit also ends a condition that hangs.
pub async fn eventually<T>(what: &str, limit: Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = timeout(limit, async {
        loop {
            if let Some(found) = condition().await {
                return found;
            }
            sleep(PAUSE).await;
        }
    });
    match asked.await {
        Ok(found) => found,
        Err(_) => panic!("waited {limit:?} in vain for: {what}"),
    }
}
