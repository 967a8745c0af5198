//! The layer: which breaker, and how results are judged.

use super::gate::Gate;
use super::service::BreakerService;
use crate::breaker::Breaker;
use crate::call::{ByError, ByResult, EveryError};
use crate::verdict::Verdict;
use std::fmt;
use std::sync::Arc;
use tower_layer::Layer;

/// Puts services behind a breaker. All that one layer wraps share its circuit.
#[derive(Clone)]
pub struct BreakerLayer<C = EveryError> {
    gate: Arc<Gate>,
    classify: C,
}

impl BreakerLayer {
    /// A layer of this breaker, by which every error of a service counts as a failure.
    #[must_use]
    pub fn new(breaker: Breaker) -> Self {
        Self { gate: Arc::new(Gate::new(breaker)), classify: EveryError }
    }
}

impl<C> BreakerLayer<C> {
    /// Says which errors of the service count against the circuit. Another one counts as a success, and is handed to the
    /// caller as it is. In place of what was said before.
    ///
    /// ```
    /// # use breaker::{Breaker, tower::BreakerLayer};
    /// # use std::io::{Error, ErrorKind};
    /// # fn main() -> Result<(), breaker::SettingsError> {
    /// # let breaker = Breaker::builder("files").build()?;
    /// let layer = BreakerLayer::new(breaker).failure_if(|error: &Error| error.kind() != ErrorKind::NotFound);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn failure_if<F, E>(self, judge: F) -> BreakerLayer<ByError<F>>
    where
        F: Fn(&E) -> bool,
    {
        BreakerLayer { gate: self.gate, classify: ByError(judge) }
    }

    /// Says what the circuit is to make of each result: for a service whose failures are responses, as those of HTTP are.
    /// In place of what was said before. It is cloned with the service.
    ///
    /// ```
    /// # use breaker::{Breaker, Verdict, tower::BreakerLayer};
    /// # struct Response { status: u16 }
    /// # fn main() -> Result<(), breaker::SettingsError> {
    /// # let breaker = Breaker::builder("stock").build()?;
    /// let layer = BreakerLayer::new(breaker).classify(|result: &Result<Response, std::io::Error>| match result {
    ///     Ok(response) if response.status < 400 => Verdict::Success,
    ///     Ok(response) if response.status < 500 => Verdict::Ignore,
    ///     _ => Verdict::Failure,
    /// });
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn classify<F, Response, E>(self, judge: F) -> BreakerLayer<ByResult<F>>
    where
        F: Fn(&Result<Response, E>) -> Verdict,
    {
        BreakerLayer { gate: self.gate, classify: ByResult(judge) }
    }
}

impl<S, C: Clone> Layer<S> for BreakerLayer<C> {
    type Service = BreakerService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        BreakerService::new(inner, Arc::clone(&self.gate), self.classify.clone())
    }
}

impl<C> fmt::Debug for BreakerLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerLayer").field("breaker", &self.gate.breaker()).finish_non_exhaustive()
    }
}
