#![doc = include_str!("../README.md")]

// In reading order: what can be set, what is counted, the rules, what is told, the shell around them.
mod backoff;
mod settings;
mod window;

mod circuit;
mod snapshot;

mod error;
mod event;
mod verdict;

mod breaker;
mod builder;
mod call;

#[cfg(feature = "tower")]
pub mod tower;

pub use backoff::{Backoff, BackoffError};
pub use breaker::Breaker;
pub use builder::Builder;
pub use call::{Call, CallOr};
pub use circuit::{Circuit, Entry, Outcome, Permit, Transition};
pub use error::CallError;
pub use event::{Event, EventKind};
pub use settings::{Settings, SettingsError, WarmUp};
pub use snapshot::{Counts, Snapshot, State};
pub use verdict::Verdict;
