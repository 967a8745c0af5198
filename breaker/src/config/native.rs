//! The plain shape of our own: `defaults` and `circuits`.

use super::Config;
use super::draft::{Draft, Overrides, PRESETS};
use super::error::ConfigError;
use super::section::Section;
use super::service::{Fallback, FallbackPolicy, ServiceSettings};
use crate::scope::Scope;
use crate::settings::{Judged, OnClose, ProbeVerdict, RateOf};
use crate::snapshot::Mode;
use std::collections::BTreeMap;

const KEYS: [&str; 34] = [
    "preset",
    "timeout",
    "error_threshold",
    "slow_after",
    "slow_threshold",
    "consecutive_failures",
    "failures",
    "pile_up",
    "rules",
    "rate_of",
    "judged",
    "on_close",
    "reset",
    "reset_factor",
    "longest_reset",
    "reset_jitter",
    "window",
    "buckets",
    "window_calls",
    "volume",
    "probes",
    "probe_successes",
    "probes_judged",
    "probe_lease",
    "longest_half_open",
    "half_open_ends",
    "ramp",
    "ramp_from",
    "capacity",
    "full_is_failure",
    "warm_up",
    "mode",
    "scope",
    "fallback",
];
const MODES: [(&str, Mode); 5] = [
    ("auto", Mode::Auto),
    ("disabled", Mode::Disabled),
    ("forced-open", Mode::ForcedOpen),
    ("forced-closed", Mode::ForcedClosed),
    ("metrics-only", Mode::MetricsOnly),
];
pub(super) const SCOPES: [(&str, Scope); 4] = [
    ("service", Scope::Service),
    ("instance", Scope::Instance),
    ("api", Scope::Api),
    ("instance-api", Scope::InstanceApi),
];

/// Whether all rules have to fire.
const RULES: [(&str, bool); 2] = [("any", false), ("all", true)];
const RATES: [(&str, RateOf); 2] = [("asked", RateOf::Asked), ("ended", RateOf::Ended)];
const JUDGED: [(&str, Judged); 2] = [("on-failure", Judged::OnFailure), ("on-every-end", Judged::OnEveryEnd)];
const ON_CLOSE: [(&str, OnClose); 2] = [("keep", OnClose::Keep), ("clear", OnClose::Clear)];
/// Whether a circuit that is half-open for too long closes.
const ENDS: [(&str, bool); 2] = [("open", false), ("closed", true)];

/// A circuit while it is read.
#[derive(Clone, Default)]
struct Circuit {
    draft: Draft,
    mode: Mode,
    scope: Scope,
    fallback: Fallback,
}

pub(super) fn read(root: &Section<'_>) -> Result<Config, ConfigError> {
    let mut defaults = Circuit::default();
    let section = root.section("defaults")?;
    defaults.apply(&section)?;
    let side = defaults.finish(&section)?;
    let circuits = root.section("circuits")?;
    let mut services = BTreeMap::new();
    for name in circuits.keys() {
        let section = circuits.section(name)?;
        let mut circuit = defaults.clone();
        circuit.apply(&section)?;
        services.insert(name.to_owned(), circuit.finish(&section)?);
    }
    Ok(Config { sides: [side.clone(), side], services: [services.clone(), services] })
}

impl Circuit {
    fn apply(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        section.only(&KEYS)?;
        if let Some(preset) = section.word("preset", &PRESETS)? {
            self.draft = Draft::from(preset());
        }
        self.draft.apply(&Overrides {
            timeout: section.time_or_none("timeout")?,
            threshold: section.percent_or_none("error_threshold")?,
            slow_after: section.time_or_none("slow_after")?,
            slow_threshold: section.percent("slow_threshold")?,
            consecutive: section.whole_or_none("consecutive_failures")?,
            failures: section.whole_or_none("failures")?,
            pile_up: section.whole_or_none("pile_up")?,
            all_rules: section.word("rules", &RULES)?,
            rate_of: section.word("rate_of", &RATES)?,
            judged: section.word("judged", &JUDGED)?,
            on_close: section.word("on_close", &ON_CLOSE)?,
            reset: section.time("reset")?,
            backoff: section.number_or_none("reset_factor")?,
            longest_reset: section.time("longest_reset")?,
            jitter: section.percent("reset_jitter")?.map(|percent| percent / 100.0),
            window: section.time("window")?,
            buckets: section.whole("buckets")?,
            window_calls: section.whole("window_calls")?,
            volume: section.whole("volume")?,
            probes: section.whole("probes")?,
            verdict: verdict_of(section)?,
            lease: section.time_or_none("probe_lease")?,
            longest: section.time_or_none("longest_half_open")?,
            then_close: section.word("half_open_ends", &ENDS)?,
            ramp: section.time_or_none("ramp")?,
            ramp_from: section.percent("ramp_from")?,
            capacity: section.whole_or_none("capacity")?,
            full_is_failure: section.flag("full_is_failure")?,
            warm_up: section.time_or_none("warm_up")?,
        });
        self.mode = section.word("mode", &MODES)?.unwrap_or(self.mode);
        self.scope = section.word("scope", &SCOPES)?.unwrap_or(self.scope);
        if let Some(fallback) = section.text("fallback")? {
            self.fallback = fallback_of(fallback);
        }
        Ok(())
    }

    fn finish(&self, section: &Section<'_>) -> Result<ServiceSettings, ConfigError> {
        Ok(ServiceSettings {
            settings: self.draft.settings(section.at())?,
            mode: self.mode,
            scope: self.scope,
            fallback: self.fallback.clone(),
        })
    }
}

/// What the probes must show: one of two keys.
fn verdict_of(section: &Section<'_>) -> Result<Option<ProbeVerdict>, ConfigError> {
    let successes = section.whole("probe_successes")?.map(ProbeVerdict::Successes);
    let judged = section.whole("probes_judged")?.map(ProbeVerdict::Rate);
    if successes.is_some() && judged.is_some() {
        return Err(section.wrong("probes_judged", "only one of `probe_successes` and `probes_judged`"));
    }
    Ok(successes.or(judged))
}

fn fallback_of(word: &str) -> Fallback {
    let policy = match word {
        "throw" | "none" => FallbackPolicy::ThrowException,
        "null" => FallbackPolicy::ReturnNull,
        own => FallbackPolicy::Own(own.to_owned()),
    };
    Fallback { enabled: word != "none", policy, ..Fallback::default() }
}
