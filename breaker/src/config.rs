//! Settings from a file: for each circuit what it is made with, and again when the file changes.
//!
//! Two shapes, told apart by their keys, each as YAML or as TOML. A plain one of our own:
//!
//! ```toml
//! [defaults]
//! preset = "hystrix"
//! timeout = "300ms"
//!
//! [circuits.payment]
//! timeout = "2s"
//! volume = 50
//! ```
//!
//! and go-chassis', under `cse`, for files that are there already:
//!
//! ```yaml
//! cse:
//!   isolation:
//!     Consumer:
//!       timeoutInMilliseconds: 1000
//!       payment: # a service
//!         timeoutInMilliseconds: 2000
//!   circuitBreaker:
//!     scope: api
//!     Consumer:
//!       enabled: true
//! ```
//!
//! # The plain shape
//!
//! `defaults` and each of `circuits` take these keys. What a circuit does not say is as in `defaults`, and what those do
//! not say as in their preset. A circuit that names a preset begins from that one instead of from the defaults, except
//! for mode, scope and fallback.
//!
//! | key | value |
//! | --- | --- |
//! | `preset` | `"retail"` ([`Settings::default`], also without it), `"opossum"`, `"hystrix"`, `"resilience4j"`, `"pybreaker"` |
//! | `timeout` | a time, or `"none"` |
//! | `error_threshold` | percent, 0 to 100: `25` or `"25%"`, compared as the preset does; or `"none"` |
//! | `slow_after`, `slow_threshold` | a time, or `"none"`; percent |
//! | `consecutive_failures`, `failures`, `pile_up` | a number, or `"none"` |
//! | `rules` | whether `"any"` of them opens the circuit, or `"all"` together |
//! | `rate_of` | `"asked"` or `"ended"` |
//! | `judged` | `"on-failure"` or `"on-every-end"` |
//! | `on_close` | `"keep"` or `"clear"`: the window |
//! | `window`, `buckets`, or `window_calls` | a time and a number, or a number of calls |
//! | `volume` | a number |
//! | `reset` | a time |
//! | `reset_factor`, `longest_reset`, `reset_jitter` | a number, or `"none"` for no backoff; a time; percent |
//! | `probes` | a number: most at once |
//! | `probe_successes`, or `probes_judged` | a number: so many succeed; so many answer, and the rules judge them |
//! | `probe_lease` | a time, or `"none"` for twice the time-out |
//! | `longest_half_open`, `half_open_ends` | a time, or `"none"`; then it is `"open"` (also without it) or `"closed"` |
//! | `ramp`, `ramp_from` | a time, or `"none"`; percent |
//! | `capacity`, `full_is_failure` | a number, or `"none"`; true or false |
//! | `warm_up` | a time, or `"none"` |
//! | `mode` | `"auto"`, `"disabled"`, `"forced-open"`, `"forced-closed"`, `"metrics-only"` |
//! | `scope` | `"service"`, `"instance"`, `"api"`, `"instance-api"` |
//! | `fallback` | `"throw"`, `"null"`, `"none"` or a name of your own |
//!
//! A time has its unit: `"300ms"`, `"1.5s"`, `"1m30s"`; units are `ns`, `us`, `ms`, `s`, `m`, `h`.
//!
//! # go-chassis' shape
//!
//! Keys are `cse.<namespace>.<Consumer|Provider>[.<service>].<key>`. A service's key wins over its side's, and that over
//! go-chassis' constant. Below a side, a section is a service and a value is a key, so that a misspelt key is found
//! though services may have any name. `cse.circuitBreaker.scope` stands above the sides. A section `handler` beside
//! `cse` is passed over: here the order of things is written in code.
//!
//! | namespace | key | constant |
//! | --- | --- | --- |
//! | `isolation` | `timeoutInMilliseconds` | 30000 |
//! | | `maxConcurrentRequests` | 1000 |
//! | `circuitBreaker` | `enabled` | false |
//! | | `forceOpen`, `forceClosed` | false |
//! | | `sleepWindowInMilliseconds` | 15000 |
//! | | `requestVolumeThreshold` | 20 |
//! | | `errorThresholdPercentage` | 50 |
//! | `fallback` | `enabled` | true |
//! | | `force` | false |
//! | | `maxConcurrentRequests` | none |
//! | `fallbackpolicy` | `policy`: `throwexception`, `returnnull`, or a name of your own | `throwexception` |
//!
//! As there, the circuit opens **at** the threshold, over a window of 10 s in 10 buckets; refused calls count as asked
//! for, not as failures; forced open wins over forced closed; and where it is not enabled it never opens, forced or not,
//! while its places stay limited. go-chassis' documents say that the policy is `returnnull` by default; its code throws,
//! and so do we, since an error that looks like an empty success is found late. Its ceiling of 5000 places is not kept.

