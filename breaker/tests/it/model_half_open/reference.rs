//! The rules again, on lists.

/// What is counted.
mod counts;
/// What a rule says to figures.
mod rules;

use breaker::{Judged, Mode, OnClose, Outcome, ProbeVerdict, Ramp, Settings, State, Trip, WarmUp, Window};
use rules::{End, Figures, of, rules, trips};
use std::time::Duration;

/// What a call is told.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Admitted,
    Bypassed,
    /// For how long, and whether it has opened the circuit.
    Refused(Duration, bool),
    Full(bool),
}

/// What the model knows of a call under way.
#[derive(Debug)]
pub(super) struct Held {
    turns: u64,
    began: u64,
    probe: Option<u64>,
    placed: bool,
    pub(super) observer: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Fire,
    Success,
    Failure,
    Timeout,
    Reject,
    Locked,
    Slow,
}

#[derive(Debug)]
enum Phase {
    Closed,
    Open {
        until: u64,
    },
    Probing {
        begun: Option<u64>,
        probes: Vec<(u64, Option<u64>)>,
        ends: Vec<End>,
    },
    /// The probes are those left over where fewer were asked for on the way.
    Ramp {
        ramp: Ramp,
        began: u64,
        credit: f64,
        probes: Vec<(u64, Option<u64>)>,
        ends: Vec<End>,
    },
}

pub(super) struct Model {
    pub(super) settings: Settings,
    pub(super) mode: Mode,
    pub(super) turns: u64,
    pub(super) consecutive: u32,
    phase: Phase,
    openings: u32,
    let_through: u64,
    under_way: u32,
    log: Vec<(u64, Kind)>,
    /// The last calls that ended while it was closed.
    ring: Vec<End>,
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}

