//! Settings while they are read: a preset, written over key by key.

use super::error::ConfigError;
use crate::backoff::Backoff;
use crate::settings::{
    Judged, Longest, OnClose, ProbeVerdict, Probing, Ramp, RateOf, Settings, Threshold, Trip, WarmUp, Window,
};
use std::time::Duration;

/// The presets that a file can name.
pub(super) const PRESETS: [(&str, Preset); 5] = [
    ("retail", Settings::default),
    ("opossum", Settings::opossum),
    ("hystrix", Settings::hystrix),
    ("resilience4j", Settings::resilience4j),
    ("pybreaker", Settings::pybreaker),
];

type Preset = fn() -> Settings;

/// Settings in the making, with the rules that open the circuit laid apart.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    settings: Settings,
    errors: Option<Threshold>,
    slow: Option<(Duration, Threshold)>,
    consecutive: Option<u32>,
    failures: Option<u64>,
    pile_up: Option<u32>,
    /// All have to fire, and not just any.
    all: bool,
}

/// What a section of a file says; `None` where it does not.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Overrides {
    pub(super) timeout: Option<Option<Duration>>,
    pub(super) threshold: Option<Option<f64>>,
    pub(super) slow_after: Option<Option<Duration>>,
    pub(super) slow_threshold: Option<f64>,
    pub(super) consecutive: Option<Option<u32>>,
    pub(super) failures: Option<Option<u64>>,
    pub(super) pile_up: Option<Option<u32>>,
    pub(super) all_rules: Option<bool>,
    pub(super) rate_of: Option<RateOf>,
    pub(super) judged: Option<Judged>,
    pub(super) on_close: Option<OnClose>,
    pub(super) reset: Option<Duration>,
    pub(super) backoff: Option<Option<f64>>,
    pub(super) longest_reset: Option<Duration>,
    pub(super) jitter: Option<f64>,
    pub(super) window: Option<Duration>,
    pub(super) buckets: Option<u32>,
    pub(super) window_calls: Option<u32>,
    pub(super) volume: Option<u64>,
    pub(super) probes: Option<u32>,
    pub(super) verdict: Option<ProbeVerdict>,
    pub(super) lease: Option<Option<Duration>>,
    pub(super) longest: Option<Option<Duration>>,
    pub(super) then_close: Option<bool>,
    pub(super) ramp: Option<Option<Duration>>,
    pub(super) ramp_from: Option<f64>,
    pub(super) capacity: Option<Option<u32>>,
    pub(super) full_is_failure: Option<bool>,
    pub(super) warm_up: Option<Option<Duration>>,
}

impl Default for Draft {
    fn default() -> Self {
        Self::from(Settings::default())
    }
}

impl From<Settings> for Draft {
    fn from(settings: Settings) -> Self {
        let (mut errors, mut slow, mut consecutive, mut failures, mut pile_up) =
            (None, None, None, None, None);
        for rule in settings.trip.walk() {
            match rule {
                Trip::Errors(threshold) => errors = Some(*threshold),
                Trip::Slow { than, share } => slow = Some((*than, *share)),
                Trip::Consecutive(most) => consecutive = Some(*most),
                Trip::Failures(most) => failures = Some(*most),
                Trip::PileUp(most) => pile_up = Some(*most),
                Trip::Any(_) | Trip::All(_) => {}
            }
        }
        let all = matches!(settings.trip, Trip::All(_));
        Self { errors, slow, consecutive, failures, pile_up, all, settings }
    }
}

/// go-chassis' constants (`control/servicecomb/...`, `third_party/forked/afex/hystrix-go`): the share of the calls asked
/// for, at least the threshold; its window is fixed.
pub(super) fn chassis() -> Draft {
    Draft::from(Settings {
        timeout: Some(Duration::from_secs(30)),
        reset: Duration::from_secs(15),
        trip: Trip::Errors(Threshold::AtLeast(50.0)),
        rate_of: RateOf::Asked,
        volume: 20,
        capacity: Some(1_000),
        ..Settings::default()
    })
}

