//! What time it is for a circuit: nanoseconds since it was made.
//!
//! tokio's clock by default, so that a test can move it. Reading it is most of what a breaker costs: the system's clock
//! read without tokio is a little cheaper, the processor's counter is read in half the time, the time of the kernel's last
//! tick in a fraction of it. A clock of one's own is for callers without tokio who want to move the time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Where a breaker takes the time from; see [`Builder::clock`](crate::Builder::clock).
///
/// Beside a call over the network no clock is dear: the default one is right for nearly everybody, and a test can move it.
/// Where calls take microseconds or less, the features `system`, `tsc` and `coarse` add cheaper ones, in this order; the
/// README has the figures.
///
/// ```
/// use breaker::{Breaker, Clock, State};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), breaker::SettingsError> {
/// let clock = Clock::manual();
/// let breaker = Breaker::builder("payment").clock(clock.clone()).build()?;
/// breaker.open();
/// clock.advance(Duration::from_secs(10));
/// assert_eq!(breaker.state(), State::HalfOpen);
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    Tokio,
    #[cfg(feature = "tsc")]
    Tsc(quanta::Clock),
    #[cfg(all(feature = "system", target_os = "linux"))]
    Kernel(rustix::time::ClockId),
    #[cfg(all(feature = "system", not(target_os = "linux")))]
    Std,
    Moved(Arc<AtomicU64>),
}

impl Clock {
    /// tokio's clock: the system's monotonic one, unless a test has paused it. The default.
    #[must_use]
    pub fn tokio() -> Self {
        Self(Source::Tokio)
    }

    /// The system's monotonic clock, the one behind [`std::time::Instant`], as one number: it saves the arithmetic that
    /// `Instant` asks for. A test cannot move it.
    ///
    /// On Linux `CLOCK_MONOTONIC`; elsewhere `Instant` itself.
    #[cfg(feature = "system")]
    #[must_use]
    pub fn system() -> Self {
        #[cfg(target_os = "linux")]
        return Self(Source::Kernel(rustix::time::ClockId::Monotonic));
        #[cfg(not(target_os = "linux"))]
        Self(Source::Std)
    }

    /// The processor's time stamp counter, read through [`quanta`]: about half the cost of a breaker's call. A test
    /// cannot move it. Where the processor has none that is reliable, it is the system's clock after all.
    ///
    /// The first one made in a process is calibrated, which may take up to 200 ms.
    #[cfg(feature = "tsc")]
    #[must_use]
    pub fn tsc() -> Self {
        Self(Source::Tsc(quanta::Clock::new()))
    }

    /// The time of the kernel's last tick (`CLOCK_MONOTONIC_COARSE`): the cheapest clock there is, about a third of the
    /// cost of a breaker's call, and late by up to a tick, which is 1 to 10 ms. That is little beside windows and open
    /// times of seconds, but latencies are whole ticks: do without it where a rule speaks of slow calls of less than
    /// some 50 ms. A test cannot move it. Time-outs are tokio's in any case, and none too early.
    ///
    /// Only Linux has it; elsewhere it is tokio's clock.
    #[cfg(feature = "coarse")]
    #[must_use]
    pub fn coarse() -> Self {
        #[cfg(target_os = "linux")]
        return Self(Source::Kernel(rustix::time::ClockId::MonotonicCoarse));
        #[cfg(not(target_os = "linux"))]
        Self(Source::Tokio)
    }

    /// A clock that stands still until it is moved with [`advance`](Self::advance). Its clones are the same clock.
    ///
    /// It says what time it is for the circuit; a call that waits is still given up by tokio's timer.
    #[must_use]
    pub fn manual() -> Self {
        Self(Source::Moved(Arc::default()))
    }

