//! A late try to hand something on, as it is told to those who draw traces.

use crate::trace::TraceContext;
use breaker::State;
use jiff::Timestamp;
use std::fmt;
use std::time::Duration;

/// What became of a late try.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Its own span, within what was done for the order.
    pub(crate) trace: TraceContext,
    /// When it began.
    pub(crate) at: Timestamp,
    pub(crate) took: Duration,
    /// The number of the hop that brought the document.
    pub(crate) hop: u32,
    /// How often it was tried before.
    pub(crate) before: u32,
    /// The state of the circuit that it met.
    pub(crate) state: State,
    /// Why it was not delivered.
    pub(crate) error: Option<&'static str>,
    /// For a refusal: when a call may go through again.
    pub(crate) retry_after: Option<Duration>,
}

/// Who is told. Is waited for, so it has to be quick.
#[derive(Default)]
pub(crate) struct Witness(Option<Observer>);

type Observer = Box<dyn Fn(&Delivery) + Send + Sync>;

impl Witness {
    pub(crate) fn new(witness: impl Fn(&Delivery) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(witness)))
    }

    pub(super) fn tell(&self, delivery: &Delivery) {
        if let Some(witness) = &self.0 {
            witness(delivery);
        }
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Witness").field(&self.0.is_some()).finish()
    }
}
