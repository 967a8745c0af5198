//! What can be set on a circuit, and the rules that a setting must keep.
//!
//! Plain data with public fields, so that it can be written down, read from a file or compared; it is checked once,
//! where a circuit is made of it, so that nothing below has to ask again.

use std::time::Duration;

/// Most buckets that a window may have: each costs 64 bytes, and a step of every judgement and every snapshot.
const MOST_BUCKETS: u32 = 1_000;

/// How a circuit judges its calls. Write what differs and take the rest from [`Settings::default`]:
///
/// ```
/// use breaker::Settings;
/// use std::time::Duration;
///
/// let settings = Settings { reset: Duration::from_secs(30), volume: 5, ..Settings::default() };
/// ```
///
/// The defaults are those of the retail stack that this crate comes with; opossum's own, where they differ, stand
/// beside them.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Longest time that a call may take; `None` for no limit. Default 300 ms (opossum: 10 s).
    pub timeout: Option<Duration>,
    /// Error rate in percent, 0 to 100, **above** which the circuit opens; exactly at it, it stays closed. Default 50.
    pub error_threshold: f64,
    /// How long an open circuit refuses calls before it lets a probe through. Default 10 s (opossum: 30 s).
    pub reset: Duration,
    /// The stretch of time over which calls are counted. Default 10 s.
    pub window: Duration,
    /// Into how many buckets the window is cut; the oldest drops out as a whole. Default 10, at most 1,000.
    pub buckets: u32,
    /// Calls that the window must hold before the rate is judged. Default 0: the first failure may open the circuit.
    pub volume: u64,
    /// Calls that may be under way at once; one more is refused, and counts as a failure. Default `None`: no limit.
    /// Zero refuses every call.
    pub capacity: Option<u32>,
    /// Whether failures are spared in the beginning. Default [`WarmUp::Off`].
    pub warm_up: WarmUp,
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
            error_threshold: 50.0,
            reset: Duration::from_secs(10),
            window: Duration::from_secs(10),
            buckets: 10,
            volume: 0,
            capacity: None,
            warm_up: WarmUp::Off,
        }
    }
}

/// A setting that no circuit can work with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A call that may take no time at all always times out.
    #[error("timeout is zero: every call would time out; take None for no limit")]
    ZeroTimeout,
    /// A rate is between none and all.
    #[error("error_threshold is {0}: it is a percentage, from 0 to 100")]
    Threshold(f64),
    /// A circuit that opens for no time would never refuse a call.
    #[error("reset is zero: an open circuit would refuse nothing")]
    ZeroReset,
    /// A window is cut into at least one bucket, and not into more than can be walked through.
    #[error("buckets is {0}: a window has 1 to {MOST_BUCKETS} of them")]
    Buckets(u32),
    /// A bucket is at least a nanosecond long.
    #[error("window is {window:?}, too short to be cut into {buckets} buckets")]
    Window {
        /// The window asked for.
        window: Duration,
        /// The buckets asked for.
        buckets: u32,
    },
}

impl Settings {
    /// Says which rule a setting breaks, if one does.
    ///
    /// # Errors
    ///
    /// The first rule broken, in the order of the fields.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(SettingsError::ZeroTimeout);
        }
        if !(0.0..=100.0).contains(&self.error_threshold) {
            return Err(SettingsError::Threshold(self.error_threshold));
        }
        if self.reset.is_zero() {
            return Err(SettingsError::ZeroReset);
        }
        if !(1..=MOST_BUCKETS).contains(&self.buckets) {
            return Err(SettingsError::Buckets(self.buckets));
        }
        if self.window.as_nanos() < u128::from(self.buckets) {
            return Err(SettingsError::Window { window: self.window, buckets: self.buckets });
        }
        Ok(())
    }
}
