#![doc = include_str!("../README.md")]

// In reading order: what can be set, what is counted, the rules, what is told, the shell around them.
mod backoff;
mod random;
mod settings;

mod sync;
mod window;

mod circuit;
#[cfg(all(test, breaker_loom))]
mod every_order;
mod reason;
mod snapshot;

mod error;
mod event;
mod log;
mod shadow;
mod stream;

mod breaker;
mod builder;
mod call;
mod clock;
mod limit;
mod permit;
mod place;
mod verdict;
mod watch;

#[cfg(feature = "testing")]
pub mod testing;

// Many of them.
mod registry;
mod scope;

#[cfg(feature = "config")]
pub mod config;

// What goes around a call, and beside it.
mod health;
mod policy;

// Other worlds.
#[cfg(feature = "hystrix")]
pub mod hystrix;
#[cfg(feature = "redis")]
pub mod shared;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(any(feature = "redis", feature = "tower"))]
mod waiters;

pub use backoff::{Backoff, BackoffError};
pub use breaker::{Breaker, WeakBreaker};
pub use builder::Builder;
pub use call::{ByError, ByResult, Call, CallOr, EveryError, Judge};
pub use circuit::{Circuit, Entry, Outcome, Saved, Ticket};
pub use clock::Clock;
pub use error::{CallError, Refused};
pub use event::{Event, EventKind};
pub use health::{HealthCheck, HealthError, HealthGuard, HealthRule, HealthVerdict};
pub use log::{CallLog, LoggedCall, Replay};
pub use permit::Permit;
pub use policy::{
    Budget, BudgetError, BudgetSettings, Bulkhead, Coalesce, CoalesceError, CoalesceSettings, Coalesced,
    Fallback, Hedge, OwnFallback, Policy, PolicyBuilder, PolicyCall, PolicyError, Retry,
};
pub use reason::{Failure, FailureKind, Reason, Transition};
pub use registry::{Dropped, Plan, Registry, RegistryBuilder, Updated};
pub use scope::{Scope, Side, Target};
pub use settings::{
    Judged, Longest, OnClose, ProbeVerdict, Probing, Ramp, RateOf, Settings, SettingsError, Threshold, Trip,
    WarmUp, Window,
};
pub use snapshot::{Bucket, Counts, Latency, Mode, Snapshot, State, Status};
pub use stream::{EventStream, Events, Happened, Lagged};
pub use verdict::Verdict;
