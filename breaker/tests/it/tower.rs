//! The layer, held against the contract of tower's `Service`.

/// When it is ready, and what it asks of the inner service for it.
mod readiness;
/// Its calls: who gets through, how they end, what they give back.
mod response;
/// That nobody waits for ever.
mod wakes;

use crate::shell::{Told, breaker};
use breaker::tower::{BreakerLayer, BreakerService};
use breaker::{Breaker, CallError};
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use tower::{Layer as _, Service};

/// What the inner service is asked to do.
#[derive(Debug, Clone)]
enum Ask {
    Succeed,
    Fail,
    Hang,
    /// Hangs, and holds this for as long.
    Hold(Arc<()>),
    /// Succeeds, with a future that holds this until it is dropped.
    Keep(Arc<()>),
    Panic,
    PanicInCall,
}

/// An inner service that keeps the contract strictly: called without being ready, it panics. It begins its work in
/// `call`, as a `Buffer` does.
#[derive(Default)]
struct Inner {
    seen: Arc<Seen>,
    armed: bool,
}

/// What clones of an inner service share.
#[derive(Default)]
struct Seen {
    polls: AtomicUsize,
    calls: AtomicUsize,
    busy: AtomicBool,
    broken: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

impl Seen {
    fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// From now on it is ready or not; who waits is told.
    fn busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::SeqCst);
        if !busy {
            let wakers = std::mem::take(&mut *self.wakers.lock().expect("not poisoned"));
            wakers.into_iter().for_each(Waker::wake);
        }
    }
}

impl Clone for Inner {
    fn clone(&self) -> Self {
        Self { seen: Arc::clone(&self.seen), armed: false }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<&'static str, &'static str>> + Send>>;

impl Service<Ask> for Inner {
    type Response = &'static str;
    type Error = &'static str;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.seen.polls.fetch_add(1, Ordering::SeqCst);
        if self.seen.broken.load(Ordering::SeqCst) {
            return Poll::Ready(Err("broken"));
        }
        // Entered before the look, as the waker of any honest service.
        self.seen.wakers.lock().expect("not poisoned").push(context.waker().clone());
        if self.seen.busy.load(Ordering::SeqCst) && !self.armed {
            return Poll::Pending;
        }
        self.armed = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, ask: Ask) -> Answer {
        assert!(std::mem::take(&mut self.armed), "called without being ready");
        self.seen.calls.fetch_add(1, Ordering::SeqCst);
        assert!(!matches!(ask, Ask::PanicInCall), "asked to panic in the call");
        if let Ask::Keep(held) = ask {
            return Box::pin(Keep { _held: held });
        }
        Box::pin(async move {
            match ask {
                Ask::Succeed => Ok("yes"),
                Ask::Fail => Err("no"),
                Ask::Hang => pending().await,
                Ask::Hold(held) => {
                    let _held = held;
                    pending().await
                }
                Ask::Keep(_) | Ask::Panic | Ask::PanicInCall => panic!("asked to panic"),
            }
        })
    }
}

/// Keeps what it holds beyond its end.
struct Keep {
    _held: Arc<()>,
}

impl Future for Keep {
    type Output = Result<&'static str, &'static str>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok("yes"))
    }
}

type Guarded = BreakerService<Inner>;

/// A breaker with the default settings, a service behind it, what that one saw, and what listeners were told.
fn guarded() -> (Breaker, Guarded, Arc<Seen>, Told) {
    let (breaker, told) = breaker();
    let inner = Inner::default();
    let seen = Arc::clone(&inner.seen);
    (breaker.clone(), BreakerLayer::new(breaker).layer(inner), seen, told)
}

/// Polls for readiness once, with a waker that counts.
fn poll_ready<S: Service<Ask>>(service: &mut S, wakes: &Arc<Wakes>) -> Poll<Result<(), S::Error>> {
    service.poll_ready(&mut Context::from_waker(&Waker::from(Arc::clone(wakes))))
}

async fn ask<S: Service<Ask>>(service: &mut S, ask: Ask) -> Result<S::Response, S::Error> {
    poll_fn(|context| service.poll_ready(context)).await?;
    service.call(ask).await
}

async fn fail(service: &mut Guarded) {
    assert_eq!(self::ask(service, Ask::Fail).await, Err(CallError::Failed("no")));
}

/// Counts how often it is woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
