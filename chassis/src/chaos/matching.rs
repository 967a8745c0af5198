//! Whether a rule is about a request.

use super::rule::Match;
use axum::http::{HeaderMap, Method};

/// What rules see of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

impl Match {
    pub(crate) fn includes(&self, asked: &Asked<'_>) -> bool {
        let method = self.method.as_deref().is_none_or(|method| asked.method == method);
        let path = self.path.as_deref().is_none_or(|path| match path.strip_suffix('*') {
            Some(start) => asked.path.starts_with(start),
            None => asked.path == path,
        });
        let has = |(name, value): (&String, &String)| {
            let mut values = asked.headers.get_all(name).iter();
            values.any(|sent| value == "*" || sent.as_bytes() == value.as_bytes())
        };
        method && path && self.headers.iter().all(has)
    }
}
