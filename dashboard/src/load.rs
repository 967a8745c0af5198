//! A steady load: so many orders a second, made here, so that a page can ask for it and need not keep up with it.
//!
//! Orders leave at even distances, whatever becomes of those before them: a chain that is slow does not make its own
//! load less. What cannot be sent when it is due is counted as skipped, and never sent later.

mod figures;
mod pace;

pub(crate) use figures::Figures;

use crate::answer::Missed;
use crate::feed::{Feed, to_text};
use crate::limits;
use crate::orders::{Answered, Orders, invent};
use pace::Pace;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tracing::info;

/// The load, and what came of it.
#[derive(Debug)]
pub(crate) struct Load {
    rate: watch::Sender<u16>,
    count: Arc<Mutex<figures::Count>>,
    orders: Orders,
    feed: Arc<Feed>,
}

impl Load {
    pub(crate) fn new(orders: Orders, feed: Arc<Feed>) -> Self {
        let load = Self { rate: watch::Sender::new(0), count: Arc::default(), orders, feed };
        load.show();
        load
    }

    /// How it goes.
    pub(crate) fn figures(&self) -> Figures {
        let rate = *self.rate.borrow();
        self.count().figures(rate, Instant::now())
    }

    /// From now on so many orders a second. One that begins anew counts anew.
    pub(crate) fn set(&self, rate: u16) {
        self.rate.send_if_modified(|now| {
            if *now == 0 && rate > 0 {
                self.count().begin_anew();
            }
            std::mem::replace(now, rate) != rate
        });
        self.show();
    }

    /// Makes the load. Never ends by itself; what is under way when it is dropped is given up.
    pub(crate) async fn run(&self) {
        let mut rates = self.rate.subscribe();
        let places = Arc::new(Semaphore::new(limits::IN_FLIGHT));
        let mut under_way = JoinSet::new();
        loop {
            let rate = *rates.borrow_and_update();
            let Some(mut pace) = Pace::new(rate, Instant::now()) else {
                tokio::select! {
                    _ = rates.changed() => {}
                    // Those that were sent before it stopped.
                    Some(_) = under_way.join_next() => self.show_if_idle(under_way.is_empty()),
                }
                continue;
            };
            let mut report = interval(limits::REPORT);
            report.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let unwatched = self.feed.unwatched(limits::UNWATCHED);
            tokio::pin!(unwatched);
            loop {
                tokio::select! {
                    biased;
                    _ = rates.changed() => break,
                    () = &mut unwatched => {
                        info!("the load stops: no page has shown it for {} s", limits::UNWATCHED.as_secs());
                        self.set(0);
                        break;
                    }
                    () = sleep_until(pace.next()) => {
                        let due = pace.due(Instant::now());
                        self.count().skipped += due.late;
                        for _ in 0..due.now {
                            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                                self.count().skipped += 1;
                                continue;
                            };
                            let (count, orders) = (Arc::clone(&self.count), self.orders.clone());
                            let load = lock(&count).send();
                            under_way.spawn(async move {
                                let _place = place;
                                let order = invent(&mut rand::rng());
                                let answer = orders.send(&order).await;
                                note(&mut lock(&count), load, &answer);
                            });
                        }
                    }
                    Some(_) = under_way.join_next() => {}
                    _ = report.tick() => self.show(),
                }
            }
        }
    }

    fn show_if_idle(&self, idle: bool) {
        if idle {
            self.show();
        }
    }

    fn show(&self) {
        self.feed.show_load(to_text(&self.figures()));
    }

    fn count(&self) -> MutexGuard<'_, figures::Count> {
        lock(&self.count)
    }
}

fn note(count: &mut figures::Count, load: u64, answer: &Result<Answered, Missed>) {
    match answer {
        Ok(answer) if answer.status.is_success() => {
            count.answer(load, Instant::now(), answer.took, answer.degraded.is_some());
        }
        Ok(_) | Err(_) => count.fail(load),
    }
}

fn lock(count: &Mutex<figures::Count>) -> MutexGuard<'_, figures::Count> {
    count.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
