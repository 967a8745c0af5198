//! Settings while they are read: the seam between what files can say and what a circuit can be set to.

use super::error::ConfigError;
use crate::settings::{Settings, WarmUp};
use std::time::Duration;

/// The presets that a file can name.
pub(super) const PRESETS: [(&str, Preset); 2] = [("opossum", opossum), ("hystrix", hystrix)];

type Preset = fn() -> Draft;

/// Settings in the making.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    settings: Settings,
    /// In percent.
    threshold: f64,
    /// Whether the circuit opens at the threshold, or only above it.
    at_least: bool,
}

/// What a section of a file says; `None` where it does not.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Overrides {
    pub(super) timeout: Option<Option<Duration>>,
    pub(super) threshold: Option<f64>,
    pub(super) reset: Option<Duration>,
    pub(super) window: Option<Duration>,
    pub(super) buckets: Option<u32>,
    pub(super) volume: Option<u64>,
    pub(super) capacity: Option<Option<u32>>,
    pub(super) warm_up: Option<Option<Duration>>,
}

impl Default for Draft {
    fn default() -> Self {
        let settings = Settings::default();
        Self { threshold: settings.error_threshold, settings, at_least: false }
    }
}

/// go-chassis' constants. Its window is fixed; refused calls are among those asked for, as with opossum.
pub(super) fn chassis() -> Draft {
    let settings = Settings {
        timeout: Some(Duration::from_secs(30)),
        reset: Duration::from_secs(15),
        window: Duration::from_secs(10),
        buckets: 10,
        volume: 20,
        capacity: Some(1_000),
        ..Settings::default()
    };
    Draft { settings, threshold: 50.0, at_least: true }
}

fn opossum() -> Draft {
    let of = Settings::default();
    let settings = Settings { timeout: Some(Duration::from_secs(10)), reset: Duration::from_secs(30), ..of };
    Draft { settings, threshold: 50.0, at_least: false }
}

fn hystrix() -> Draft {
    let settings = Settings {
        timeout: Some(Duration::from_secs(1)),
        reset: Duration::from_secs(5),
        volume: 20,
        capacity: Some(10),
        ..Settings::default()
    };
    Draft { settings, threshold: 50.0, at_least: true }
}

impl Draft {
    /// Writes over it what a section says.
    pub(super) fn apply(&mut self, said: &Overrides) {
        let settings = &mut self.settings;
        settings.timeout = said.timeout.unwrap_or(settings.timeout);
        settings.reset = said.reset.unwrap_or(settings.reset);
        settings.window = said.window.unwrap_or(settings.window);
        settings.buckets = said.buckets.unwrap_or(settings.buckets);
        settings.volume = said.volume.unwrap_or(settings.volume);
        settings.capacity = said.capacity.unwrap_or(settings.capacity);
        if let Some(warm_up) = said.warm_up {
            settings.warm_up = warm_up.map_or(WarmUp::Off, WarmUp::For);
        }
        self.threshold = said.threshold.unwrap_or(self.threshold);
    }

    /// The settings, checked. `at` is the section that they are of.
    pub(super) fn settings(&self, at: &str) -> Result<Settings, ConfigError> {
        // Above the next smaller number is at least this one. At 0 any failure is enough, either way.
        let strict =
            if self.at_least && self.threshold > 0.0 { self.threshold.next_down() } else { self.threshold };
        let settings = Settings { error_threshold: strict, ..self.settings.clone() };
        match settings.check() {
            Ok(()) => Ok(settings),
            Err(error) => Err(ConfigError::Settings { at: at.to_owned(), error }),
        }
    }
}
