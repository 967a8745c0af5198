#![doc = include_str!("../README.md")]

// In reading order: what can be set, what is counted, the rules, what is told, the shell around them.
mod backoff;
mod settings;
mod window;

mod circuit;
mod snapshot;

mod error;
mod event;

mod breaker;
mod builder;
mod call;

// What goes around a call, and beside it.
mod health;
mod policy;

pub use backoff::{Backoff, BackoffError};
pub use breaker::Breaker;
pub use builder::Builder;
pub use call::{Call, CallOr};
pub use circuit::{Circuit, Entry, Outcome, Permit, Transition};
pub use error::CallError;
pub use event::{Event, EventKind};
pub use health::{HealthCheck, HealthError, HealthGuard, HealthRule, Verdict};
pub use policy::{Budget, BudgetError, BudgetSettings, Hedge, Policy, PolicyBuilder, PolicyError, Retry};
pub use policy::{Coalesce, CoalesceError, CoalesceSettings, Coalesced, Fallback, OwnFallback, PolicyCall};
pub use settings::{Settings, SettingsError, WarmUp};
pub use snapshot::{Counts, Snapshot, State};
