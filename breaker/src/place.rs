//! The place that a call holds while it is under way, and gives back whatever happens.

use crate::breaker::Breaker;
use crate::circuit::{Entry, Outcome, Simply, Ticket};
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
}

impl<H: Borrow<Breaker>> Place<H> {
    #[inline]
    pub(crate) fn new(breaker: H) -> Self {
        Self { breaker, ticket: Ticket::NONE, held: false, shadows: None, may_probe: true, polling: false }
    }

    /// Asks for the place. Where the circuit is disabled there is none, and none is needed.
    #[inline]
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
        if self.held { self.breaker.borrow().time_left(&self.ticket) } else { None }
    }

    #[inline]
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
    pub(crate) fn force<E>(&mut self, forced: crate::testing::Forced) -> crate::CallError<E> {
        use crate::{CallError, testing::Forced};
        let settings = self.breaker.borrow().settings();
        match forced {
            Forced::Open => CallError::Open { retry_after: settings.reset },
            Forced::Full => CallError::Full { capacity: settings.capacity.unwrap_or(0) },
            Forced::TimedOut => match self.enter() {
                Ok(()) => {
                    self.leave(Outcome::Timeout);
                    CallError::TimedOut { after: settings.timeout.unwrap_or_default() }
                }
                Err(refused) => refused.into(),
            },
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

impl<H: Borrow<Breaker>> Drop for Place<H> {
    #[inline]
    fn drop(&mut self) {
        if self.held {
            self.abandon();
        }
    }
}
