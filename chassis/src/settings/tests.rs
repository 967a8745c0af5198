//! Every setting that there is, given any text: nothing panics; what is taken can be used, what is refused is named.

use super::Settings;
use super::parse::{Secret, chain_url, host, log_filter, number, percent, switch, token};
use clap::{CommandFactory as _, FromArgMatches as _};
use proptest::prelude::*;
use std::net::IpAddr;

/// Texts of all kinds, and such as are nearly right.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-+0-9.eE%_ ]{0,24}",
        "[0-9]{1,3}(ms|s|us)?(:[0-9.]{1,5})?(,[0-9]{1,3}(ms|s|us)?:[0-9.]{1,5}){0,3}",
        "(http|https|)(://|:)[a-z0-9.:@/?#\\[\\]]{0,24}",
        "(info|debug|chassis|=|,|\\[|\\]|\\{| ){0,8}",
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<IpAddr>().prop_map(|address| address.to_string()),
        prop::sample::select(vec![
            "0",
            "1",
            "true",
            "NaN",
            "inf",
            "text",
            "json",
            "before",
            "outage",
            "localhost"
        ])
        .prop_map(str::to_owned),
    ]
}

/// The settings of a service from these flags, without this process's environment.
fn from(flags: &[String]) -> Result<Settings, clap::Error> {
    let command = Settings::command().name("parcel").mut_args(|arg| arg.env(None));
    let matches = command.try_get_matches_from(["parcel".to_owned()].iter().chain(flags))?;
    Settings::from_arg_matches(&matches)
}

proptest! {
    #[test]
    fn any_setting_is_usable_or_named(text in texts()) {
        let command = Settings::command();
        let mut seen = 0;
        for flag in command.get_arguments().filter_map(|arg| arg.get_long()) {
            seen += 1;
            match from(&[format!("--{flag}={text}")]) {
                Ok(settings) => {
                    prop_assert_eq!(settings.circuit.settings().check(), Ok(()), "--{}={:?}", flag, text);
                    prop_assert!((0.0..=100.0).contains(&settings.circuit.breaker_error_threshold));
                    if let Err(error) = settings.faults.environment() {
                        prop_assert!(flag.starts_with("chaos"), "--{}={:?}: {}", flag, text, error);
                    }
                }
                Err(error) => {
                    let told = error.to_string();
                    prop_assert!(told.contains(&format!("--{flag}")), "--{}={:?}: {}", flag, text, told);
                }
            }
        }
        prop_assert!(seen > 20, "only {} settings", seen);
    }

    #[test]
    fn values_are_in_range_or_told_what_would_be_right(text in texts()) {
        let expected = |told: String| {
            prop_assert!(told.starts_with("expected "), "{}", told);
            Ok(())
        };
        match number(3, 300_u16)(&text) {
            Ok(number) => prop_assert!((3..=300).contains(&number) && text.parse() == Ok(number)),
            Err(told) => expected(told)?,
        }
        match percent(&text) {
            Ok(percent) => prop_assert!((0.0..=100.0).contains(&percent)),
            Err(told) => expected(told)?,
        }
        match host(&text) {
            Ok(address) => prop_assert!(text == "localhost" || text.parse() == Ok(address)),
            Err(told) => expected(told)?,
        }
        match chain_url(&text) {
            Ok(url) => {
                prop_assert!(url.scheme() == "http" && url.has_host());
                prop_assert!(url.username().is_empty() && url.password().is_none());
                prop_assert_eq!(chain_url(url.as_str()), Ok(url));
            }
            Err(told) => expected(told)?,
        }
        match token(&text) {
            Ok(token) => {
                prop_assert_eq!(token.reveal(), &text);
                let header = axum::http::HeaderValue::from_str(&text);
                prop_assert!(header.is_ok());
            }
            Err(told) => expected(told)?,
        }
        match log_filter(&text) {
            Ok(same) => prop_assert_eq!(same, text.clone()),
            Err(told) => expected(told)?,
        }
        match switch(&text) {
            Ok(_) => prop_assert!(["0", "1", "true", "false"].contains(&&*text)),
            Err(told) => expected(told)?,
        }
    }

    #[test]
    fn what_is_right_is_read_as_it_is_written(port: u16, share in 0.0..=100.0_f64, address: IpAddr) {
        prop_assert_eq!(super::port()(&port.to_string()), Ok(port));
        prop_assert_eq!(percent(&share.to_string()), Ok(share));
        prop_assert_eq!(host(&address.to_string()), Ok(address));
    }

    #[test]
    fn a_secret_is_not_shown(text in "[A-Za-z0-9]{10,40}") {
        let shown = format!("{:?}", Secret::from(text.clone()));
        prop_assert!(!shown.contains(&text), "{}", shown);
    }
}
