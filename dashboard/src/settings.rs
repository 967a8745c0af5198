//! What can be set: where it listens, and which services it shows.

use chassis::settings::{self, AdminSettings, Listen, Log, Url};
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
    #[arg(long, env = "SERVICES", default_value = SERVICES)]
    pub services: Peers,
    /// Who may change something here, and the token that is sent to the services.
    #[command(flatten)]
    pub admin: AdminSettings,
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

/// The services that are shown, in the order of the chain: at least one, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peers(Vec<Peer>);

impl Peers {
    /// Puts a chain together.
    ///
    /// # Errors
    ///
    /// Where there is none, or two bear the same name.
    pub fn new(peers: Vec<Peer>) -> Result<Self, String> {
        let mut names: Vec<_> = peers.iter().map(|peer| &*peer.name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("{} is there twice: expected each service once", twice[0]));
        }
        if peers.is_empty() { Err(expected()) } else { Ok(Self(peers)) }
    }

    /// The first service, which orders are sent to.
    pub(crate) fn first(&self) -> &Peer {
        &self.0[0]
    }

    pub(crate) fn as_slice(&self) -> &[Peer] {
        &self.0
    }
}

impl FromStr for Peers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::new(text.split(',').map(str::parse).collect::<Result<_, _>>()?)
    }
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, url) = text.split_once('=').ok_or_else(expected)?;
        let (name, url) = (name.trim(), Url::parse(url.trim()).map_err(|_| expected())?);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_plain = url.scheme() == "http"
            && url.has_host()
            && (url.path(), url.query(), url.fragment()) == ("/", None, None)
            && (url.username(), url.password()) == ("", None);
        match is_plain && !name.is_empty() && name.bytes().all(is_name) {
            true => Ok(Self { name: name.to_owned(), url }),
            false => Err(expected()),
        }
    }
}

fn expected() -> String {
    "expected name=URL, like order=http://order:3000, with commas between them".to_owned()
}

#[cfg(test)]
mod tests;
