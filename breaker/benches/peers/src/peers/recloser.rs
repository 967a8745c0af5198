//! recloser, which keeps the last 100 calls, round closures and round futures.

use super::AN_HOUR;
use crate::call::{Answer, Fault, Work, bad, bad_now, drive, good, good_now, pends_once};
use crate::peer::{Kind, Peer, Row};
use recloser::{AsyncRecloser, Error, Recloser};
use std::sync::Arc;

pub(super) const ROWS: [Row; 2] = [
    Row::new::<Closures>("recloser 1.4, sync", Kind::Peer, "last 100 calls").sync(),
    Row::new::<Futures>("recloser 1.4, async", Kind::Peer, "last 100 calls"),
];

fn closed() -> Recloser {
    // Above 1: a hundred failures in a row are judged, and do not open it.
    Recloser::custom().error_rate(1.01).open_wait(AN_HOUR).build()
}

fn open() -> Recloser {
    let recloser = Recloser::custom().error_rate(0.5).closed_len(1).open_wait(AN_HOUR).build();
    while !matches!(recloser.call(bad_now), Err(Error::Rejected)) {}
    recloser
}

#[inline(always)]
fn answer(result: Result<u32, Error<Fault>>) -> Answer {
    match result {
        Ok(_) => Answer::Good,
        Err(Error::Inner(_)) => Answer::Bad,
        Err(Error::Rejected) => Answer::Refused,
    }
}

#[derive(Clone)]
struct Closures(Arc<Recloser>);

impl Peer for Closures {
    fn closed() -> Self {
        Self(Arc::new(closed()))
    }
    fn open() -> Self {
        Self(Arc::new(open()))
    }
    #[inline(always)]
    fn good(&mut self) -> Answer {
        answer(self.0.call(good_now))
    }
    #[inline(always)]
    fn bad(&mut self) -> Answer {
        answer(self.0.call(bad_now))
    }
}

#[derive(Clone)]
struct Futures(AsyncRecloser);

impl Futures {
    #[inline(always)]
    fn call(&self, work: impl Future<Output = Work>) -> Answer {
        answer(drive(self.0.call(work)))
    }
}

impl Peer for Futures {
    fn closed() -> Self {
        Self(AsyncRecloser::from(closed()))
    }
    fn open() -> Self {
        Self(AsyncRecloser::from(open()))
    }
    #[inline(always)]
    fn good(&mut self) -> Answer {
        self.call(good())
    }
    #[inline(always)]
    fn bad(&mut self) -> Answer {
        self.call(bad())
    }
    #[inline(always)]
    fn pends(&mut self) -> Answer {
        self.call(pends_once())
    }
}
