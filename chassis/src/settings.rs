//! Everything that can be set, from the environment or by a flag of the same name.
//!
//! One struct per concern, so that a program takes those that it has a use for; the doc comment of a field is what
//! `--help` shows. A value that cannot be used ends the program at once, with exit code 2 and a sentence that names it
//! and says what would be right.

mod faults;
mod parse;

use breaker::{Threshold, Trip};
use clap::{Args, ValueEnum};
use parse::{chain_url, collector_url, log_filter, number, percent, time, token};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use crate::chaos::{Draws, FaultError, Phase, Preset, Time};
pub use faults::Faults;
pub use parse::{Secret, host, port, read};
pub use reqwest::Url;

/// All settings of one service.
#[derive(Debug, Clone, clap::Parser)]
pub struct Settings {
    /// Name of the service in answers and logs
    #[arg(long, env = "ID")]
    pub id: Option<String>,
    /// Where it listens.
    #[command(flatten)]
    pub listen: Listen,
    /// What comes after it.
    #[command(flatten)]
    pub next: Next,
    /// How far requests go and what is answered when one fails.
    #[command(flatten)]
    pub chain: Chain,
    /// Faults on purpose.
    #[command(flatten)]
    pub faults: Faults,
    /// Where documents are kept.
    #[command(flatten)]
    pub storage: Storage,
    /// The circuit on the hop to the next service.
    #[command(flatten)]
    pub circuit: Circuit,
    /// What is done beside the circuit for an order to arrive, and to arrive once.
    #[command(flatten)]
    pub resilience: Resilience,
    /// Who may change something.
    #[command(flatten)]
    pub admin: AdminSettings,
    /// Where traces go.
    #[command(flatten)]
    pub traces: Traces,
    /// What is logged.
    #[command(flatten)]
    pub log: Log,
}

/// Where a service listens.
#[derive(Debug, Clone, Args)]
pub struct Listen {
    /// Address to listen on; 0.0.0.0 for all interfaces
    #[arg(long, env = "HOST", default_value = "127.0.0.1", value_parser = host)]
    pub host: IpAddr,
    /// Port to listen on; 0 for any that is free
    #[arg(long, env = "PORT", default_value = "3000", value_parser = port())]
    pub port: u16,
}

/// What comes after a service.
#[derive(Debug, Clone, Args)]
pub struct Next {
    /// Where the nested part is posted to, like http://payment:3000/create; unset at the end of the chain
    #[arg(long, env = "CHAIN_SVC", value_parser = chain_url)]
    pub chain_svc: Option<Url>,
    /// Name of the next service in logs and in X-Degraded [default: host and port of CHAIN_SVC]
    #[arg(long, env = "CHAIN_NAME")]
    pub chain_name: Option<String>,
}

impl Next {
    /// The next service's name: the given one, or its host, with the port where the host alone says nothing.
    pub(crate) fn name(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        match (&self.chain_name, url.port()) {
            (Some(name), _) => name.clone(),
            (None, Some(port))
                if !host.starts_with(|c: char| c.is_ascii_alphabetic()) || host == "localhost" =>
            {
                format!("{host}:{port}")
            }
            (None, _) => host.to_owned(),
        }
    }
}

/// How far requests go and what is answered when a hop fails.
#[derive(Debug, Clone, Args)]
pub struct Chain {
    /// Number of the hop at which the chain stops, with the answer "Last"
    #[arg(long, env = "JUMPS", default_value = "6", value_parser = number(0, u32::MAX))]
    pub jumps: u32,
    /// 1: a failed hop is answered 502, 503 or 504, not 200 as in the original
    #[arg(long, env = "STRICT_STATUS", default_value = "0", default_missing_value = "1", num_args = 0..=1, value_parser = parse::switch)]
    pub strict_status: bool,
}

/// Where documents are kept.
#[derive(Debug, Clone, Args)]
pub struct Storage {
    /// MongoDB to keep documents in, like mongodb://mongo:27017; unset for an embedded SQLite file
    #[arg(long, env = "MONGO_URL", hide_env_values = true)]
    pub mongo_url: Option<Secret>,
    /// Folder of the embedded SQLite file
    #[arg(long, env = "DATA_DIR", default_value = "data")]
    pub data_dir: PathBuf,
}

