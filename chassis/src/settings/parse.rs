//! Reads settings: the words of one value, and the whole of a program's environment and flags.
//!
//! A variable that is set to nothing counts as unset: that is what `NAME=${NAME:-}` in a compose file makes of it.

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches};
use reqwest::Url;
use std::fmt::{self, Display};
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Reads the settings of a program from its flags and its environment.
///
/// Does not return where a value cannot be used, or where help was asked for. `tune` may change the command, for
/// instance a default. What a setting of `hide_env_values` is set to is not shown in errors either.
pub fn read<T: CommandFactory + FromArgMatches>(
    name: &'static str,
    about: &'static str,
    tune: impl FnOnce(clap::Command) -> clap::Command,
) -> T {
    let command = T::command();
    let secrets = command.get_arguments().filter(|arg| arg.is_hide_env_values_set());
    let secrets: Vec<_> = secrets.filter_map(|arg| Some(format!("--{}", arg.get_long()?))).collect();
    let command = tune(command)
        .name(name)
        .about(about)
        .version(env!("CARGO_PKG_VERSION"))
        .mut_args(|arg| if is_empty_in_environment(&arg) { arg.env(None) } else { arg })
        // An environment may hold secrets; help is pasted into tickets.
        .mut_args(|arg| arg.hide_env_values(true));
    let matches = command.try_get_matches().unwrap_or_else(|error| hushed(error, &secrets).exit());
    T::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// An error without the value that it finds fault with, where that is a secret or may hold one: errors go to the log.
fn hushed(mut error: clap::Error, secrets: &[String]) -> clap::Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let flag = text(ContextKind::InvalidArg).split(' ').next().unwrap_or_default();
    // In a URL, a password stands before an @.
    if secrets.iter().any(|secret| secret == flag) || text(ContextKind::InvalidValue).contains('@') {
        error.insert(ContextKind::InvalidValue, ContextValue::String("(not shown)".to_owned()));
    }
    error
}

fn is_empty_in_environment(arg: &clap::Arg) -> bool {
    arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty())
}

/// A text that is not shown: not in a log, an error or a debugger.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

pub(super) fn number<T>(
    least: T,
    most: T,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Copy + Send + Sync + 'static,
{
    move |text| match text.parse::<T>() {
        Ok(number) if least <= number && number <= most => Ok(number),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}

/// Reads a time with its unit.
pub(super) fn time(
    least: Duration,
    most: Duration,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| {
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let unit = match unit {
            "ms" => Some(Duration::from_millis(1)),
            "s" => Some(Duration::from_secs(1)),
            "m" => Some(Duration::from_secs(60)),
            "h" => Some(Duration::from_secs(3_600)),
            "d" => Some(Duration::from_secs(86_400)),
            _ => None,
        };
        let time = number.parse().ok().and_then(|number: u32| unit?.checked_mul(number));
        time.filter(|time| (least..=most).contains(time)).ok_or_else(|| {
            format!("expected a time with its unit, like 90s, 30m, 24h or 7d, from {least:?} on")
        })
    }
}

pub(super) fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("expected a percentage from 0 to 100".to_owned()),
    }
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err("expected 1 (on) or 0 (off)".to_owned()),
    }
}

/// Reads a port.
pub fn port() -> impl Fn(&str) -> Result<u16, String> + Clone + Send + Sync + 'static {
    number(0, u16::MAX)
}

/// Reads an address to listen on.
///
/// # Errors
///
/// Where it is neither an IP address nor `localhost`.
pub fn host(text: &str) -> Result<IpAddr, String> {
    match text {
        "localhost" => Ok(IpAddr::from([127, 0, 0, 1])),
        _ => text.parse().map_err(|_| "expected an IP address, like 127.0.0.1 or 0.0.0.0".to_owned()),
    }
}

pub(super) fn token(text: &str) -> Result<Secret, String> {
    // What a header can carry, and what no one has to quote.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned().into());
    }
    Err("expected a text of visible ASCII characters, without spaces".to_owned())
}

pub(super) fn chain_url(text: &str) -> Result<Url, String> {
    http_url(text, "http://payment:3000/create")
}

pub(super) fn collector_url(text: &str) -> Result<Url, String> {
    http_url(text, "http://collector:4318")
}

/// Without TLS, which is for what stands between machines to add; and without a password, for addresses are logged.
fn http_url(text: &str, like: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "http" && url.has_host() => {
            match (url.username(), url.password()) == ("", None) {
                true => Ok(url),
                false => Err(format!("expected a URL without user and password, like {like}")),
            }
        }
        _ => Err(format!("expected a URL, like {like}")),
    }
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    // The filter takes a bare word for the name of a crate; ours, mistyped, would silence everything.
    let is_level = |part: &str| part.contains(['=', '[']) || part.parse::<LevelFilter>().is_ok();
    match EnvFilter::builder().parse(text) {
        Ok(_) if text.split(',').map(str::trim).all(is_level) => Ok(text.to_owned()),
        _ => Err("expected a level, like info, or one per crate, like info,chassis=debug".to_owned()),
    }
}
