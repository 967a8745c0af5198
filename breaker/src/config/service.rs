//! What a file says about one service.

use crate::scope::Scope;
use crate::settings::Settings;
use crate::snapshot::Mode;

/// What the calls to a service go by.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ServiceSettings {
    /// How its circuits judge calls.
    pub settings: Settings,
    /// Who decides whether they let calls through.
    pub mode: Mode,
    /// How far a circuit reaches.
    pub scope: Scope,
    /// What is done instead of a call that was not made.
    pub fallback: Fallback,
}

/// What is done instead of a call. The breaker does none of it by itself; it is for who writes the fallback.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fallback {
    /// Whether anything is done at all.
    pub enabled: bool,
    /// Whether it is done in place of every call, without trying. Wins over everything else.
    pub force: bool,
    /// How many fallbacks may be under way at once; `None` for no limit.
    pub max_concurrent: Option<u32>,
    /// What is done.
    pub policy: FallbackPolicy,
}

/// What is done instead of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FallbackPolicy {
    /// An empty answer that looks like a success.
    ReturnNull,
    /// The error is handed on. The default.
    #[default]
    ThrowException,
    /// A fallback of the caller's own, by its name.
    Own(String),
}

impl Default for Fallback {
    fn default() -> Self {
        Self { enabled: true, force: false, max_concurrent: None, policy: FallbackPolicy::default() }
    }
}
