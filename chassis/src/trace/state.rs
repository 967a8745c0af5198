//! `tracestate`: what others keep in it is handed on, and our own word stands in front.
//!
//! Our word also says that the trace came through a service of ours, so that only the first of them picks whom to watch.

use super::TRACESTATE;
use axum::http::HeaderMap;

/// Our key.
const RETAIL: &str = "retail";
/// Most members that a list may have.
const MOST: usize = 32;
/// Most characters that are handed on.
const LENGTH: usize = 512;
/// Members longer than this are the first to go where there are too many characters.
const LONG: usize = 128;

/// What we keep there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ours {
    /// The request is one of the few that are shown hop by hop.
    Watch,
    /// It is not.
    Pass,
}

/// What others keep there, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Members(Vec<Box<str>>);

impl Members {
    /// Ours and the others'. Nothing where the list breaks a rule: then nobody can say what it means.
    pub(super) fn of(headers: &HeaderMap) -> (Option<Ours>, Self) {
        Self::read(headers).unwrap_or_default()
    }

    fn read(headers: &HeaderMap) -> Option<(Option<Ours>, Self)> {
        let (mut ours, mut others) = (None, Vec::new());
        let (mut count, mut keys) = (0, Vec::new());
        for value in headers.get_all(TRACESTATE) {
            for member in value.to_str().ok()?.split(',').map(|member| member.trim_matches([' ', '\t'])) {
                if member.is_empty() {
                    continue;
                }
                count += 1;
                let (key, value) = member.split_once('=')?;
                if count > MOST || !is_key(key) || !is_value(value) {
                    return None;
                }
                if keys.contains(&key) {
                    continue;
                }
                keys.push(key);
                match (key, value) {
                    (RETAIL, "watch") => ours = Some(Ours::Watch),
                    (RETAIL, _) => ours = Some(Ours::Pass),
                    _ => others.push(member.into()),
                }
            }
        }
        Some((ours, Self(others)))
    }

    /// The list as the next service is sent it. Where it would be too long, long members go, then the oldest.
    pub(super) fn behind(&self, ours: Ours) -> String {
        let ours = match ours {
            Ours::Watch => "retail=watch",
            Ours::Pass => "retail=pass",
        };
        let mut members: Vec<&str> = self.0.iter().map(|member| &**member).take(MOST - 1).collect();
        let length =
            |members: &[&str]| ours.len() + members.iter().map(|member| 1 + member.len()).sum::<usize>();
        while length(&members) > LENGTH {
            let last_long = members.iter().rposition(|member| member.len() > LONG);
            members.remove(last_long.unwrap_or(members.len() - 1));
        }
        members.insert(0, ours);
        members.join(",")
    }
}

/// A name, or a tenant's name at a system's.
fn is_key(key: &str) -> bool {
    let is_rest = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/');
    let is_name = |name: &str, most: usize, digit_first: bool| {
        let first = name
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() || (digit_first && first.is_ascii_digit()));
        first && name.len() <= most && name.bytes().all(is_rest)
    };
    match key.split_once('@') {
        Some((tenant, system)) => is_name(tenant, 241, true) && is_name(system, 14, false),
        None => is_name(key, 256, false),
    }
}

/// Printable, without what separates, and not ending in a space.
fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && !value.ends_with(' ')
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=')
}
