//! failsafe: a moving average over 10 s, round closures and round futures, and failures in a row.

use super::{AN_HOUR, VOLUME, WINDOW};
use crate::call::{Answer, Fault, Work, bad, bad_now, drive, good, good_now, pends_once};
use crate::peer::{Kind, Peer, Row};
use failsafe::backoff::{Constant, constant};
use failsafe::failure_policy::{
    ConsecutiveFailures, SuccessRateOverTimeWindow, consecutive_failures, success_rate_over_time_window,
};
use failsafe::futures::CircuitBreaker as Futures;
use failsafe::{CircuitBreaker as Closures, Config, Error, StateMachine};

pub(super) const ROWS: [Row; 3] = [
    Row::new::<WindowSync>("failsafe 1.3 window, sync", Kind::Peer, "10 s, moving average").slides().sync(),
    Row::new::<WindowAsync>("failsafe 1.3 window, async", Kind::Peer, "10 s, moving average").slides(),
    Row::new::<Consecutive>("failsafe 1.3 consecutive, sync", Kind::Peer, "consecutive").sync(),
];

type Window = StateMachine<SuccessRateOverTimeWindow<Constant>, ()>;
type InARow = StateMachine<ConsecutiveFailures<Constant>, ()>;

fn window() -> Window {
    let policy = success_rate_over_time_window(0.01, VOLUME, WINDOW, constant(AN_HOUR));
    Config::new().failure_policy(policy).build()
}

/// Its rate opens it only when the window's length has passed; one under a second it takes for none.
fn open_window() -> Window {
    let policy = success_rate_over_time_window(1.0, 1, WINDOW / 20, constant(AN_HOUR));
    opened(Config::new().failure_policy(policy).build())
}

fn in_a_row(failures: u32) -> InARow {
    Config::new().failure_policy(consecutive_failures(failures, constant(AN_HOUR))).build()
}

fn opened<B: Closures>(breaker: B) -> B {
    while answer(Closures::call(&breaker, bad_now)) != Answer::Refused {}
    breaker
}

#[inline(always)]
fn answer(result: Result<u32, Error<Fault>>) -> Answer {
    match result {
        Ok(_) => Answer::Good,
        Err(Error::Inner(_)) => Answer::Bad,
        Err(Error::Rejected) => Answer::Refused,
    }
}

/// A breaker round closures.
macro_rules! sync {
    ($name:ident, $type:ty, $closed:expr, $open:expr) => {
        #[derive(Clone)]
        struct $name($type);

        impl Peer for $name {
            fn closed() -> Self {
                Self($closed)
            }
            fn open() -> Self {
                Self($open)
            }
            #[inline(always)]
            fn good(&mut self) -> Answer {
                answer(Closures::call(&self.0, good_now))
            }
            #[inline(always)]
            fn bad(&mut self) -> Answer {
                answer(Closures::call(&self.0, bad_now))
            }
        }
    };
}

sync!(WindowSync, Window, window(), open_window());
sync!(Consecutive, InARow, in_a_row(u32::MAX), opened(in_a_row(1)));

#[derive(Clone)]
struct WindowAsync(Window);

impl WindowAsync {
    #[inline(always)]
    fn call(&self, work: impl Future<Output = Work>) -> Answer {
        answer(drive(Futures::call(&self.0, work)))
    }
}

impl Peer for WindowAsync {
    fn closed() -> Self {
        Self(window())
    }
    fn open() -> Self {
        Self(open_window())
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