    /// Moves a manual clock; does nothing to another.
    pub fn advance(&self, by: Duration) {
        if let Source::Moved(nanos) = &self.0 {
            let by = crate::settings::nanos(by);
            let _ =
                nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.saturating_add(by)));
        }
    }

    /// Begins to count, as if so much time had passed already.
    pub(crate) fn start(&self, passed: Duration) -> Time {
        let passed = crate::settings::nanos(passed);
        match &self.0 {
            Source::Tokio => Time::Tokio { origin: Instant::now(), passed },
            #[cfg(feature = "tsc")]
            Source::Tsc(clock) => Time::Tsc { clock: clock.clone(), origin: clock.raw(), passed },
            #[cfg(all(feature = "system", target_os = "linux"))]
            Source::Kernel(clock) => {
                Time::Kernel { clock: *clock, origin: kernel::now(*clock).wrapping_sub(passed) }
            }
            #[cfg(all(feature = "system", not(target_os = "linux")))]
            Source::Std => Time::Std { origin: std::time::Instant::now(), passed },
            Source::Moved(nanos) => {
                let origin = nanos.load(Ordering::Relaxed);
                Time::Moved { nanos: Arc::clone(nanos), origin, passed }
            }
        }
    }
}

/// The time since a moment, and some time that had passed by then. With a tag of its own: looking for it in the clocks'
/// would cost more than the cheapest of them.
#[derive(Debug)]
#[repr(u8)]
pub(crate) enum Time {
    Tokio {
        origin: Instant,
        passed: u64,
    },
    #[cfg(feature = "tsc")]
    Tsc {
        clock: quanta::Clock,
        origin: u64,
        passed: u64,
    },
    #[cfg(all(feature = "system", target_os = "linux"))]
    Kernel {
        clock: rustix::time::ClockId,
        /// Wraps around, where more has passed than the machine has been up.
        origin: u64,
    },
    #[cfg(all(feature = "system", not(target_os = "linux")))]
    Std {
        origin: std::time::Instant,
        passed: u64,
    },
    Moved {
        nanos: Arc<AtomicU64>,
        origin: u64,
        passed: u64,
    },
}

impl Time {
    /// Nanoseconds.
    #[inline(always)]
    pub(crate) fn now(&self) -> u64 {
        // In the caller: another call of a function would be a good part of what the cheapest of them costs.
        match self {
            #[cfg(all(feature = "system", target_os = "linux"))]
            Self::Kernel { clock, origin } => kernel::now(*clock).wrapping_sub(*origin),
            #[cfg(all(feature = "system", not(target_os = "linux")))]
            Self::Std { origin, passed } => nanos(origin.elapsed()).saturating_add(*passed),
            #[cfg(feature = "tsc")]
            Self::Tsc { clock, origin, passed } => {
                clock.delta_as_nanos(*origin, clock.raw()).saturating_add(*passed)
            }
            Self::Tokio { origin, passed } => {
                nanos(Instant::now().saturating_duration_since(*origin)).saturating_add(*passed)
            }
            Self::Moved { nanos, origin, passed } => {
                (nanos.load(Ordering::Relaxed) - origin).saturating_add(*passed)
            }
        }
    }
}

/// Of a time that a process can have run.
#[inline(always)]
fn nanos(time: Duration) -> u64 {
    time.as_secs() * 1_000_000_000 + u64::from(time.subsec_nanos())
}

/// A clock of the kernel, in nanoseconds since some moment.
#[cfg(all(feature = "system", target_os = "linux"))]
mod kernel {
    #[inline(always)]
    pub(super) fn now(clock: rustix::time::ClockId) -> u64 {
        let time = rustix::time::clock_gettime(clock);
        // Since the machine was started: neither is negative, and together they last for 584 years.
        (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Source::Tokio => "Clock::tokio",
            #[cfg(feature = "tsc")]
            Source::Tsc(_) => "Clock::tsc",
            #[cfg(all(feature = "system", target_os = "linux"))]
            Source::Kernel(rustix::time::ClockId::Monotonic) => "Clock::system",
            #[cfg(all(feature = "system", target_os = "linux"))]
            Source::Kernel(_) => "Clock::coarse",
            #[cfg(all(feature = "system", not(target_os = "linux")))]
            Source::Std => "Clock::system",
            Source::Moved(_) => "Clock::manual",
        })
    }
}
