//! Faults on purpose, as the environment sets them: the original's `INJECT_ERR`, and lists in fortio's form.

use super::parse::{number, percent, switch};
use crate::chaos::{Connection, Draws, Environment, FaultError, Phase, Preset, Time};
use clap::Args;

/// Faults on purpose.
#[derive(Debug, Clone, Args)]
pub struct Faults {
    /// 1: some requests are answered 502 after their document was saved
    #[arg(long, env = "INJECT_ERR", default_value = "0", default_missing_value = "1", num_args = 0..=1, value_parser = switch)]
    pub inject_err: bool,
    /// How many of a hundred requests, where INJECT_ERR is on
    #[arg(long, env = "INJECT_ERR_PERCENT", default_value = "40", value_parser = number(0, 100_u8))]
    pub inject_err_percent: u8,
    /// Statuses that are answered in place of an answer, with percentages, like 502:40,503:5
    #[arg(long, env = "CHAOS_ABORT", value_parser = Draws::statuses)]
    pub chaos_abort: Option<Draws<u16>>,
    /// Times by which requests are held up, with percentages, like 500ms:20,2s:5
    #[arg(long, env = "CHAOS_DELAY", value_parser = Draws::delays)]
    pub chaos_delay: Option<Draws<Time>>,
    /// How much more or less than in CHAOS_DELAY it may be, like 100ms
    #[arg(long, env = "CHAOS_JITTER")]
    pub chaos_jitter: Option<Time>,
    /// Percentage of requests that are not answered at all, for a minute
    #[arg(long, env = "CHAOS_HANG", value_parser = percent)]
    pub chaos_hang: Option<f64>,
    /// Percentage of requests whose connections are reset
    #[arg(long, env = "CHAOS_RESET", value_parser = percent)]
    pub chaos_reset: Option<f64>,
    /// Whether the faults of CHAOS_ABORT, CHAOS_DELAY, CHAOS_HANG and CHAOS_RESET come before or after the save
    #[arg(long, env = "CHAOS_PHASE", default_value = "before")]
    pub chaos_phase: Phase,
    /// Faults in the same order each time: any whole number
    #[arg(long, env = "CHAOS_SEED", value_parser = number(0, u64::MAX))]
    pub chaos_seed: Option<u64>,
    /// Preset to start with
    #[arg(long, env = "CHAOS_PRESET")]
    pub chaos_preset: Option<Preset>,
}

impl Faults {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self {
            inject_err: false,
            inject_err_percent: 0,
            chaos_abort: None,
            chaos_delay: None,
            chaos_jitter: None,
            chaos_hang: None,
            chaos_reset: None,
            chaos_phase: Phase::Before,
            chaos_seed: None,
            chaos_preset: None,
        }
    }

    /// The same as rules.
    pub(crate) fn environment(&self) -> Result<Environment, FaultError> {
        let mut environment = Environment::new(self.chaos_phase, self.chaos_preset, self.chaos_seed);
        if self.inject_err {
            environment.inject_err(f64::from(self.inject_err_percent));
        }
        if let Some(statuses) = &self.chaos_abort {
            environment.aborts(statuses);
        }
        match (&self.chaos_delay, self.chaos_jitter) {
            (Some(delays), jitter) => environment.delays(delays, jitter)?,
            (None, Some(jitter)) => return Err(FaultError::NoDelay(jitter)),
            (None, None) => {}
        }
        if let Some(percentage) = self.chaos_hang {
            environment.connection(Connection::Hang, percentage);
        }
        if let Some(percentage) = self.chaos_reset {
            environment.connection(Connection::Reset, percentage);
        }
        Ok(environment)
    }
}
