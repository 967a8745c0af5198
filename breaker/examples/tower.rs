//! The layer among others, in the right order.
//!
//! ```text
//! cargo run -q -p breaker --features tower --example tower
//! ```
//!
//! From the outside inwards:
//!
//! 1. a time-out over everything: as long as the client is willing to wait, all attempts included. It must be longer than
//!    the breaker's, or calls are dropped before the breaker can tell that they are too slow;
//! 2. the retry, so that each attempt asks the circuit, and an open one ends the attempts;
//! 3. the breaker, which also limits the time of each attempt;
//! 4. limits on the upstream: a call that the circuit refuses takes none of its places.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use breaker::tower::BreakerLayer;
use breaker::{Breaker, CallError};
use std::error::Error;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::advance;
use tower::retry::Policy;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt as _};

/// Fails as often as it is told to, and counts how often it is asked.
#[derive(Default)]
struct Upstream {
    failures: AtomicU32,
    asked: AtomicU32,
}

#[derive(Debug, Clone, Copy)]
struct Down;

/// How many attempts are left. A refused call is not tried again: the circuit has said that it is of no use.
#[derive(Clone)]
struct Attempts(u32);

#[tokio::main(flavor = "current_thread", start_paused = true)] // the clock is moved by hand, so that nobody has to wait
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    run().await.map(|_| ())
}

/// Plays the story; how often the upstream had been asked after each part of it.
pub(crate) async fn run() -> Result<[u32; 4], BoxError> {
    let upstream = Arc::new(Upstream::default());
    let breaker = Breaker::builder("stock").volume(3).build()?;
    let inner = Arc::clone(&upstream);
    let mut stock = ServiceBuilder::new()
        .timeout(Duration::from_secs(2))
        .retry(Attempts(3))
        .layer(BreakerLayer::new(breaker.clone()))
        .concurrency_limit(10)
        .service_fn(move |item: &'static str| ready(inner.answer(item)));
    let mut asked = [0; 4];

    upstream.failures.store(1, Ordering::Relaxed);
    println!("one failure, tried again:  {}", ask(&mut stock).await);
    asked[0] = upstream.asked.load(Ordering::Relaxed);

    upstream.failures.store(u32::MAX, Ordering::Relaxed);
    println!("the upstream is down:      {}", ask(&mut stock).await);
    asked[1] = upstream.asked.load(Ordering::Relaxed);

    println!("once more:                 {}", ask(&mut stock).await);
    asked[2] = upstream.asked.load(Ordering::Relaxed);

    upstream.failures.store(0, Ordering::Relaxed);
    advance(breaker.settings().reset).await;
    println!("mended, ten seconds later: {}", ask(&mut stock).await);
    asked[3] = upstream.asked.load(Ordering::Relaxed);
    println!("the upstream was asked {} times, the circuit is {}", asked[3], breaker.state());
    Ok(asked)
}

async fn ask<S>(stock: &mut S) -> String
where
    S: Service<&'static str, Response = u32, Error = BoxError>,
{
    let answer = match stock.ready().await {
        Ok(stock) => stock.call("tea").await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(count) => format!("{count} in stock"),
        Err(error) => match error.downcast_ref::<CallError<Down>>() {
            Some(CallError::Open { retry_after }) => format!("refused, again in {retry_after:?}"),
            _ => error.to_string(),
        },
    }
}

impl Upstream {
    fn answer(&self, _item: &str) -> Result<u32, Down> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let fails =
            self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if fails.is_ok() { Err(Down) } else { Ok(7) }
    }
}

impl<T> Policy<&'static str, T, CallError<Down>> for Attempts {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _item: &mut &'static str,
        result: &mut Result<T, CallError<Down>>,
    ) -> Option<Ready<()>> {
        match result {
            Err(CallError::Failed(_) | CallError::TimedOut { .. }) if self.0 > 1 => {
                self.0 -= 1;
                Some(ready(()))
            }
            _ => None,
        }
    }

    fn clone_request(&mut self, item: &&'static str) -> Option<&'static str> {
        Some(item)
    }
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream is down")
    }
}

impl Error for Down {}