/// The circuit on the hop to the next service.
#[derive(Debug, Clone, Args)]
pub struct Circuit {
    /// Milliseconds that the next service may take; 0 for no limit
    #[arg(long, env = "BREAKER_TIMEOUT_MS", default_value = "300", value_parser = number(0, u64::from(u32::MAX)))]
    pub breaker_timeout_ms: u64,
    /// Percentage of failures above which the circuit opens; at 100 hardly ever
    #[arg(long, env = "BREAKER_ERROR_THRESHOLD", default_value = "50", value_parser = percent)]
    pub breaker_error_threshold: f64,
    /// Milliseconds that an open circuit waits before it lets a probe through
    #[arg(long, env = "BREAKER_RESET_MS", default_value = "10000", value_parser = number(1, u64::from(u32::MAX)))]
    pub breaker_reset_ms: u64,
    /// Calls within 10 s below which the circuit does not open
    #[arg(long, env = "BREAKER_VOLUME", default_value = "0", value_parser = number(0, u64::from(u32::MAX)))]
    pub breaker_volume: u64,
    /// Calls that may be under way at once; unset for no limit
    #[arg(long, env = "BREAKER_CAPACITY", value_parser = number(1, u32::MAX))]
    pub breaker_capacity: Option<u32>,
}

impl Circuit {
    /// The same in the breaker's words.
    pub(crate) fn settings(&self) -> breaker::Settings {
        breaker::Settings {
            timeout: (self.breaker_timeout_ms > 0).then_some(Duration::from_millis(self.breaker_timeout_ms)),
            trip: Trip::Errors(Threshold::Above(self.breaker_error_threshold)),
            reset: Duration::from_millis(self.breaker_reset_ms),
            volume: self.breaker_volume,
            capacity: self.breaker_capacity,
            ..breaker::Settings::default()
        }
    }
}

/// What is done beside the circuit for an order to arrive, and to arrive once.
#[derive(Debug, Clone, Args)]
pub struct Resilience {
    /// What becomes of a hop that fails: delivered later, or nothing, as in the original
    #[arg(long, env = "FALLBACK", default_value = "queue")]
    pub fallback: Fallback,
    /// How often a hop that fails is tried again at once, within a budget
    #[arg(long, env = "RETRIES", default_value = "0", value_parser = number(0, 10_u32))]
    pub retries: u32,
    /// Calls to the next service that may be under way at once, as many more waiting 50 ms; unset for no limit
    #[arg(long, env = "BULKHEAD", value_parser = number(1, 1_000_000_u32))]
    pub bulkhead: Option<u32>,
    /// How long a request is known by its Idempotency-Key, like 90s, 30m, 24h or 7d
    #[arg(long, env = "IDEMPOTENCY_TTL", default_value = "7d", value_parser = time(Duration::from_secs(1), Duration::from_secs(366 * 86_400)))]
    pub idempotency_ttl: Duration,
}

/// What becomes of a hop that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fallback {
    /// It is delivered later.
    Queue,
    /// Nothing: the order stays where it is.
    None,
}

/// Who may change something while it runs.
#[derive(Debug, Clone, Args)]
pub struct AdminSettings {
    /// Token that changes need, sent as Authorization: Bearer …; unset for anyone whom ADMIN_PEERS includes
    #[arg(long, env = "ADMIN_TOKEN", hide_env_values = true, value_parser = token)]
    pub admin_token: Option<Secret>,
    /// Whose changes are taken where no token is set
    #[arg(long, env = "ADMIN_PEERS", default_value = "loopback")]
    pub admin_peers: AdminPeers,
}

/// Whose changes are taken where no token is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AdminPeers {
    /// Those on the same machine.
    Loopback,
    /// Those in private networks, too.
    Private,
}

/// Where traces go.
#[derive(Debug, Clone, Args)]
pub struct Traces {
    /// Collector that traces are sent to as OTLP over HTTP, like http://collector:4318; unset for none
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_parser = collector_url)]
    pub otel_exporter_otlp_endpoint: Option<Url>,
}

/// What is logged.
#[derive(Debug, Clone, Args)]
pub struct Log {
    /// Least level that is logged: error, warn, info, debug, trace, or one per crate, like chassis=debug
    #[arg(long, env = "RUST_LOG", default_value = "info", value_parser = log_filter)]
    pub rust_log: String,
    /// Form of the log
    #[arg(long, env = "LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// An object a line, for machines.
    Json,
}

#[cfg(test)]
mod tests;
