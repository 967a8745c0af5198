//! What calls, and the other parts of this library, ask of a breaker; and how each step is told to those who look on.

use super::{Breaker, Shared};
use crate::circuit::{Circuit, Entry, Outcome, Simply, Ticket};
use crate::error::CallError;
use crate::event::{self, EventKind, Events};
use crate::log::LoggedCall;
use crate::reason::Transition;
use crate::settings::nanos;
use crate::shadow::Shadows;
use crate::watch::{Timer, Watched};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

impl Breaker {
    /// What the circuit says where that is simple and nobody looks on.
    #[inline(always)]
    pub(crate) fn enter_simply(&self) -> Simply {
        let Shared { circuit, time, watched, .. } = &*self.shared;
        match watched {
            Watched::Nothing => circuit.enter_simply(time.now()),
            Watched::End => circuit.enter_closed(time.now()),
            Watched::All => Simply::Not,
        }
    }

    /// What it says else.
    #[inline(never)]
    pub(crate) fn enter_in_full(&self, may_probe: bool) -> Entry {
        self.step(|circuit, now| {
            let entry = if may_probe { circuit.enter(now) } else { circuit.enter_without_probing(now) };
            let events = event::entered(&entry, || circuit.settings().full_is_failure);
            (entry, events)
        })
    }

    #[inline(always)]
    pub(crate) fn leave(&self, ticket: &Ticket, outcome: Outcome) {
        if self.shared.watched != Watched::Nothing {
            self.leave_watched(ticket, outcome);
        } else if self.shared.circuit.leave_at(ticket, outcome, self.shared.time.now()).is_some() {
            self.turned();
        }
    }

    #[inline(never)]
    fn leave_watched(&self, ticket: &Ticket, outcome: Outcome) {
        self.step(|circuit, now| {
            let began = Duration::from_nanos(ticket.began());
            self.shared.watch.log.push(LoggedCall { began, ended: now, outcome });
            ((), event::left(outcome, circuit.leave_at(ticket, outcome, nanos(now))))
        });
    }

    /// The call's part in the shadows, if there are any.
    pub(crate) fn enter_shadows(&self) -> Shadows {
        let shadows = &self.shared.watch.shadows;
        let now = self.now();
        (!shadows.is_empty()).then(|| shadows.iter().map(|shadow| shadow.enter(now)).collect())
    }

    pub(crate) fn leave_shadows(&self, tickets: Box<[Option<Ticket>]>, outcome: Outcome) {
        let now = self.now();
        for (shadow, ticket) in self.shared.watch.shadows.iter().zip(tickets) {
            if let Some(ticket) = ticket {
                shadow.leave(ticket, outcome, now);
            }
        }
    }

    /// Counts a call that found no place among so many, in a line that stands before the circuit.
    pub(crate) fn refuse_full<E>(&self, places: u32) -> CallError<E> {
        self.step(|circuit, now| {
            let entry = circuit.refuse_for_want_of_a_place(places, nanos(now));
            ((), event::entered(&entry, || circuit.settings().full_is_failure))
        });
        CallError::Full { capacity: places }
    }

    pub(crate) fn fall_back(&self) {
        self.step(|circuit, now| {
            circuit.fall_back(now);
            ((), [event::simply(EventKind::Fallback), None, None, None])
        });
    }

    /// A change of state that no call has made, told.
    pub(crate) fn turn(
        &self,
        change: impl FnOnce(&Circuit, Duration) -> Option<Arc<Transition>>,
    ) -> Option<Arc<Transition>> {
        self.step(|circuit, now| {
            let transition = change(circuit, now);
            (transition.clone(), [event::turned(transition), None, None, None])
        })
    }

    /// One step of the rules, and what came of it told.
    pub(super) fn step<T>(&self, act: impl FnOnce(&Circuit, Duration) -> (T, Events)) -> T {
        let Shared { circuit, watch, timer, name, .. } = &*self.shared;
        if watch.listeners.is_empty() {
            let (answer, events) = act(circuit, self.now());
            if events.iter().flatten().any(|(_, transition)| transition.is_some()) {
                self.turned();
            }
            return answer;
        }
        // One step after the other, from its look at the clock on: else what the clock does to the circuit in the midst of
        // another thread's step would be told by nobody, and a timer be set for a state that has passed.
        let mut timer = timer.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let tick = || circuit.tick(now).map(|turned| (turned, circuit.status(now)));
        let by_the_clock: Vec<_> = std::iter::from_fn(tick).collect();
        let turns = circuit.turns();
        let (answer, mut events) = act(circuit, now);
        let has_turned = circuit.turns() != turns;
        if has_turned && events.iter().flatten().all(|(_, turned)| turned.is_none()) {
            // A call that is made all the same cannot say that it has opened the circuit.
            events[3] = event::turned(circuit.last());
        }
        let status = watch.wants_one_of(&events).then(|| circuit.status(now));
        self.keep_timer(&mut timer, now);
        drop(timer);
        if has_turned || !by_the_clock.is_empty() {
            self.turned();
        }
        for (turned, status) in by_the_clock {
            watch.tell(name, event::turned(Some(turned)), &status, now);
        }
        if let Some(status) = status {
            for told in events {
                watch.tell(name, told, &status, now);
            }
        }
        answer
    }

    /// The state has changed; nothing is locked.
    #[cold]
    pub(super) fn turned(&self) {
        #[cfg(any(feature = "redis", feature = "tower"))]
        self.shared.waiters.wake_all();
    }

    #[cfg(any(feature = "redis", feature = "tower"))]
    pub(crate) fn waiters(&self) -> &Arc<crate::waiters::Waiters> {
        &self.shared.waiters
    }

    /// While the circuit is not closed, one task waits for what the clock will do to it.
    fn keep_timer(&self, timer: &mut Option<Timer>, now: Duration) {
        let due = self.shared.circuit.due();
        if due != timer.as_ref().map(|timer| timer.due) {
            *timer = due.and_then(|due| Timer::start(due, now, self.downgrade()));
        }
    }

    /// Looks at the clock, and tells what it has done.
    pub(crate) fn look(&self) {
        // The timer has done its work; where its clock is ahead of ours, another one is set.
        drop(self.shared.timer.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.step(|_, _| ((), Events::default()));
    }
}