mod chassis;
mod draft;
mod error;
mod native;
mod nearest;
mod section;
mod service;
mod time;
mod tree;
mod watch;

pub use error::ConfigError;
pub use service::{Fallback, FallbackPolicy, ServiceSettings};
pub use watch::{Reload, Watcher, watch};

use crate::registry::Plan;
use crate::scope::{Side, Target};
#[cfg(doc)]
use crate::settings::Settings;
use section::Section;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use tree::{Format, Node};

/// Longest file that is read.
const MOST_BYTES: u64 = 1 << 20;

/// What a file says, checked: every circuit can be made of it.
///
/// ```
/// use breaker::Registry;
/// use breaker::config::Config;
/// use std::time::Duration;
///
/// let config = Config::from_toml(r#"
///     [circuits.payment]
///     timeout = "2s"
/// "#)?;
/// let registry = Registry::builder().plans(move |name| config.plan(name)).build();
/// assert_eq!(registry.get("payment").settings().timeout, Some(Duration::from_secs(2)));
/// # Ok::<(), breaker::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// By [`Side`]: what is not said for a service.
    sides: [ServiceSettings; 2],
    /// By [`Side`] and name.
    services: [BTreeMap<String, ServiceSettings>; 2],
}

impl Config {
    /// Reads a file whose name ends in `.yaml`, `.yml` or `.toml`. It blocks for as long as reading takes.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no regular file, is longer than 1 MiB, has another ending, or says something that
    /// has no meaning here; see [`ConfigError`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        Self::parse(&read(path)?, Format::of(path)?)
    }

    /// Reads YAML.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn from_yaml(text: &str) -> Result<Self, ConfigError> {
        Self::parse(text, Format::Yaml)
    }

    /// Reads TOML.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        Self::parse(text, Format::Toml)
    }

    fn parse(text: &str, format: Format) -> Result<Self, ConfigError> {
        // An empty file is more likely one that is being written than one that means it.
        let root = match Node::parse(text, format)? {
            Node::Nothing => return Err(ConfigError::Empty),
            Node::Map(entries) if entries.is_empty() => return Err(ConfigError::Empty),
            root => root,
        };
        let root = Section::root(&root)?;
        root.only(&["cse", "handler", "defaults", "circuits"])?;
        match (root.has("cse"), root.has("defaults") || root.has("circuits")) {
            (true, true) => Err(ConfigError::TwoShapes),
            (true, false) => chassis::read(&root.section("cse")?),
            (false, true) => native::read(&root),
            (false, false) => Err(ConfigError::Empty),
        }
    }

    /// What the calls to a service go by, seen from one side. Our own shape says the same for both.
    #[must_use]
    pub fn for_service(&self, side: Side, service: &str) -> &ServiceSettings {
        self.services[side as usize].get(service).unwrap_or(&self.sides[side as usize])
    }

    /// What a circuit goes by, given its name: one made by a [`Scope`](crate::Scope), or else the name of a service that
    /// is called.
    #[must_use]
    pub fn for_circuit(&self, name: &str) -> &ServiceSettings {
        if let Some(exactly) = self.services[Side::Consumer as usize].get(name) {
            return exactly;
        }
        match Target::service_of(name) {
            Some((side, service)) => self.for_service(side, &service),
            None => self.for_service(Side::Consumer, name),
        }
    }

    /// [`for_circuit`](Self::for_circuit), as a [`Registry`](crate::Registry) wants it.
    #[must_use]
    pub fn plan(&self, circuit: &str) -> Plan {
        let found = self.for_circuit(circuit);
        Plan { settings: found.settings.clone(), mode: Some(found.mode) }
    }
}

/// The text of a file, if it can be one of ours.
fn read(path: &Path) -> Result<String, ConfigError> {
    let failed = |error| ConfigError::Read { path: path.to_owned(), error };
    // A pipe would be waited for, for ever.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(ConfigError::NotAFile { path: path.to_owned() });
    }
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut text)).map_err(failed)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    String::from_utf8(text).map_err(|_| ConfigError::NotText { path: path.to_owned() })
}