impl Model {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            mode: Mode::Auto,
            turns: 0,
            consecutive: 0,
            phase: Phase::Closed,
            openings: 0,
            let_through: 0,
            under_way: 0,
            log: Vec::new(),
            ring: Vec::new(),
        }
    }

    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Closed => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::Probing { .. } | Phase::Ramp { .. } => State::HalfOpen,
        }
    }

    pub(super) fn probe_in(&self, now: u64) -> Option<Duration> {
        if let Phase::Open { until } = self.phase { Some(Duration::from_millis(until - now)) } else { None }
    }

    pub(super) fn is_ramping(&self) -> bool {
        matches!(self.phase, Phase::Ramp { .. })
    }

    pub(super) fn probes_under_way(&self, now: u64) -> u32 {
        let (Phase::Probing { probes, .. } | Phase::Ramp { probes, .. }) = &self.phase else { return 0 };
        probes.iter().filter(|(_, until)| until.is_none_or(|until| now < until)).count() as u32
    }

    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.turns += 1;
    }

    pub(super) fn open(&mut self, now: u64) -> bool {
        if self.state() == State::Open {
            return false;
        }
        let reset = self.settings.reset;
        let wait = self.settings.backoff.map_or(reset, |backoff| backoff.wait(reset, self.openings, 0.0));
        self.openings += 1;
        self.turn(Phase::Open { until: now + millis(wait) });
        true
    }

    pub(super) fn close(&mut self, _now: u64) -> bool {
        if self.state() == State::Closed {
            return false;
        }
        (self.openings, self.consecutive) = (0, 0);
        if self.settings.on_close == OnClose::Clear {
            self.log.clear();
            self.ring.clear();
        }
        self.turn(Phase::Closed);
        true
    }

    /// What the clock does, and when.
    pub(super) fn tick(&mut self, now: u64) -> Vec<(State, Duration)> {
        let mut told = Vec::new();
        loop {
            let longest = self.settings.probing.longest;
            let at = match &self.phase {
                Phase::Closed => return told,
                Phase::Open { until } => *until,
                Phase::Ramp { ramp, began, .. } => began + millis(ramp.over),
                Phase::Probing { begun, .. } => match (begun, longest) {
                    (Some(begun), Some(longest)) => begun + millis(longest.after),
                    _ => return told,
                },
            };
            if now < at {
                return told;
            }
            match &self.phase {
                Phase::Open { .. } => {
                    self.turn(Phase::Probing { begun: None, probes: Vec::new(), ends: Vec::new() });
                }
                Phase::Probing { .. } if longest.is_some_and(|longest| !longest.then_close) => {
                    self.open(at);
                }
                _ => {
                    self.close(at);
                }
            }
            told.push((self.state(), Duration::from_millis(at)));
        }
    }

    pub(super) fn update(&mut self, settings: Settings) {
        if let Window::Calls(calls) = settings.window {
            let over = self.ring.len().saturating_sub(calls as usize);
            self.ring.drain(..over);
        }
        self.settings = settings;
        if !self.counts_in_a_row() {
            self.consecutive = 0;
        }
    }

    fn counts_in_a_row(&self) -> bool {
        rules(&self.settings.trip).iter().any(|rule| matches!(rule, Trip::Consecutive(_)))
    }

    fn pile_up(&self) -> Option<u32> {
        let of = |rule: &&Trip| if let Trip::PileUp(most) = rule { Some(*most) } else { None };
        rules(&self.settings.trip).iter().filter_map(of).min()
    }

    pub(super) fn enter(&mut self, may_probe: bool, now: u64) -> (Said, Option<Held>) {
        self.log.push((now, Kind::Fire));
        let mut held = Held { turns: self.turns, began: now, probe: None, placed: false, observer: false };
        let refused = match self.mode {
            Mode::Disabled => return (Said::Bypassed, None),
            Mode::ForcedOpen => Some(self.settings.reset),
            Mode::ForcedClosed => None,
            Mode::Auto | Mode::MetricsOnly => match self.pass(may_probe, now) {
                Ok(probe) => {
                    held.probe = probe;
                    None
                }
                Err(wait) => Some(wait),
            },
        };
        if let Some(wait) = refused {
            self.log.push((now, Kind::Reject));
            return self.not_made(Said::Refused(wait, false), held);
        }
        if self.settings.capacity.is_none() && self.pile_up().is_none() {
            return (Said::Admitted, Some(held));
        }
        if self.settings.capacity.is_some_and(|capacity| self.under_way >= capacity) {
            self.log.push((now, Kind::Locked));
            let turns = self.turns;
            let failed = self.settings.full_is_failure;
            if failed {
                self.log.push((now, Kind::Failure));
            }
            self.ended(held.probe, failed.then_some(true), false, now);
            return self.not_made(Said::Full(self.turns != turns), held);
        }
        let too_many = self.pile_up().is_some_and(|most| self.under_way >= most) && self.judge(now);
        if too_many && self.mode == Mode::Auto {
            self.log.push((now, Kind::Reject));
            return (Said::Refused(self.probe_in(now).expect("open"), true), None);
        }
        self.under_way += 1;
        held.placed = true;
        (Said::Admitted, Some(held))
    }

    /// It is made all the same where only the figures are asked for.
    fn not_made(&self, said: Said, held: Held) -> (Said, Option<Held>) {
        if self.mode == Mode::MetricsOnly {
            return (Said::Admitted, Some(Held { turns: self.turns, observer: true, probe: None, ..held }));
        }
        (said, None)
    }

    /// Whether the state lets a call through: as a probe, or for how long not.
    fn pass(&mut self, may_probe: bool, now: u64) -> Result<Option<u64>, Duration> {
        let probing = self.settings.probing;
        let usual = self.settings.reset;
        let lease = probing.lease.or(self.settings.timeout.map(|timeout| timeout * 2));
        match &mut self.phase {
            Phase::Closed => Ok(None),
            Phase::Open { until } => Err(Duration::from_millis(*until - now)),
            Phase::Ramp { ramp, began, credit, .. } => {
                let part = (now - *began) as f64 * 1e6 / ramp.over.as_nanos() as f64;
                *credit += (ramp.from + (100.0 - ramp.from) * part) / 100.0;
                if *credit < 1.0 {
                    let left = ramp.over.as_nanos() as u64 - (now - *began) * 1_000_000;
                    return Err(Duration::from_nanos((left / 10).max(1)));
                }
                *credit -= 1.0;
                Ok(None)
            }
            Phase::Probing { .. } if !may_probe => Err(lease.unwrap_or(usual)),
            Phase::Probing { begun, probes, ends } => {
                probes.retain(|(_, until)| until.is_none_or(|until| now < until));
                let (ProbeVerdict::Successes(needed) | ProbeVerdict::Rate(needed)) = probing.verdict;
                let missing = (needed as usize).saturating_sub(ends.len()).max(1);
                if probes.len() >= missing.min(probing.at_once as usize) {
                    let next = probes.iter().filter_map(|(_, until)| *until).min();
                    return Err(next.map_or(usual, |until| Duration::from_millis(until - now)));
                }
                self.let_through += 1;
                begun.get_or_insert(now);
                probes.push((self.let_through, lease.map(|lease| now + millis(lease))));
                Ok(Some(self.let_through))
            }
        }
    }

    pub(super) fn leave(&mut self, held: &Held, outcome: Outcome, now: u64) -> Option<State> {
        self.under_way -= u32::from(held.placed);
        let given_up = match (&self.phase, held.probe) {
            (Phase::Probing { probes, .. } | Phase::Ramp { probes, .. }, Some(number)) => {
                probes.iter().all(|(probe, _)| *probe != number)
            }
            _ => false,
        };
        if held.observer || held.turns != self.turns || given_up {
            return None;
        }
        let failed = match outcome {
            Outcome::Success => Some(false),
            Outcome::Cancelled | Outcome::Ignored => None,
            _ => Some(true),
        };
        let of = |rule: &&Trip| if let Trip::Slow { than, .. } = rule { Some(*than) } else { None };
        let slow_from = rules(&self.settings.trip).iter().find_map(of);
        let slow = failed.is_some() && slow_from.is_some_and(|than| now - held.began >= millis(than));
        if let Some(failed) = failed {
            self.log.push((now, if failed { Kind::Failure } else { Kind::Success }));
            self.log.extend(slow.then_some((now, Kind::Slow)));
            self.log.extend((outcome == Outcome::Timeout).then_some((now, Kind::Timeout)));
        }
        let turns = self.turns;
        self.ended(held.probe, failed, slow, now);
        (self.turns != turns).then(|| self.state())
    }

    /// What the end of a call means: `failed` is `None` where it says nothing.
    fn ended(&mut self, probe: Option<u64>, failed: Option<bool>, slow: bool, now: u64) {
        let (volume, verdict) = (self.settings.volume, self.settings.probing.verdict);
        match &mut self.phase {
            Phase::Open { .. } => {}
            Phase::Closed => {
                let Some(failed) = failed else { return };
                if self.counts_in_a_row() {
                    self.consecutive = if failed { self.consecutive + 1 } else { 0 };
                }
                if let Window::Calls(calls) = self.settings.window {
                    self.ring.push(End { failed, slow });
                    let over = self.ring.len().saturating_sub(calls as usize);
                    self.ring.drain(..over);
                }
                if failed || slow || self.settings.judged == Judged::OnEveryEnd {
                    self.judge(now);
                }
            }
            Phase::Ramp { probes, ends, .. } => {
                probes.retain(|(number, _)| Some(*number) != probe);
                let Some(failed) = failed else { return };
                ends.push(End { failed, slow });
                let figures = Figures { volume, ..of(ends) };
                if trips(&self.settings.trip, &figures) && self.mode != Mode::ForcedClosed {
                    self.open(now);
                }
            }
            Phase::Probing { probes, ends, .. } => {
                let Some(number) = probe else { return };
                probes.retain(|(probe, _)| *probe != number);
                let Some(failed) = failed else { return };
                ends.push(End { failed, slow });
                let good = match verdict {
                    ProbeVerdict::Successes(_) if failed || slow => false,
                    ProbeVerdict::Successes(needed) | ProbeVerdict::Rate(needed)
                        if ends.len() < needed as usize =>
                    {
                        return;
                    }
                    ProbeVerdict::Successes(_) => true,
                    ProbeVerdict::Rate(needed) => {
                        let figures = Figures { volume: volume.min(needed.into()), ..of(ends) };
                        !trips(&self.settings.trip, &figures)
                    }
                };
                match (good, self.settings.probing.ramp) {
                    (true, Some(ramp)) => {
                        let probes = std::mem::take(probes);
                        self.phase = Phase::Ramp { ramp, began: now, credit: 0.0, probes, ends: Vec::new() };
                    }
                    (true, None) => drop(self.close(now)),
                    (false, _) if self.mode == Mode::ForcedClosed => {}
                    (false, _) => drop(self.open(now)),
                }
            }
        }
    }

    fn judge(&mut self, now: u64) -> bool {
        let warming_up = matches!(self.settings.warm_up, WarmUp::For(length) if now < millis(length));
        let closed = matches!(self.phase, Phase::Closed);
        if !closed || self.mode == Mode::ForcedClosed || warming_up {
            return false;
        }
        trips(&self.settings.trip, &self.figures(now)) && self.open(now)
    }
}
