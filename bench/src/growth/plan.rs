//! Which parts are measured, and for how long.

use crate::candidate::{Candidate, Keeping, Row, Trial};
use crate::options::Options;
use crate::turn::Spans;
use serde::Serialize;

/// Where documents are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Store {
    Mongo,
    Sqlite,
}

/// What is measured in one go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Connections(Store),
    Circuits,
    Documents(Store),
    Backlog(Store),
}

/// What grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "grows", content = "store")]
pub(super) enum Subject {
    Connections(Store),
    Circuits,
    Documents(Store),
    /// Orders that wait, while more come.
    Waiting(Store),
    /// Orders that are left, while they are delivered.
    Draining(Store),
}

/// What is done.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) parts: Vec<Part>,
    pub(super) rounds: u32,
    pub(super) warm_up_s: f64,
    pub(super) spans: Spans,
}

impl Plan {
    pub(super) fn of(options: &Options) -> Result<Self, String> {
        use Store::{Mongo, Sqlite};
        let all = [
            Part::Circuits,
            Part::Connections(Mongo),
            Part::Connections(Sqlite),
            Part::Documents(Mongo),
            Part::Documents(Sqlite),
            Part::Backlog(Mongo),
            Part::Backlog(Sqlite),
        ];
        let names: Vec<String> = options.names.iter().map(|name| name.to_lowercase()).collect();
        let asked = |part: &Part| names.is_empty() || names.iter().any(|name| part.name().contains(name));
        let plan = Self {
            parts: all.into_iter().filter(asked).collect(),
            rounds: options.rounds.unwrap_or(3),
            warm_up_s: options.warm_up.map_or(5.0, f64::from),
            spans: Spans { before_s: 0.5, measured_s: 3.0 },
        };
        if plan.parts.is_empty() {
            let parts: Vec<String> = all.iter().map(Part::name).collect();
            return Err(format!(
                "no part is named like {:?}; there are: {}",
                options.names,
                parts.join("; ")
            ));
        }
        Ok(plan)
    }

    /// How long it may take: what is set, and what filling and draining took where it was tried.
    pub(super) fn seconds(&self) -> f64 {
        let turn = self.spans.before_s + self.spans.measured_s + 0.5;
        let rounds = f64::from(self.rounds);
        let of = |part: &Part| match part {
            Part::Circuits => 3.0,
            Part::Connections(_) => self.warm_up_s + rounds * turn * 5.0,
            Part::Documents(_) => 2.0 * self.warm_up_s + rounds * (turn + 1.0) * 2.0 + 45.0,
            Part::Backlog(_) => self.warm_up_s + rounds * (turn + 1.0) * 2.0 + 70.0,
        };
        self.parts.iter().map(of).sum()
    }
}

impl Part {
    /// By which it can be asked for.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Connections(store) => format!("connections, {}", store.title().to_lowercase()),
            Self::Circuits => "circuits".to_owned(),
            Self::Documents(store) => format!("documents, {}", store.title().to_lowercase()),
            Self::Backlog(store) => format!("backlog, {}", store.title().to_lowercase()),
        }
    }
}

impl Subject {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connections(_) => "connections",
            Self::Circuits => "circuits",
            Self::Documents(_) => "documents",
            Self::Waiting(_) => "waiting",
            Self::Draining(_) => "left",
        }
    }

    pub(super) fn store(self) -> Option<Store> {
        match self {
            Self::Circuits => None,
            Self::Connections(store)
            | Self::Documents(store)
            | Self::Waiting(store)
            | Self::Draining(store) => Some(store),
        }
    }
}

impl Store {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Mongo => "MongoDB",
            Self::Sqlite => "SQLite",
        }
    }

    /// The row of this stack on that store.
    pub(super) fn row(self, trial: Trial, connections: u32) -> Row {
        let (candidate, keeping) = match self {
            Self::Mongo => (Candidate::Stack, Keeping::Journaled),
            Self::Sqlite => (Candidate::Embedded, Keeping::Sqlite),
        };
        Row { trial, keeping, connections, candidate }
    }
}
