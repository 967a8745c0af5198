//! What can be set on a circuit, and the rules that a setting must keep.
//!
//! Plain data with public fields, so that it can be written down, read from a file or compared; it is checked once,
//! where a circuit is made of it or given it anew, so that nothing below has to ask again.

mod check;
mod presets;
mod probing;
mod trip;

pub use check::SettingsError;
pub use probing::{Longest, ProbeVerdict, Probing, Ramp};
pub(crate) use trip::{Figures, share};
pub use trip::{Threshold, Trip};

use crate::backoff::Backoff;
use std::time::Duration;

/// How a circuit judges its calls. Write what differs and take the rest from [`Settings::default`]:
///
/// ```
/// use breaker::Settings;
/// use std::time::Duration;
///
/// let settings = Settings { reset: Duration::from_secs(30), volume: 5, ..Settings::default() };
/// ```
///
/// The defaults are those of the retail stack that this crate comes with, on opossum's rules; opossum's own defaults,
/// where they differ, stand beside them. [`hystrix`](Settings::hystrix), [`resilience4j`](Settings::resilience4j) and
/// [`pybreaker`](Settings::pybreaker) give the defaults and rules of others.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Longest time that a call may take; `None` for no limit. Default 300 ms (opossum: 10 s).
    pub timeout: Option<Duration>,
    /// Over what calls are counted and judged. Default 10 s in 10 buckets.
    pub window: Window,
    /// What opens the circuit. Default: an error rate above 50 %.
    pub trip: Trip,
    /// Calls that the window must hold before a rate is judged. Default 0: the first failure may open the circuit.
    pub volume: u64,
    /// Of what a rate is a part. Default [`RateOf::Asked`], as in opossum.
    pub rate_of: RateOf,
    /// When the circuit is judged. Default [`Judged::OnFailure`].
    pub judged: Judged,
    /// What closing does to the window. Default [`OnClose::Keep`].
    pub on_close: OnClose,
    /// How long an open circuit refuses calls before it lets a probe through. Default 10 s (opossum: 30 s).
    pub reset: Duration,
    /// How [`reset`](Self::reset) grows while the circuit opens again and again without having closed, and how much of
    /// it is left to chance. Default `None`: it is always the same.
    pub backoff: Option<Backoff>,
    /// What happens while the circuit is half-open. Default: one probe, whose success closes it.
    pub probing: Probing,
    /// Calls that may be under way at once; one more is refused. Default `None`: no limit. Zero refuses every call.
    ///
    /// Where a limit is first set on a live circuit, the calls under way just then are not among those it counts.
    pub capacity: Option<u32>,
    /// Whether a call refused for want of a place is a failure. Default true, as in opossum and Hystrix.
    pub full_is_failure: bool,
    /// Whether failures are spared in the beginning. Default [`WarmUp::Off`].
    pub warm_up: WarmUp,
}

/// Over what calls are counted and judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The last stretch of time. It slides bucket by bucket: the oldest drops out as a whole.
    Time {
        /// How long it is.
        length: Duration,
        /// Into how many buckets it is cut, 1 to 1,000.
        buckets: u32,
    },
    /// The last so many calls that ended, 1 to 100,000. It slides call by call.
    ///
    /// Every call then takes a short lock; figures over time stay those of the last 10 s.
    Calls(u32),
}

/// Of what a rate is a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateOf {
    /// Of the calls asked for, as in opossum: refused calls and those still under way dilute it.
    Asked,
    /// Of the calls that ended, and were let through or refused for want of a place. As in Hystrix and resilience4j.
    Ended,
}

/// When the circuit is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// When a call fails or is slow.
    OnFailure,
    /// Whenever a call ends, as in resilience4j: a success may be the one that fills the minimum volume.
    OnEveryEnd,
}

/// What closing the circuit does to the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnClose {
    /// It keeps what it holds, as in opossum.
    Keep,
    /// It is emptied, as in Hystrix and resilience4j: what happened before does not count any more.
    Clear,
}

/// What failures do in the first stretch of a circuit's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarmUp {
    /// They are judged as ever.
    Off,
    /// For so long they are counted, but do not open a closed circuit. A probe that fails still opens it again.
    For(Duration),
    /// As [`WarmUp::For`], with opossum 10's mistake: a probe that fails meanwhile leaves the circuit half-open with
    /// its one place taken, so that it refuses everything until it is opened or closed by hand. Here to be compared
    /// with opossum, not to be used.
    AsOpossum(Duration),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Some(Duration::from_millis(300)),
            window: Window::default(),
            trip: Trip::Errors(Threshold::Above(50.0)),
            volume: 0,
            rate_of: RateOf::Asked,
            judged: Judged::OnFailure,
            on_close: OnClose::Keep,
            reset: Duration::from_secs(10),
            backoff: None,
            probing: Probing::default(),
            capacity: None,
            full_is_failure: true,
            warm_up: WarmUp::Off,
        }
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::Time { length: Duration::from_secs(10), buckets: 10 }
    }
}

impl Window {
    /// The length of a bucket in nanoseconds, and how many there are. For a window of calls, those of the figures.
    pub(crate) fn geometry(self) -> (u64, usize) {
        match self {
            Self::Time { length, buckets } => ((nanos(length) / u64::from(buckets)).max(1), buckets as usize),
            Self::Calls(_) => Self::default().geometry(),
        }
    }
}

impl Settings {
    /// How long the circuit stays open the next time, having opened `before` times since it was last closed; `random`
    /// is from 0 to 1.
    pub(crate) fn open_for(&self, before: u32, random: f64) -> u64 {
        nanos(self.backoff.map_or(self.reset, |backoff| backoff.wait(self.reset, before, random)))
    }

    /// How long a probe may hold its place.
    pub(crate) fn lease(&self) -> Option<u64> {
        let lease = self.probing.lease.or_else(|| Some(self.timeout?.saturating_mul(2)));
        lease.map(nanos)
    }
}

/// Enough for 584 years.
pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
