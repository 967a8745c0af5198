//! This library: as it comes, without a time-out, on another clock, and by permits.
//!
//! The only file, with `registry.rs`, that knows its API.

use super::{AN_HOUR, VOLUME};
use crate::call::{Answer, Work, bad, drive, good, pends_once};
use crate::peer::{Kind, Peer, Row};
use breaker::{Breaker, Builder, CallError};

const WINDOW: &str = "10 s, 10 buckets";

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new::<Timed>("breaker", Kind::Ours, WINDOW).slides(),
        Row::new::<Unlimited>("breaker, no time-out", Kind::Ours, WINDOW).slides(),
        Row::new::<system::Timed>("breaker on the system's clock", Kind::Ours, WINDOW).slides(),
        Row::new::<tsc::Timed>("breaker on the TSC", Kind::Ours, WINDOW).slides(),
        Row::new::<coarse::Timed>("breaker on the coarse clock", Kind::Ours, WINDOW).slides(),
        Row::new::<permit::Permitted>("breaker, by permit", Kind::Ours, WINDOW).slides().sync(),
    ]
}

/// Default settings but for the threshold and the volume: a window of 10 s, a time-out of 300 ms.
fn closed() -> Builder {
    Breaker::builder("bench").error_threshold(99.0).volume(VOLUME.into())
}

fn build(builder: Builder) -> Breaker {
    builder.build().expect("settings that keep the rules")
}

fn build_open(builder: Builder) -> Breaker {
    let breaker = build(builder.reset(AN_HOUR));
    breaker.open();
    breaker
}

#[inline(always)]
fn call(breaker: &Breaker, work: impl Future<Output = Work>) -> Answer {
    match drive(breaker.call(work)) {
        Ok(_) => Answer::Good,
        Err(CallError::Failed(_)) => Answer::Bad,
        Err(CallError::Open { .. }) => Answer::Refused,
        Err(_) => Answer::Odd,
    }
}

/// A breaker that is called by way of [`Breaker::call`], made with the settings given.
macro_rules! called {
    ($name:ident, $builder:expr) => {
        #[derive(Clone)]
        pub(super) struct $name(Breaker);

        impl Peer for $name {
            fn closed() -> Self {
                Self(build($builder))
            }
            fn open() -> Self {
                Self(build_open($builder))
            }
            #[inline(always)]
            fn good(&mut self) -> Answer {
                call(&self.0, good())
            }
            #[inline(always)]
            fn bad(&mut self) -> Answer {
                call(&self.0, bad())
            }
            #[inline(always)]
            fn pends(&mut self) -> Answer {
                call(&self.0, pends_once())
            }
        }
    };
}

called!(Timed, closed());
called!(Unlimited, closed().timeout(None));

/// On the system's clock, without tokio.
mod system {
    use super::*;
    use breaker::Clock;

    called!(Timed, closed().clock(Clock::system()));
}

/// On the processor's time stamp counter.
mod tsc {
    use super::*;
    use breaker::Clock;

    called!(Timed, closed().clock(Clock::tsc()));
}

/// On the time of the kernel's last tick.
mod coarse {
    use super::*;
    use breaker::Clock;

    called!(Timed, closed().clock(Clock::coarse()));
}

/// By permits, which own their handle: an `Arc` is cloned and dropped with each.
mod permit {
    use super::*;
    use crate::call::{bad_now, good_now};

    #[derive(Clone)]
    pub(super) struct Permitted(Breaker);

    impl Permitted {
        #[inline(always)]
        fn guard(&self, work: impl FnOnce() -> Work) -> Answer {
            let Ok(permit) = self.0.permit() else { return Answer::Refused };
            let answer = Answer::from(work());
            if answer == Answer::Good {
                permit.success();
            } else {
                permit.failure();
            }
            answer
        }
    }

    impl Peer for Permitted {
        fn closed() -> Self {
            Self(build(closed()))
        }
        fn open() -> Self {
            Self(build_open(closed()))
        }
        #[inline(always)]
        fn good(&mut self) -> Answer {
            self.guard(good_now)
        }
        #[inline(always)]
        fn bad(&mut self) -> Answer {
            self.guard(bad_now)
        }
    }
}