impl Draft {
    /// Writes over it what a section says.
    pub(super) fn apply(&mut self, said: &Overrides) {
        self.apply_rules(said);
        let settings = &mut self.settings;
        settings.timeout = said.timeout.unwrap_or(settings.timeout);
        settings.reset = said.reset.unwrap_or(settings.reset);
        settings.volume = said.volume.unwrap_or(settings.volume);
        settings.capacity = said.capacity.unwrap_or(settings.capacity);
        settings.full_is_failure = said.full_is_failure.unwrap_or(settings.full_is_failure);
        settings.rate_of = said.rate_of.unwrap_or(settings.rate_of);
        settings.judged = said.judged.unwrap_or(settings.judged);
        settings.on_close = said.on_close.unwrap_or(settings.on_close);
        if let Some(warm_up) = said.warm_up {
            settings.warm_up = warm_up.map_or(WarmUp::Off, WarmUp::For);
        }
        if let Some(factor) = said.backoff {
            settings.backoff =
                factor.map(|factor| Backoff { factor, ..settings.backoff.unwrap_or_default() });
        }
        if let Some(backoff) = &mut settings.backoff {
            backoff.ceiling = said.longest_reset.unwrap_or(backoff.ceiling);
            backoff.jitter = said.jitter.unwrap_or(backoff.jitter);
        }
        self.apply_window(said);
        self.apply_probing(said);
    }

    fn apply_rules(&mut self, said: &Overrides) {
        // A preset's way to compare stays.
        let like = |old: Option<Threshold>, percent: f64| match old {
            Some(Threshold::AtLeast(_)) => Threshold::AtLeast(percent),
            Some(Threshold::Above(_)) | None => Threshold::Above(percent),
        };
        if let Some(percent) = said.threshold {
            self.errors = percent.map(|percent| like(self.errors, percent));
        }
        if let Some(after) = said.slow_after {
            let share = self.slow.map_or(Threshold::AtLeast(100.0), |(_, share)| share);
            self.slow = after.map(|after| (after, share));
        }
        if let (Some(percent), Some((_, share))) = (said.slow_threshold, &mut self.slow) {
            *share = like(Some(*share), percent);
        }
        self.consecutive = said.consecutive.unwrap_or(self.consecutive);
        self.failures = said.failures.unwrap_or(self.failures);
        self.pile_up = said.pile_up.unwrap_or(self.pile_up);
        self.all = said.all_rules.unwrap_or(self.all);
    }

    fn apply_window(&mut self, said: &Overrides) {
        let window = &mut self.settings.window;
        if let Some(calls) = said.window_calls {
            *window = Window::Calls(calls);
        }
        if said.window.is_some() || said.buckets.is_some() {
            let (was, cut) = match *window {
                Window::Time { length, buckets } => (length, buckets),
                Window::Calls(_) => (Duration::from_secs(10), 10),
            };
            let (length, buckets) = (said.window.unwrap_or(was), said.buckets.unwrap_or(cut));
            *window = Window::Time { length, buckets };
        }
    }

    fn apply_probing(&mut self, said: &Overrides) {
        let probing = &mut self.settings.probing;
        *probing = Probing {
            at_once: said.probes.unwrap_or(probing.at_once),
            verdict: said.verdict.unwrap_or(probing.verdict),
            lease: said.lease.unwrap_or(probing.lease),
            ..*probing
        };
        if let Some(after) = said.longest {
            // As with one that has not passed.
            let then_close = probing.longest.is_some_and(|longest| longest.then_close);
            probing.longest = after.map(|after| Longest { after, then_close });
        }
        if let Some(longest) = &mut probing.longest {
            longest.then_close = said.then_close.unwrap_or(longest.then_close);
        }
        if let Some(over) = said.ramp {
            let from = probing.ramp.map_or(5.0, |ramp| ramp.from);
            probing.ramp = over.map(|over| Ramp { from, over });
        }
        if let Some(ramp) = &mut probing.ramp {
            ramp.from = said.ramp_from.unwrap_or(ramp.from);
        }
    }

    /// The settings, checked. `at` is the section that they are of.
    pub(super) fn settings(&self, at: &str) -> Result<Settings, ConfigError> {
        let mut rules = Vec::new();
        rules.extend(self.errors.map(Trip::Errors));
        rules.extend(self.slow.map(|(than, share)| Trip::Slow { than, share }));
        rules.extend(self.consecutive.map(Trip::Consecutive));
        rules.extend(self.failures.map(Trip::Failures));
        rules.extend(self.pile_up.map(Trip::PileUp));
        let trip = match (rules.len(), self.all) {
            (1, _) => rules.remove(0),
            (_, true) => Trip::All(rules),
            (_, false) => Trip::Any(rules),
        };
        let settings = Settings { trip, ..self.settings.clone() };
        match settings.check() {
            Ok(()) => Ok(settings),
            Err(error) => Err(ConfigError::Settings { at: at.to_owned(), error }),
        }
    }
}
