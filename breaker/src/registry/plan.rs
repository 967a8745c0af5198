//! What a circuit is made with: its settings and its mode; and how both reach one that is there already.

use crate::breaker::Breaker;
use crate::settings::{Settings, SettingsError};
use crate::snapshot::Mode;
use std::sync::Arc;

/// What a circuit of a registry is made with. [`Settings`] alone are one, too.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// How it judges its calls.
    pub settings: Settings,
    /// The mode that it is put in; `None` leaves it as it is, for a new one [`Mode::Auto`].
    pub mode: Option<Mode>,
}

impl From<Settings> for Plan {
    fn from(settings: Settings) -> Self {
        Self { settings, mode: None }
    }
}

pub(super) type PlanOf = dyn Fn(&str) -> Plan + Send + Sync;

/// Where plans come from, and which one of those that there were this is.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) plan: Arc<PlanOf>,
    pub(super) turn: u64,
}

impl Source {
    pub(super) fn plan(&self, name: &str) -> Plan {
        (self.plan)(name)
    }
}

/// Gives a circuit that is there another plan, without touching its state or its window.
pub(super) fn apply(breaker: &Breaker, plan: &Plan) -> Result<(), SettingsError> {
    if *breaker.settings() != plan.settings {
        breaker.update(plan.settings.clone())?;
    }
    if let Some(mode) = plan.mode {
        breaker.set_mode(mode);
    }
    Ok(())
}
