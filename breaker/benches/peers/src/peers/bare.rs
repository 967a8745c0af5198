//! The call without a breaker, as a future and as a closure: what the others are measured above.

use crate::call::{Answer, bad, bad_now, drive, good, good_now, pends_once};
use crate::peer::{Case, Kind, Peer, Row};

pub(super) const ROWS: [Row; 2] = [
    Row::new::<Future>("bare future", Kind::Bare, "").only(&[Case::Good, Case::Bad, Case::Pends]),
    Row::new::<Closure>("bare closure", Kind::Bare, "").sync().only(&[Case::Good, Case::Bad]),
];

#[derive(Clone)]
struct Future;

impl Peer for Future {
    fn closed() -> Self {
        Self
    }
    fn open() -> Self {
        Self
    }
    #[inline(always)]
    fn good(&mut self) -> Answer {
        drive(good()).into()
    }
    #[inline(always)]
    fn bad(&mut self) -> Answer {
        drive(bad()).into()
    }
    #[inline(always)]
    fn pends(&mut self) -> Answer {
        drive(pends_once()).into()
    }
}

#[derive(Clone)]
struct Closure;

impl Peer for Closure {
    fn closed() -> Self {
        Self
    }
    fn open() -> Self {
        Self
    }
    #[inline(always)]
    fn good(&mut self) -> Answer {
        good_now().into()
    }
    #[inline(always)]
    fn bad(&mut self) -> Answer {
        bad_now().into()
    }
}
