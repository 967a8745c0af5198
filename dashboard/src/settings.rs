//! What can be set: where it listens, and which services it shows.

use chassis::settings::{self, Listen, Log, Url};
use std::str::FromStr;

/// The services of `cargo run`.
const SERVICES: &str =
    "order=http://127.0.0.1:3000,payment=http://127.0.0.1:3001,shipment=http://127.0.0.1:3002";

/// All settings of the dashboard.
#[derive(Debug, Clone, clap::Parser)]
pub struct Settings {
    /// Where it listens.
    #[command(flatten)]
    pub listen: Listen,
    /// The services in the order of the chain, each as its name and its address
    #[arg(long, env = "SERVICES", default_value = SERVICES, value_delimiter = ',')]
    pub services: Vec<Peer>,
    /// What is logged.
    #[command(flatten)]
    pub log: Log,
}

impl Settings {
    /// Reads them from flags and environment; does not return where one cannot be used.
    pub(crate) fn read() -> Self {
        let about = "The live page of the retail stack, and the server behind it";
        settings::read("dashboard", about, |command| command.mut_arg("port", |arg| arg.default_value("9002")))
    }
}

/// A service that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// What it calls itself.
    pub name: String,
    /// Where it listens, without a path.
    pub url: Url,
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected name=URL, like order=http://order:3000".to_owned();
        let (name, url) = text.split_once('=').ok_or_else(wrong)?;
        let url = Url::parse(url.trim()).map_err(|_| wrong())?;
        let is_plain = url.scheme() == "http" && url.has_host() && url.path() == "/" && url.query().is_none();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let name = name.trim();
        match is_plain && !name.is_empty() && name.bytes().all(is_name) {
            true => Ok(Self { name: name.to_owned(), url }),
            false => Err(wrong()),
        }
    }
}
