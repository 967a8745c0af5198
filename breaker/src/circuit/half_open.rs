//! A circuit while it heals: who may go through, and what the answers mean.

use crate::circuit::Outcome;
use crate::reason::{FailureKind, Reason};
use crate::settings::{Figures, ProbeVerdict, Ramp, Settings, nanos};
use std::num::NonZeroU64;
use std::time::Duration;

#[derive(Debug, Clone, Default)]
pub(super) struct HalfOpen {
    /// Those that hold a place.
    probes: Vec<Probe>,
    /// How many were ever let through: the last one's number.
    let_through: u64,
    /// When the first of them was.
    begun: Option<u64>,
    stage: Stage,
    /// Of the present stage.
    seen: Figures,
}

#[derive(Debug, Clone)]
struct Probe {
    number: NonZeroU64,
    /// Until then no other call takes its place.
    until: Option<u64>,
}

impl Probe {
    fn holds(&self, now: u64) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[derive(Debug, Default, Clone, Copy)]
enum Stage {
    #[default]
    Probing,
    /// Calls come back. The credit is the part of a call that may go through.
    Ramp { ramp: Ramp, began: u64, credit: f64 },
    /// See [`WarmUp::AsOpossum`](crate::WarmUp::AsOpossum).
    Lost,
}

/// What a call is told.
#[derive(Debug)]
pub(super) enum Pass {
    /// It is the probe of this number.
    Probe(NonZeroU64),
    /// It is among those that come back.
    Ramp,
    /// For so long, in nanoseconds.
    Refused(u64),
}

/// What an answer means, or the clock.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Wait,
    HalfOpen,
    Close(Reason),
    Open(Reason),
}

impl HalfOpen {
    pub(super) fn admit(&mut self, settings: &Settings, may_probe: bool, now: u64) -> Pass {
        match &mut self.stage {
            Stage::Lost => Pass::Refused(nanos(settings.reset)),
            Stage::Ramp { ramp, began, credit } => {
                // A thread that read the clock earlier may come here later.
                let since = now.saturating_sub(*began);
                *credit += ramp.share(since) / 100.0;
                if *credit < 1.0 {
                    // By then about twice as many go through.
                    let left = nanos(ramp.over).saturating_sub(since);
                    return Pass::Refused((left / 10).max(1));
                }
                *credit -= 1.0;
                Pass::Ramp
            }
            Stage::Probing if may_probe => self.admit_probe(settings, now),
            // Somebody else has to be the probe, and to answer.
            Stage::Probing => Pass::Refused(settings.lease().unwrap_or(nanos(settings.reset))),
        }
    }

    fn admit_probe(&mut self, settings: &Settings, now: u64) -> Pass {
        // Nobody waits for these any more; should they answer after all, they are late.
        self.probes.retain(|probe| probe.holds(now));
        if let Some(wait) = self.full_for(settings, now) {
            return Pass::Refused(wait);
        }
        self.let_through += 1;
        let number = NonZeroU64::new(self.let_through).expect("one or more");
        self.begun.get_or_insert(now);
        self.probes.push(Probe { number, until: settings.lease().map(|lease| now.saturating_add(lease)) });
        Pass::Probe(number)
    }

    /// For how long there is no place for another probe, if there is none; nanoseconds.
    pub(super) fn full_for(&self, settings: &Settings, now: u64) -> Option<u64> {
        if let Stage::Ramp { .. } = self.stage {
            return None;
        }
        let (ProbeVerdict::Successes(needed) | ProbeVerdict::Rate(needed)) = settings.probing.verdict;
        // One at least, where other settings ask for fewer than have answered already: it is that one's answer that moves
        // the circuit.
        let needed = u64::from(needed).saturating_sub(self.seen.ended).max(1);
        let places = needed.min(u64::from(settings.probing.at_once));
        let holding = || self.probes.iter().filter(|probe| probe.holds(now));
        if (holding().count() as u64) < places {
            return None;
        }
        let next = holding().filter_map(|probe| probe.until).min();
        Some(next.map_or(nanos(settings.reset), |until| until - now))
    }

    /// Whether a probe still holds its place: its answer counts.
    pub(super) fn is_held_by(&self, number: NonZeroU64) -> bool {
        self.probes.iter().any(|probe| probe.number == number)
    }

