//! A circuit breaker as [tower](https://docs.rs/tower) middleware: a [`BreakerLayer`] puts a [`BreakerService`] round a
//! service. With the feature `tower`.
//!
//! ```
//! use breaker::{Breaker, CallError, State};
//! use breaker::tower::BreakerLayer;
//! use tower::{ServiceBuilder, ServiceExt as _, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let breaker = Breaker::builder("stock").build()?;
//! let service = ServiceBuilder::new()
//!     .layer(BreakerLayer::new(breaker.clone()))
//!     .service(service_fn(async |_item: &str| Err::<u32, _>("down")));
//!
//! assert_eq!(service.clone().oneshot("tea").await, Err(CallError::Failed("down")));
//! assert_eq!(breaker.state(), State::Open);
//! assert!(matches!(service.oneshot("tea").await, Err(CallError::Open { .. })));
//! # Ok(()) }
//! ```
//!
//! # Readiness
//!
//! - **While the circuit is open, the service is ready**, and the call is refused with the time to wait. The inner service
//!   is not asked: one that is never ready again does not hide the open circuit. A service that became ready in this way
//!   refuses its next call without touching the inner one, even if the circuit has half-opened by then, for the inner one
//!   was not made ready; asked for its readiness once more, it looks again.
//! - **Otherwise the inner service decides**, and wakes the task when it is ready. If the circuit opens meanwhile, the
//!   waiting tasks are woken too, and refused.
//! - **Readiness holds no place and no probe.** Whether the circuit lets the call through is decided in `call`, before the
//!   inner service is called. What is made ready and dropped has taken nothing.
//! - **An error of the inner `poll_ready` is judged like that of a call**, and counts as one call.
//! - Clones share the circuit; each is ready for itself.
//!
//! A call that finds the circuit open, though it was closed when the service became ready, leaves the inner service ready
//! and uncalled. What that one has reserved (a place of a `ConcurrencyLimit`) it keeps until the next call, or until it is
//! dropped: so do not keep idle clones of such a service.
//!
//! # Order
//!
//! From the outside inwards: retry, **breaker**, whatever limits or makes the call. A retry outside is told
//! [`CallError::Open`](crate::CallError::Open) and can leave off; one inside would hammer the callee behind the circuit's
//! back. The time of one attempt is left to the breaker: a time-out outside that is shorter drops the call half-way, and
//! what was given up counts for nothing.
//!
//! # What it does not do
//!
//! It sets no limit on the time that a task waits for the inner service to become ready, as no middleware of tower's does:
//! where that may last for ever, put a `LoadShed` inside, whose refusals then count as failures, or a limit around the
//! waiting.

mod gate;
mod layer;
mod response;
mod service;

pub use layer::BreakerLayer;
pub use response::ResponseFuture;
pub use service::BreakerService;
