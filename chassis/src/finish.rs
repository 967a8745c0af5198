//! Work that is finished once it has begun, whoever waits for it.
//!
//! Who waits polls it, which costs no task and wakes nobody. Where they go away, a task of its own goes on with it.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;

/// Work that is finished, once it was polled.
pub(crate) struct Finish<W: Future<Output: Send> + Send + 'static> {
    /// None when it is done.
    work: Option<Pin<Box<W>>>,
    begun: bool,
}

impl<W: Future<Output: Send> + Send + 'static> Finish<W> {
    pub(crate) fn new(work: W) -> Self {
        Self { work: Some(Box::pin(work)), begun: false }
    }
}

impl<W: Future<Output: Send> + Send + 'static> Future for Finish<W> {
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Output> {
        self.begun = true;
        // Where it panics, it is dropped, and nobody goes on with it.
        let Some(mut work) = self.work.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<W: Future<Output: Send> + Send + 'static> Drop for Finish<W> {
    fn drop(&mut self) {
        let work = self.work.take().filter(|_| self.begun);
        // Without a runtime the process ends.
        if let (Some(work), Ok(runtime)) = (work, Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Finish;
    use futures_util::FutureExt as _;
    use std::panic::AssertUnwindSafe;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Notify;
    use tokio::task::yield_now;

    /// Counts its steps: one when it begins, one when it is done.
    fn work(steps: &Arc<AtomicU32>, go_on: &Arc<Notify>) -> Finish<impl Future<Output = u32> + use<>> {
        let (steps, go_on) = (Arc::clone(steps), Arc::clone(go_on));
        Finish::new(async move {
            steps.fetch_add(1, Ordering::Relaxed);
            go_on.notified().await;
            steps.fetch_add(1, Ordering::Relaxed) + 1
        })
    }

    #[tokio::test]
    async fn what_has_begun_is_finished() {
        let (steps, go_on) = (Arc::default(), Arc::new(Notify::new()));
        let mut waited_for = work(&steps, &go_on);
        assert!((&mut waited_for).now_or_never().is_none());
        drop(waited_for);
        go_on.notify_one();
        yield_now().await;
        assert_eq!(steps.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn what_has_not_begun_is_left() {
        let (steps, go_on) = (Arc::default(), Arc::new(Notify::new()));
        go_on.notify_one();
        drop(work(&steps, &go_on));
        yield_now().await;
        assert_eq!(steps.load(Ordering::Relaxed), 0);
        assert_eq!(work(&steps, &go_on).await, 2, "and what is waited for tells what came of it");
    }

    #[tokio::test]
    async fn what_panics_is_over() {
        let steps = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&steps);
        let work = Finish::new(async move {
            assert!(counted.fetch_add(1, Ordering::Relaxed) > 0, "a panic on purpose");
        });
        assert!(AssertUnwindSafe(work).catch_unwind().await.is_err());
        yield_now().await;
        assert_eq!(steps.load(Ordering::Relaxed), 1);
    }
}
