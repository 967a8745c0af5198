//! go-chassis' shape: `cse`, four namespaces, two sides, and services among the keys.

use super::Config;
use super::draft::{self, Draft, Overrides};
use super::error::ConfigError;
use super::native::SCOPES;
use super::nearest::nearest;
use super::section::Section;
use super::service::{Fallback, FallbackPolicy, ServiceSettings};
use crate::scope::{Scope, Side};
use crate::snapshot::Mode;
use std::collections::{BTreeMap, BTreeSet};

const SIDES: [&str; 2] = ["Consumer", "Provider"];
const SCOPE: &str = "scope";

/// A part of the tree: its name, its keys, and what reads them.
struct Namespace {
    name: &'static str,
    keys: &'static [&'static str],
    apply: fn(&mut Circuit, &Section<'_>) -> Result<(), ConfigError>,
}

const NAMESPACES: [Namespace; 4] = [
    Namespace {
        name: "isolation",
        keys: &["timeoutInMilliseconds", "maxConcurrentRequests"],
        apply: Circuit::isolate,
    },
    Namespace {
        name: "circuitBreaker",
        keys: &[
            "enabled",
            "forceOpen",
            "forceClosed",
            "sleepWindowInMilliseconds",
            "requestVolumeThreshold",
            "errorThresholdPercentage",
        ],
        apply: Circuit::break_at,
    },
    Namespace {
        name: "fallback",
        keys: &["enabled", "force", "maxConcurrentRequests"],
        apply: Circuit::fall_back,
    },
    Namespace { name: "fallbackpolicy", keys: &["policy"], apply: Circuit::fall_back_by },
];

/// A side or a service while it is read.
#[derive(Clone)]
struct Circuit {
    draft: Draft,
    enabled: bool,
    force_open: bool,
    force_closed: bool,
    scope: Scope,
    fallback: Fallback,
}

pub(super) fn read(cse: &Section<'_>) -> Result<Config, ConfigError> {
    cse.only(&NAMESPACES.map(|namespace| namespace.name))?;
    for namespace in &NAMESPACES {
        let scope: &[&str] = if namespace.name == "circuitBreaker" { &[SCOPE] } else { &[] };
        cse.section(namespace.name)?.only(&[scope, &SIDES].concat())?;
    }
    let scope = cse.section("circuitBreaker")?.word(SCOPE, &SCOPES)?.unwrap_or_default();
    let (consumer, called) = read_side(cse, Side::Consumer, scope)?;
    let (provider, answered) = read_side(cse, Side::Provider, scope)?;
    Ok(Config { sides: [consumer, provider], services: [called, answered] })
}

type OfSide = (ServiceSettings, BTreeMap<String, ServiceSettings>);

fn read_side(cse: &Section<'_>, side: Side, scope: Scope) -> Result<OfSide, ConfigError> {
    let mut circuit = Circuit::constants(scope);
    let mut names = BTreeSet::new();
    for namespace in &NAMESPACES {
        let section = cse.section(namespace.name)?.section(side.name())?;
        names.extend(section.sections_besides(namespace.keys)?);
        (namespace.apply)(&mut circuit, &section)?;
    }
    let of_side = circuit.finish(&format!("cse.*.{side}"))?;
    let services = names.into_iter().map(|name| {
        let mut service = circuit.clone();
        for namespace in &NAMESPACES {
            let section = cse.section(namespace.name)?.section(side.name())?.section(name)?;
            section.only(namespace.keys)?;
            (namespace.apply)(&mut service, &section)?;
        }
        Ok((name.to_owned(), service.finish(&format!("cse.*.{side}.{name}"))?))
    });
    Ok((of_side, services.collect::<Result<_, ConfigError>>()?))
}

impl Circuit {
    fn constants(scope: Scope) -> Self {
        Self {
            draft: draft::chassis(),
            enabled: false,
            force_open: false,
            force_closed: false,
            scope,
            fallback: Fallback::default(),
        }
    }

    fn isolate(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        self.draft.apply(&Overrides {
            timeout: section.millis("timeoutInMilliseconds")?.map(Some),
            capacity: section.whole("maxConcurrentRequests")?.map(Some),
            ..Overrides::default()
        });
        Ok(())
    }

    fn break_at(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        self.enabled = section.flag("enabled")?.unwrap_or(self.enabled);
        self.force_open = section.flag("forceOpen")?.unwrap_or(self.force_open);
        self.force_closed = section.flag("forceClosed")?.unwrap_or(self.force_closed);
        self.draft.apply(&Overrides {
            reset: section.millis("sleepWindowInMilliseconds")?,
            volume: section.whole("requestVolumeThreshold")?,
            threshold: section.percent("errorThresholdPercentage")?.map(Some),
            ..Overrides::default()
        });
        Ok(())
    }

    fn fall_back(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        let fallback = &mut self.fallback;
        fallback.enabled = section.flag("enabled")?.unwrap_or(fallback.enabled);
        fallback.force = section.flag("force")?.unwrap_or(fallback.force);
        fallback.max_concurrent = section.whole("maxConcurrentRequests")?.or(fallback.max_concurrent);
        Ok(())
    }

    fn fall_back_by(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        self.fallback.policy = match section.text("policy")? {
            None => return Ok(()),
            Some("returnnull") => FallbackPolicy::ReturnNull,
            Some("throwexception") => FallbackPolicy::ThrowException,
            Some(own) => match nearest(own, &["returnnull", "throwexception"]) {
                Some(near) => {
                    let wanted = format!("{near:?}, or a name that cannot be taken for it,");
                    return Err(section.wrong("policy", &wanted));
                }
                None => FallbackPolicy::Own(own.to_owned()),
            },
        };
        Ok(())
    }

    fn finish(&self, at: &str) -> Result<ServiceSettings, ConfigError> {
        let mode = match (self.enabled, self.force_open, self.force_closed) {
            // It never opens, forced or not, but its places stay limited.
            (false, _, _) => Mode::ForcedClosed,
            (true, true, _) => Mode::ForcedOpen,
            (true, false, true) => Mode::ForcedClosed,
            (true, false, false) => Mode::Auto,
        };
        let settings = self.draft.settings(at)?;
        Ok(ServiceSettings { settings, mode, scope: self.scope, fallback: self.fallback.clone() })
    }
}
