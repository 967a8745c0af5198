//! The rules of a circuit breaker: when it opens, refuses, probes and closes.
//!
//! Pure: every method is told what time it is, as the time since the circuit was made, and answers with what changed.
//! It reads no clock, takes no lock, runs no call and tells nobody, so that every rule can be tested by arithmetic and
//! the shell above can be exchanged.
//!
//! The rules are opossum 10's, but for what the README lists, and above all for this: **a late answer never moves the
//! circuit.** A [`Permit`] carries the number of the state it was given in; what ends after the state has changed gives
//! its place back and counts for nothing. opossum lets a call from before the trip close, or open again, a circuit that
//! is waiting for its probe.

use crate::settings::{Settings, SettingsError, WarmUp};
use crate::snapshot::{Snapshot, State};
use crate::window::Window;
use std::time::Duration;

/// One circuit: its state, its window and the calls under way.
#[derive(Debug)]
pub struct Circuit {
    settings: Settings,
    window: Window,
    phase: Phase,
    since: Duration,
    turns: u64,
    in_flight: u32,
    enabled: bool,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed,
    Open { until: Duration },
    HalfOpen { probe: Probe },
}

#[derive(Debug, Clone, Copy)]
enum Probe {
    Awaited,
    /// Until its lease ends, where it has one, no other call takes its place.
    UnderWay {
        lease: Option<Duration>,
    },
    /// See [`WarmUp::AsOpossum`].
    Lost,
}

/// The right to make one call, to be given back with [`Circuit::leave`]: one permit, one answer.
///
/// One that is forgotten keeps its place under [`Settings::capacity`]. As a probe it is given up after twice the time
/// that a call may take, where there is a time-out.
#[derive(Debug)]
#[must_use = "a permit that is not given back keeps its place for ever"]
pub struct Permit {
    turn: u64,
}

/// What the circuit says to a call.
#[derive(Debug)]
#[must_use]
pub enum Entry {
    /// Make the call and report how it ended.
    Admitted(Permit),
    /// The circuit is disabled: make the call; nothing is asked about its end.
    Bypassed,
    /// The circuit is open, or half-open with its probe under way.
    Refused {
        /// How long until a call may be let through, at the latest: the rest of the open time; while a probe is under
        /// way, of the time after which it is given up, or `reset` where there is no time-out.
        retry_after: Duration,
    },
    /// As many calls as may be are under way. Counted as a failure, which may have opened the circuit.
    Full {
        /// How many may be.
        capacity: u32,
        /// Whether this failure opened the circuit.
        opened: Option<Transition>,
    },
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered as it should, or with an error that is not the callee's.
    Success,
    /// It failed.
    Failure,
    /// It was given up for taking longer than it may. A failure.
    Timeout,
    /// Its caller went away. It gives its place back and says nothing about the callee; it stays among the calls asked
    /// for.
    Cancelled,
}

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// The state before.
    pub from: State,
    /// The state now.
    pub to: State,
}

