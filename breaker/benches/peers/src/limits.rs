//! What the machine allows: the price of the parts that any breaker is made of.
//!
//! Each is written as a peer, so that it goes through the same loop and the same rounds: its one operation stands
//! beside the call that is wrapped.

use crate::call::{Answer, Work, drive, good, good_now, pends_once};
use crate::peer::{Case, Kind, Peer, Row};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const ONE: &[Case] = &[Case::Good];

pub(crate) const ROWS: [Row; 9] = [
    Row::new::<Load>("atomic load", Kind::Limit, "").sync().only(ONE),
    Row::new::<OwnLine>("atomic add, own cache line", Kind::Limit, "").sync().only(ONE),
    Row::new::<SharedLine>("atomic add, shared cache line", Kind::Limit, "").sync().only(ONE),
    Row::new::<Locked>("std Mutex", Kind::Limit, "").sync().only(ONE),
    Row::new::<Handle>("Arc clone and drop", Kind::Limit, "").sync().only(ONE),
    Row::new::<StdClock>("Instant::now", Kind::Limit, "").sync().only(ONE),
    Row::new::<TokioClock>("tokio Instant::now", Kind::Limit, "").sync().only(ONE),
    Row::new::<Tsc>("TSC (quanta raw)", Kind::Limit, "").sync().only(ONE),
    Row::new::<Timeout>("tokio::time::timeout", Kind::Limit, "").only(&[Case::Good, Case::Pends]),
];

/// A cache line to itself, and the one that is fetched with it.
#[repr(align(128))]
#[derive(Default)]
struct Line(AtomicU64);

/// An operation beside the call.
macro_rules! limit {
    ($name:ident, $made:expr, |$one:ident| $act:expr) => {
        impl Peer for $name {
            fn closed() -> Self {
                $made
            }
            fn open() -> Self {
                $made
            }
            #[inline(always)]
            fn good(&mut self) -> Answer {
                let $one = self;
                black_box($act);
                good_now().into()
            }
            fn bad(&mut self) -> Answer {
                Answer::Odd
            }
        }
    };
}

#[derive(Clone)]
struct Load(Arc<Line>);
limit!(Load, Self(Arc::default()), |one| one.0.0.load(Ordering::Acquire));

struct OwnLine(Box<Line>);
limit!(OwnLine, Self(Box::default()), |one| one.0.0.fetch_add(1, Ordering::Relaxed));

impl Clone for OwnLine {
    /// Another thread adds to another line.
    fn clone(&self) -> Self {
        Self(Box::default())
    }
}

#[derive(Clone)]
struct SharedLine(Arc<Line>);
limit!(SharedLine, Self(Arc::default()), |one| one.0.0.fetch_add(1, Ordering::Relaxed));

#[derive(Clone)]
struct Locked(Arc<Mutex<u64>>);
limit!(Locked, Self(Arc::default()), |one| *one.0.lock().unwrap_or_else(PoisonError::into_inner) += 1);

#[derive(Clone)]
struct Handle(Arc<Line>);
limit!(Handle, Self(Arc::default()), |one| drop(black_box(Arc::clone(&one.0))));

#[derive(Clone)]
struct StdClock;
limit!(StdClock, Self, |_one| Instant::now());

#[derive(Clone)]
struct TokioClock;
limit!(TokioClock, Self, |_one| tokio::time::Instant::now());

#[derive(Clone)]
struct Tsc(quanta::Clock);
limit!(Tsc, Self(quanta::Clock::new()), |one| one.0.raw());

#[derive(Clone)]
struct Timeout;

impl Timeout {
    #[inline(always)]
    fn call(work: impl Future<Output = Work>) -> Answer {
        match drive(tokio::time::timeout(Duration::from_millis(300), work)) {
            Ok(work) => work.into(),
            Err(_) => Answer::Odd,
        }
    }
}

impl Peer for Timeout {
    fn closed() -> Self {
        Self
    }
    fn open() -> Self {
        Self
    }
    #[inline(always)]
    fn good(&mut self) -> Answer {
        Self::call(good())
    }
    fn bad(&mut self) -> Answer {
        Answer::Odd
    }
    #[inline(always)]
    fn pends(&mut self) -> Answer {
        Self::call(pends_once())
    }
}
