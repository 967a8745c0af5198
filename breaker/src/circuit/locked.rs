//! The part of the rules that takes the lock: changes of state, and all that a half-open circuit does.

use super::half_open::{End, Ended, Pass, Verdict};
use super::machine::{Machine, Phase};
use super::{Circuit, Entry, Ticket};
use crate::reason::{FailureKind, Reason, Transition};
use crate::settings::{Figures, OnClose, RateOf, Window, nanos};
use crate::snapshot::{Mode, State};
use crate::sync::{Ordering, lock};
use crate::window::Kind;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

/// How many failures an opening tells.
const TOLD: usize = 8;

impl Circuit {
    /// One step under the lock, after what the clock has done; what came of it is seen by all.
    pub(super) fn locked<T>(&self, now: u64, act: impl FnOnce(&mut Machine) -> T) -> T {
        let mut machine = lock(&self.machine);
        while self.change(&mut machine, |machine| machine.tick(now)).is_some() {}
        let answer = act(&mut machine);
        self.publish(&machine);
        answer
    }

    pub(super) fn publish(&self, machine: &Machine) {
        let until = if let Phase::Open { until } = machine.phase { until } else { 0 };
        self.hot.publish(machine.word(), until);
    }

    /// Makes a change, and what it brings with it.
    pub(super) fn change(
        &self,
        machine: &mut Machine,
        change: impl FnOnce(&mut Machine) -> Option<Arc<Transition>>,
    ) -> Option<Arc<Transition>> {
        let transition = change(machine)?;
        match transition.to {
            State::Closed => {
                // What was counted in a row was counted before.
                self.busy.consecutive.store(0, Ordering::Relaxed);
                if machine.settings.on_close == OnClose::Clear {
                    self.window.clear();
                    lock(&self.ring).clear();
                }
            }
            State::Open => {
                let failures = self.window.last_failures(TOLD);
                machine.last = Some(Arc::new(Transition { failures, ..Transition::clone(&transition) }));
            }
            State::HalfOpen => {}
        }
        machine.last.clone()
    }

    /// One change that the clock has made by now. The other methods make them too; call this one first, until it
    /// answers `None`, where changes are to be told.
    pub fn tick(&self, now: Duration) -> Option<Arc<Transition>> {
        self.tick_at(nanos(now))
    }

    #[inline]
    pub(crate) fn tick_at(&self, now: u64) -> Option<Arc<Transition>> {
        let word = self.hot.word();
        if word.is_closed() || (word.is_auto(State::Open) && now < self.hot.until()) {
            return None;
        }
        let mut machine = lock(&self.machine);
        let transition = self.change(&mut machine, |machine| machine.tick(now));
        self.publish(&machine);
        transition
    }

    /// A call that is counted as asked for, on a circuit that is not simply closed or open.
    pub(super) fn enter_locked(&self, may_probe: bool, now: u64) -> Entry {
        self.locked(now, |machine| {
            let refusal = match machine.mode {
                Mode::Disabled => {
                    self.window.count(Kind::Bypassed, now);
                    return Entry::Bypassed;
                }
                Mode::ForcedOpen => Err(nanos(machine.settings.reset)),
                Mode::ForcedClosed => Ok(None),
                Mode::Auto | Mode::MetricsOnly => match &mut machine.phase {
                    Phase::Closed => Ok(None),
                    Phase::Open { until } => Err(*until - now),
                    Phase::HalfOpen(half_open) => match half_open.admit(&machine.settings, may_probe, now) {
                        Pass::Probe(number) => Ok(Some(number)),
                        Pass::Ramp => Ok(None),
                        Pass::Refused(wait) => Err(wait),
                    },
                },
            };
            match refusal {
                Ok(probe) => self.place(machine, probe, now),
                Err(wait) => {
                    self.window.count(Kind::Rejects, now);
                    if machine.mode == Mode::MetricsOnly {
                        return Entry::Admitted(Ticket {
                            observer: true,
                            ..Ticket::new(machine.word(), now)
                        });
                    }
                    Entry::Refused { retry_after: Duration::from_nanos(wait), opened: None }
                }
            }
        })
    }

    /// Gives a place, where there is one.
    fn place(&self, machine: &mut Machine, probe: Option<NonZeroU64>, now: u64) -> Entry {
        let ticket = Ticket { probe, ..Ticket::new(machine.word(), now) };
        if !self.hot.rules().any(super::hot::Rules::COUNTED) {
            return Entry::Admitted(ticket);
        }
        let before = self.busy.under_way.fetch_add(1, Ordering::AcqRel);
        let Some(capacity) = self.hot.capacity().filter(|&capacity| before >= capacity) else {
            if machine.mode == Mode::MetricsOnly && self.hot.may_pile_up(before) {
                // Said by the state alone: the call is made all the same.
                self.judge_with(machine, before, now);
            }
            return Entry::Admitted(Ticket { placed: true, ..ticket });
        };
        self.busy.under_way.fetch_sub(1, Ordering::AcqRel);
        self.window.count(Kind::Full, now);
        let end = if machine.settings.full_is_failure {
            self.window.failed(FailureKind::Full, None, false, now);
            End::Bad(FailureKind::Full)
        } else {
            // A probe's place is given back.
            self.window.count(Kind::Dropped, now);
            End::Neither
        };
        let opened = match machine.phase {
            Phase::HalfOpen(_) => self.heal(machine, &Ended { probe, end, took: 0, slow: false, now }),
            Phase::Closed if end != End::Neither => {
                self.note_failure(false);
                self.judge_machine(machine, now)
            }
            Phase::Closed | Phase::Open { .. } => None,
        };
        if machine.mode == Mode::MetricsOnly {
            return Entry::Admitted(Ticket { observer: true, ..Ticket::new(machine.word(), now) });
        }
        Entry::Full { capacity, opened }
    }

