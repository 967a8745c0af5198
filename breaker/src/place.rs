//! The place that a call holds while it is under way, and gives back whatever happens.

use crate::breaker::Breaker;
use crate::circuit::{Entry, Outcome, Simply, Ticket};
#[cfg(any(feature = "testing", feature = "tower"))]
use crate::error::CallError;
use crate::error::Refused;
use crate::shadow::Shadows;
use std::borrow::Borrow;
use std::time::Duration;

pub(crate) struct Place<H: Borrow<Breaker>> {
    pub(crate) breaker: H,
    /// Valid while it is held. It is not moved: a copy just after it was written would stall the processor.
    ticket: Ticket,
    held: bool,
    /// Its part in the shadows.
    shadows: Shadows,
    /// False for a call that is not to be a probe.
    pub(crate) may_probe: bool,
    /// True while the work is polled and judged: still true in a drop, one of them panicked.
    pub(crate) polling: bool,
    /// The time is up, whatever the clock says.
    #[cfg(feature = "testing")]
    overdue: bool,
}

/// What a call gets that was not made.
#[cfg(any(feature = "testing", feature = "tower"))]
#[derive(Debug)]
pub(crate) enum Unmade {
    Refused(Refused),
    #[cfg(feature = "testing")]
    TimedOut(Duration),
}

impl<H: Borrow<Breaker>> Place<H> {
    #[inline]
    pub(crate) fn new(breaker: H) -> Self {
        Self {
            breaker,
            ticket: Ticket::NONE,
            held: false,
            shadows: None,
            may_probe: true,
            polling: false,
            #[cfg(feature = "testing")]
            overdue: false,
        }
    }

    /// Asks for the place. Where the circuit is disabled there is none, and none is needed.
    #[inline(always)]
    pub(crate) fn enter(&mut self) -> Result<(), Refused> {
        match self.breaker.borrow().enter_simply() {
            Simply::Admitted(ticket) => (self.ticket, self.held) = (ticket, true),
            Simply::Refused(nanos) => {
                return Err(Refused::Open { retry_after: Duration::from_nanos(nanos) });
            }
            Simply::Not => return self.enter_in_full(),
        }
        Ok(())
    }

    #[inline(never)]
    fn enter_in_full(&mut self) -> Result<(), Refused> {
        match self.breaker.borrow().enter_in_full(self.may_probe) {
            Entry::Admitted(ticket) => {
                (self.ticket, self.held) = (ticket, true);
                self.shadows = self.breaker.borrow().enter_shadows();
                Ok(())
            }
            Entry::Bypassed => Ok(()),
            Entry::Refused { retry_after, .. } => Err(Refused::Open { retry_after }),
            Entry::Full { capacity, .. } => Err(Refused::Full { capacity }),
        }
    }

    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        self.held
    }

    /// How much of the time is left, and the whole, if it is limited.
    pub(crate) fn time_left(&self) -> Option<(Duration, Duration)> {
        #[cfg(feature = "testing")]
        if self.overdue {
            return Some((Duration::ZERO, self.breaker.borrow().settings().timeout.unwrap_or_default()));
        }
        if self.held { self.breaker.borrow().time_left(&self.ticket) } else { None }
    }

    #[inline(always)]
    pub(crate) fn leave(&mut self, outcome: Outcome) {
        if std::mem::take(&mut self.held) {
            self.breaker.borrow().leave(&self.ticket, outcome);
            if let Some(tickets) = self.shadows.take() {
                self.breaker.borrow().leave_shadows(tickets, outcome);
            }
        }
    }

    /// Ends a call as a test wants it to.
    #[cfg(feature = "testing")]
    pub(crate) fn force(&mut self, forced: crate::testing::Forced) -> Unmade {
        use crate::testing::Forced;
        let settings = self.breaker.borrow().settings();
        Unmade::Refused(match forced {
            Forced::Open => Refused::Open { retry_after: settings.reset },
            Forced::Full => Refused::Full { capacity: settings.capacity.unwrap_or(0) },
            Forced::TimedOut => match self.enter() {
                Ok(()) => {
                    self.leave(Outcome::Timeout);
                    return Unmade::TimedOut(settings.timeout.unwrap_or_default());
                }
                Err(refused) => refused,
            },
        })
    }

    /// The same for a call that is made elsewhere: all that can be said is that its time is up.
    #[cfg(feature = "testing")]
    pub(crate) fn force_permit(&mut self, forced: crate::testing::Forced) -> Result<(), Refused> {
        if forced == crate::testing::Forced::TimedOut {
            self.overdue = true;
            return self.enter();
        }
        match self.force(forced) {
            Unmade::Refused(refused) => Err(refused),
            Unmade::TimedOut(_) => Ok(()),
        }
    }

    /// The caller has gone away, or the work has panicked.
    #[cold]
    fn abandon(&mut self) {
        let overdue = self.time_left().is_some_and(|(left, _)| left.is_zero());
        self.leave(match (self.polling, overdue) {
            (true, _) => Outcome::Panicked,
            (false, true) => Outcome::Abandoned,
            (false, false) => Outcome::Cancelled,
        });
    }
}

impl Place<&Breaker> {
    /// The same place, with a handle of its own.
    pub(crate) fn owned(mut self) -> Place<Breaker> {
        Place {
            breaker: self.breaker.clone(),
            ticket: std::mem::replace(&mut self.ticket, Ticket::NONE),
            held: std::mem::take(&mut self.held),
            shadows: self.shadows.take(),
            may_probe: self.may_probe,
            polling: self.polling,
            #[cfg(feature = "testing")]
            overdue: self.overdue,
        }
    }
}

#[cfg(any(feature = "testing", feature = "tower"))]
impl<E> From<Unmade> for CallError<E> {
    fn from(unmade: Unmade) -> Self {
        match unmade {
            Unmade::Refused(refused) => refused.into(),
            #[cfg(feature = "testing")]
            Unmade::TimedOut(after) => Self::TimedOut { after },
        }
    }
}

impl<H: Borrow<Breaker>> Drop for Place<H> {
    #[inline]
    fn drop(&mut self) {
        if self.held {
            self.abandon();
        }
    }
}