    /// The end of a probe, or of a call that came back. `loses` is opossum's mistake.
    pub(super) fn ended(&mut self, call: &Ended, settings: &Settings, loses: bool) -> Verdict {
        if call.probe.is_none() && matches!(self.stage, Stage::Probing) {
            // It was let through because the circuit was forced closed.
            return Verdict::Wait;
        }
        self.probes.retain(|probe| Some(probe.number) != call.probe);
        let failure = match call.end {
            End::Good => None,
            End::Bad(kind) => Some(kind),
            End::Neither => return Verdict::Wait,
        };
        self.seen.ended += 1;
        self.seen.calls += 1;
        self.seen.slow += u64::from(call.slow);
        self.seen.failures += u64::from(failure.is_some());
        self.seen.consecutive = if failure.is_some() { self.seen.consecutive + 1 } else { 0 };
        match (self.stage, settings.probing.verdict) {
            (Stage::Lost, _) => Verdict::Wait,
            (Stage::Ramp { .. }, _) => {
                self.seen.volume = settings.volume;
                let reason = settings.trip.judge(&self.seen);
                reason.map_or(Verdict::Wait, |reason| Verdict::Open(Reason::RampFailed(Box::new(reason))))
            }
            (Stage::Probing, ProbeVerdict::Successes(needed)) => match failure {
                Some(_) if loses => {
                    self.stage = Stage::Lost;
                    Verdict::Wait
                }
                Some(kind) => Verdict::Open(Reason::ProbeFailed(kind)),
                None if call.slow => {
                    Verdict::Open(Reason::ProbeSlow { took: Duration::from_nanos(call.took) })
                }
                None if self.seen.ended >= u64::from(needed) => self.passed(settings, call.now),
                None => Verdict::Wait,
            },
            (Stage::Probing, ProbeVerdict::Rate(needed)) if self.seen.ended >= u64::from(needed) => {
                self.seen.volume = settings.volume.min(u64::from(needed));
                match settings.trip.judge(&self.seen) {
                    Some(reason) => Verdict::Open(Reason::ProbesJudged(Box::new(reason))),
                    None => self.passed(settings, call.now),
                }
            }
            (Stage::Probing, ProbeVerdict::Rate(_)) => Verdict::Wait,
        }
    }

    fn passed(&mut self, settings: &Settings, now: u64) -> Verdict {
        let probes = u32::try_from(self.seen.ended).unwrap_or(u32::MAX);
        match settings.probing.ramp {
            Some(ramp) => {
                self.stage = Stage::Ramp { ramp, began: now, credit: 0.0 };
                self.seen = Figures::default();
                Verdict::Wait
            }
            None => Verdict::Close(Reason::ProbesPassed { probes }),
        }
    }

    /// What the clock makes of it, and when.
    pub(super) fn due(&self, settings: &Settings) -> Option<(u64, Verdict)> {
        let ramp = match self.stage {
            Stage::Ramp { ramp, began, .. } => {
                Some((began.saturating_add(nanos(ramp.over)), Verdict::Close(Reason::RampOver)))
            }
            Stage::Probing | Stage::Lost => None,
        };
        // The ramp has an end of its own.
        let longest = settings.probing.longest.filter(|_| ramp.is_none()).zip(self.begun);
        let longest = longest.map(|(longest, begun)| {
            let reason = Reason::HalfOpenTooLong;
            let verdict = if longest.then_close { Verdict::Close(reason) } else { Verdict::Open(reason) };
            (begun.saturating_add(nanos(longest.after)), verdict)
        });
        ramp.or(longest)
    }

    /// How many hold a place at this moment.
    pub(super) fn probes(&self, now: u64) -> u32 {
        u32::try_from(self.probes.iter().filter(|probe| probe.holds(now)).count()).unwrap_or(u32::MAX)
    }

    /// The share that is let through, in percent, while calls come back.
    pub(super) fn ramp(&self, now: u64) -> Option<f64> {
        match self.stage {
            Stage::Ramp { ramp, began, .. } => Some(ramp.share(now.saturating_sub(began))),
            Stage::Probing | Stage::Lost => None,
        }
    }
}

/// A call that was let through while the circuit was half-open, and ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Its number, if it was a probe.
    pub(super) probe: Option<NonZeroU64>,
    pub(super) end: End,
    pub(super) took: u64,
    pub(super) slow: bool,
    pub(super) now: u64,
}

impl Ramp {
    /// The share after so many nanoseconds, in percent.
    fn share(&self, nanos_since: u64) -> f64 {
        let part = nanos_since as f64 / nanos(self.over) as f64;
        self.from + (100.0 - self.from) * part.clamp(0.0, 1.0)
    }
}

/// What the end of a call says about the callee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Good,
    Bad(FailureKind),
    Neither,
}

impl From<Outcome> for End {
    #[inline]
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Good,
            Outcome::Failure => Self::Bad(FailureKind::Error),
            Outcome::Timeout => Self::Bad(FailureKind::Timeout),
            Outcome::Panicked => Self::Bad(FailureKind::Panic),
            Outcome::Abandoned => Self::Bad(FailureKind::Abandoned),
            Outcome::Cancelled | Outcome::Ignored => Self::Neither,
        }
    }
}
