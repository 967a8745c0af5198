//! What is said to Redis about a circuit, and what it answers.

use crate::snapshot::{Counts, Mode, State};
use redis::{Pipeline, RedisResult, Value};
use std::time::Duration;

/// The script that makes an exchange one step of Redis.
pub(super) const SCRIPT: &str = include_str!("sync.lua");

/// How long Redis keeps what nobody uses any more.
const KEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// Longer than that is for ever, and does not overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The keys that all circuits of a fleet have in common.
#[derive(Debug)]
pub(super) struct FleetKeys {
    prefix: String,
    pub(super) version: String,
    pub(super) channel: String,
}

/// The keys of one circuit.
#[derive(Debug)]
pub(super) struct Keys {
    record: String,
    counts: String,
}

impl FleetKeys {
    pub(super) fn new(namespace: &str) -> Self {
        let prefix = if namespace.is_empty() {
            String::from("breaker:")
        } else {
            format!("{}:breaker:", escape(namespace))
        };
        Self { version: format!("{prefix}version"), channel: format!("{prefix}changes"), prefix }
    }

    pub(super) fn of(&self, circuit: &str) -> Keys {
        let name = escape(circuit);
        let prefix = &self.prefix;
        Keys { record: format!("{prefix}circuit:{name}"), counts: format!("{prefix}counts:{name}") }
    }
}

/// No two names make one key: what parts the parts of a key does not occur in them.
fn escape(name: &str) -> String {
    name.replace('%', "%25").replace(':', "%3A")
}

/// What an instance says of one of its circuits.
#[derive(Debug)]
pub(super) struct Ask {
    /// What it knows of the fleet.
    pub(super) base: u64,
    /// Whether its own state has changed since it and the fleet agreed.
    pub(super) changed: bool,
    pub(super) state: State,
    /// The number of that state.
    pub(super) turns: u64,
    /// Open circuits: for how long yet.
    pub(super) left: Duration,
    /// Whether calls are asked for, so that a probe could be made.
    pub(super) wanted: bool,
    /// Whether a probe is under way.
    pub(super) probing: bool,
    /// Whether closing empties the window.
    pub(super) clear: bool,
    /// Why it changed, in words.
    pub(super) why: String,
    pub(super) mode_base: u64,
    pub(super) mode_changed: bool,
    /// `None` for a mode that is the instance's own affair.
    pub(super) mode: Option<Mode>,
    /// The window, and one of its buckets.
    pub(super) window: (Duration, Duration),
    /// Whether the fleet's figures are to be judged.
    pub(super) judged: bool,
    /// What was counted since the last time.
    pub(super) more: Counts,
}

/// What all asks of an instance have in common.
#[derive(Debug)]
pub(super) struct Manner {
    pub(super) lease: Duration,
    /// For how long an instance that nobody calls leaves the probe to others.
    pub(super) idle: Duration,
}

impl Ask {
    pub(super) fn add_to(
        &self,
        pipeline: &mut Pipeline,
        script: &str,
        fleet: &FleetKeys,
        manner: &Manner,
        (keys, me, name): (&Keys, &str, &str),
    ) {
        let millis = |time: Duration| time.min(LONGEST).as_nanos().div_ceil(1_000_000) as u64;
        let mode = self.mode.map_or("", Mode::name);
        let counts = [self.more.fires, self.more.successes, self.more.failures, self.more.slow];
        let command = pipeline.cmd("EVALSHA").arg(script).arg(3);
        command.arg(&keys.record).arg(&keys.counts).arg(&fleet.version);
        command.arg(me).arg(&fleet.channel).arg(name);
        command.arg(self.base).arg(u8::from(self.changed)).arg(state_name(self.state)).arg(millis(self.left));
        command.arg(millis(manner.lease)).arg(if self.wanted { "now" } else { "later" });
        command.arg(millis(manner.idle)).arg(u8::from(self.probing));
        command.arg(u8::from(self.clear)).arg(&self.why).arg(millis(KEEP));
        command.arg(self.mode_base).arg(u8::from(self.mode_changed)).arg(mode);
        command.arg(millis(self.window.0)).arg(millis(self.window.1).max(1)).arg(u8::from(self.judged));
        counts.iter().for_each(|count| {
            command.arg(count);
        });
    }
}

/// What the fleet knows of a circuit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// Whether it knows it from what was asked just now.
    pub(super) wrote: bool,
    pub(super) turn: u64,
    pub(super) state: State,
    /// How long the open time or the lease lasts yet.
    pub(super) left: Duration,
    /// Who changed it last, and why.
    pub(super) by: String,
    pub(super) why: String,
    pub(super) openings: u32,
    pub(super) mode: Mode,
    pub(super) mode_turn: u64,
    /// The figures of all, where they were looked at: asked for, succeeded, failed, slow.
    pub(super) sums: Option<[u64; 4]>,
}

type Plain = (u8, u64, String, u64, Vec<u8>, Vec<u8>, u32, String, u64, Vec<u64>);

impl Answer {
    /// # Errors
    ///
    /// Where Redis refused it, or something under the key makes no sense: why, in words.
    pub(super) fn read(value: Value) -> Result<Self, String> {
        let plain: RedisResult<Plain> = redis::from_redis_value(value).map_err(Into::into);
        let (wrote, turn, state, left, by, why, openings, mode, mode_turn, sums) =
            plain.map_err(|error| error.to_string())?;
        Ok(Self {
            wrote: wrote != 0,
            turn,
            state: state_of(&state).ok_or_else(|| format!("there is no state {state:?}"))?,
            left: Duration::from_millis(left).min(LONGEST),
            by: String::from_utf8_lossy(&by).into_owned(),
            why: String::from_utf8_lossy(&why).into_owned(),
            openings,
            mode: mode_of(&mode).ok_or_else(|| format!("there is no mode {mode:?} that is shared"))?,
            mode_turn,
            sums: sums.try_into().ok(),
        })
    }
}

/// What is shared of the modes: what was forced by hand.
pub(super) fn shared_mode(mode: Mode) -> Option<Mode> {
    matches!(mode, Mode::Auto | Mode::ForcedOpen | Mode::ForcedClosed).then_some(mode)
}

fn mode_of(name: &str) -> Option<Mode> {
    [Mode::Auto, Mode::ForcedOpen, Mode::ForcedClosed].into_iter().find(|mode| mode.name() == name)
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Closed => "closed",
        State::Open => "open",
        State::HalfOpen => "half-open",
    }
}

fn state_of(name: &str) -> Option<State> {
    [State::Closed, State::Open, State::HalfOpen].into_iter().find(|state| state_name(*state) == name)
}