impl Circuit {
    /// A closed circuit at the beginning of its time.
    ///
    /// # Errors
    ///
    /// Where a setting breaks a rule; see [`Settings::check`].
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self {
            window: Window::new(settings.window, settings.buckets),
            settings,
            phase: Phase::Closed,
            since: Duration::ZERO,
            turns: 0,
            in_flight: 0,
            enabled: true,
        })
    }

    /// What the circuit goes by.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Half-opens an open circuit whose time is over. The other methods do so too; call this one first where the
    /// change is to be told.
    pub fn tick(&mut self, now: Duration) -> Option<Transition> {
        match self.phase {
            Phase::Open { until } if until <= now => {
                Some(self.turn(Phase::HalfOpen { probe: Probe::Awaited }, until))
            }
            _ => None,
        }
    }

    /// When an open circuit half-opens.
    #[must_use]
    pub fn half_open_at(&self) -> Option<Duration> {
        match self.phase {
            Phase::Open { until } => Some(until),
            Phase::Closed | Phase::HalfOpen { .. } => None,
        }
    }

    /// The number of the state; see [`Snapshot::turns`].
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// A call wants to be made.
    pub fn enter(&mut self, now: Duration) -> Entry {
        self.tick(now);
        self.window.at(now).fires += 1;
        if !self.enabled {
            return Entry::Bypassed;
        }
        match self.phase {
            Phase::Closed => {}
            Phase::Open { until } => return self.refuse(until.saturating_sub(now), now),
            Phase::HalfOpen { probe: Probe::Awaited } => self.probe(now),
            Phase::HalfOpen { probe: Probe::UnderWay { lease: Some(end) } } if end <= now => {
                // Nobody waits for the old probe any more; should it answer after all, it is late.
                self.turns += 1;
                self.probe(now);
            }
            Phase::HalfOpen { probe: Probe::UnderWay { lease: Some(end) } } => {
                return self.refuse(end - now, now);
            }
            Phase::HalfOpen { probe: Probe::UnderWay { lease: None } | Probe::Lost } => {
                return self.refuse(self.settings.reset, now);
            }
        }
        if let Some(capacity) = self.settings.capacity.filter(|&capacity| self.in_flight >= capacity) {
            self.window.at(now).semaphore_rejections += 1;
            return Entry::Full { capacity, opened: self.fail(now) };
        }
        self.in_flight += 1;
        Entry::Admitted(Permit { turn: self.turns })
    }

    /// A call that was let through has ended.
    pub fn leave(&mut self, permit: Permit, outcome: Outcome, now: Duration) -> Option<Transition> {
        self.tick(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        if permit.turn != self.turns {
            return None;
        }
        match outcome {
            Outcome::Success => self.succeed(now),
            Outcome::Failure => self.fail(now),
            Outcome::Timeout => {
                self.window.at(now).timeouts += 1;
                self.fail(now)
            }
            Outcome::Cancelled => {
                if let Phase::HalfOpen { probe } = &mut self.phase {
                    *probe = Probe::Awaited;
                }
                None
            }
        }
    }

    /// A fallback was asked in place of a call.
    pub fn fall_back(&mut self, now: Duration) {
        self.window.at(now).fallbacks += 1;
    }

    /// Opens the circuit by hand, for the usual time. One that is open already stays so for no longer.
    pub fn open(&mut self, now: Duration) -> Option<Transition> {
        self.tick(now);
        match self.phase {
            Phase::Open { .. } => None,
            Phase::Closed | Phase::HalfOpen { .. } => {
                let until = now.saturating_add(self.settings.reset);
                Some(self.turn(Phase::Open { until }, now))
            }
        }
    }

    /// Closes the circuit by hand. The window keeps what it holds.
    pub fn close(&mut self, now: Duration) -> Option<Transition> {
        self.tick(now);
        match self.phase {
            Phase::Closed => None,
            Phase::Open { .. } | Phase::HalfOpen { .. } => Some(self.turn(Phase::Closed, now)),
        }
    }

    /// Lets the circuit judge calls again.
    pub fn enable(&mut self) {
        self.enabled = true;
    }

    /// Bypasses the circuit: calls are made without time limit or judgement, whatever its state, which stays.
    pub fn disable(&mut self) {
        self.enabled = false;
    }

    /// What the circuit looks like at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Duration) -> Snapshot {
        let (state, since, turns, probe_in) = match self.phase {
            // What `tick` would make of it.
            Phase::Open { until } if until <= now => (State::HalfOpen, until, self.turns + 1, None),
            Phase::Open { until } => (State::Open, self.since, self.turns, Some(until - now)),
            Phase::Closed | Phase::HalfOpen { .. } => (self.phase.state(), self.since, self.turns, None),
        };
        Snapshot {
            state,
            enabled: self.enabled,
            since,
            turns,
            probe_in,
            counts: self.window.sum(now),
            in_flight: self.in_flight,
        }
    }

    fn probe(&mut self, now: Duration) {
        let lease = self.settings.timeout.map(|timeout| now.saturating_add(timeout.saturating_mul(2)));
        self.phase = Phase::HalfOpen { probe: Probe::UnderWay { lease } };
    }

    fn refuse(&mut self, retry_after: Duration, now: Duration) -> Entry {
        self.window.at(now).rejects += 1;
        Entry::Refused { retry_after }
    }

    fn succeed(&mut self, now: Duration) -> Option<Transition> {
        self.window.at(now).successes += 1;
        match self.phase {
            Phase::HalfOpen { .. } => self.close(now),
            Phase::Closed | Phase::Open { .. } => None,
        }
    }

    fn fail(&mut self, now: Duration) -> Option<Transition> {
        self.window.at(now).failures += 1;
        match self.phase {
            Phase::HalfOpen { .. } if self.loses_probes(now) => {
                self.phase = Phase::HalfOpen { probe: Probe::Lost };
                None
            }
            Phase::HalfOpen { .. } => self.open(now),
            Phase::Closed if !self.is_warming_up(now) && self.is_over_threshold(now) => self.open(now),
            Phase::Closed | Phase::Open { .. } => None,
        }
    }

    fn loses_probes(&self, now: Duration) -> bool {
        matches!(self.settings.warm_up, WarmUp::AsOpossum(length) if now < length)
    }

    fn is_warming_up(&self, now: Duration) -> bool {
        match self.settings.warm_up {
            WarmUp::Off => false,
            WarmUp::For(length) | WarmUp::AsOpossum(length) => now < length,
        }
    }

    fn is_over_threshold(&self, now: Duration) -> bool {
        let counts = self.window.sum(now);
        counts.fires >= self.settings.volume && counts.error_rate() > self.settings.error_threshold
    }

    fn turn(&mut self, to: Phase, at: Duration) -> Transition {
        let transition = Transition { from: self.phase.state(), to: to.state() };
        self.phase = to;
        self.since = at;
        self.turns += 1;
        transition
    }
}

impl Phase {
    fn state(self) -> State {
        match self {
            Self::Closed => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
        }
    }
}
