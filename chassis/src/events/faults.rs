//! Faults on purpose: told of a few, since there may be thousands; and each change of their rules.

use super::Events;
use crate::chaos::{Kind, Told};
use crate::wall::At;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Fault<'a> {
    rule: &'a str,
    kind: Kind,
    status: Option<u16>,
    trace: String,
}

impl Events {
    /// For [`Chaos::new`](crate::chaos::Chaos::new).
    pub(crate) fn chaos(&self, told: &Told<'_>) {
        match *told {
            Told::Changed(text) => self.changed("chaos", text),
            Told::Fault { rule, kind, status, trace, .. } => {
                if self.faults.take() {
                    let trace = trace.to_string();
                    self.tell("fault", At::now(), Fault { rule, kind, status, trace });
                }
            }
        }
    }
}