    /// A call that was let through while the circuit was half-open has ended.
    pub(super) fn leave_locked(&self, ticket: &Ticket, end: End, now: u64) -> Option<Arc<Transition>> {
        self.locked(now, |machine| {
            if machine.turns != ticket.turns() || !machine.holds(ticket.probe) {
                self.window.count(Kind::Dropped, now);
                return None;
            }
            let took = now.saturating_sub(ticket.began);
            let ended = Ended { probe: ticket.probe, end, took, slow: self.hot.is_slow(took), now };
            match end {
                End::Good => self.window.succeeded(took, ended.slow, now),
                End::Bad(kind) => {
                    self.window.failed(kind, Some(took), ended.slow, now);
                }
                End::Neither => self.window.count(Kind::Dropped, now),
            }
            self.heal(machine, &ended)
        })
    }

    /// What the end of a call means for a half-open circuit.
    fn heal(&self, machine: &mut Machine, ended: &Ended) -> Option<Arc<Transition>> {
        let loses = machine.loses_probes(ended.now);
        let Phase::HalfOpen(half_open) = &mut machine.phase else { return None };
        let verdict = half_open.ended(ended, &machine.settings, loses);
        self.change(machine, |machine| match verdict {
            Verdict::Close(reason) => machine.close(ended.now, reason),
            Verdict::Open(_) if machine.mode == Mode::ForcedClosed => None,
            Verdict::Open(reason) => machine.open(ended.now, reason),
            Verdict::Wait | Verdict::HalfOpen => None,
        })
    }

    /// Judges the circuit in earnest: it may have changed since it was asked for.
    #[cold]
    pub(super) fn judge_locked(&self, turns: u64, now: u64) -> Option<Arc<Transition>> {
        let mut machine = lock(&self.machine);
        if machine.turns != turns {
            return None;
        }
        let opened = self.judge_machine(&mut machine, now);
        self.publish(&machine);
        opened
    }

    fn judge_machine(&self, machine: &mut Machine, now: u64) -> Option<Arc<Transition>> {
        self.judge_with(machine, self.busy.under_way.load(Ordering::Acquire), now)
    }

    /// Whether one more call beside those under way is too much.
    pub(super) fn judge_pile(&self, turns: u64, before: u32, now: u64) -> Option<Arc<Transition>> {
        let mut machine = lock(&self.machine);
        if machine.turns != turns {
            return None;
        }
        let opened = self.judge_with(&mut machine, before, now);
        self.publish(&machine);
        opened
    }

    fn judge_with(&self, machine: &mut Machine, under_way: u32, now: u64) -> Option<Arc<Transition>> {
        let closed = matches!(machine.phase, Phase::Closed);
        if !closed || machine.mode == Mode::ForcedClosed || machine.is_warming_up(now) {
            return None;
        }
        let figures = Figures { under_way, ..self.figures(machine, now) };
        let reason = machine.settings.trip.judge(&figures)?;
        self.change(machine, |machine| machine.open(now, reason))
    }

    /// What the circuit is judged on.
    pub(super) fn figures(&self, machine: &Machine, now: u64) -> Figures {
        let settings = &machine.settings;
        let consecutive = self.busy.consecutive.load(Ordering::Acquire);
        let volume = settings.volume;
        if let Window::Calls(_) = settings.window {
            let (ended, failures, slow) = lock(&self.ring).sums();
            return Figures { calls: ended, failures, ended, slow, consecutive, under_way: 0, volume };
        }
        let rates = self.window.rates(now);
        let ended = rates.successes + rates.failures;
        let calls = if settings.rate_of == RateOf::Asked { rates.asked } else { ended };
        Figures {
            calls,
            failures: rates.failures,
            ended,
            slow: rates.slow,
            consecutive,
            under_way: 0,
            volume,
        }
    }

    /// Opens the circuit by hand, for the usual time. One that is open already stays so for no longer.
    pub fn open(&self, now: Duration) -> Option<Arc<Transition>> {
        self.open_for(Reason::ByHand, now)
    }

    pub(crate) fn open_for(&self, reason: Reason, now: Duration) -> Option<Arc<Transition>> {
        let now = nanos(now);
        self.locked(now, |machine| self.change(machine, |machine| machine.open(now, reason)))
    }

    /// Closes the circuit by hand.
    pub fn close(&self, now: Duration) -> Option<Arc<Transition>> {
        self.close_for(Reason::ByHand, now)
    }

    pub(crate) fn close_for(&self, reason: Reason, now: Duration) -> Option<Arc<Transition>> {
        let now = nanos(now);
        self.locked(now, |machine| self.change(machine, |machine| machine.close(now, reason)))
    }
}
