//! What is measured beside each other.

use serde::Serialize;

/// A way to build the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Candidate {
    /// This stack, each service a process, on MongoDB.
    Stack,
    /// The same processes with their circuits disabled.
    NoBreaker,
    /// axum, reqwest and mongodb, nothing of ours.
    Bare,
    /// The original's design on Node.
    Node,
    /// This stack, each service a process, on SQLite.
    Embedded,
}

impl Candidate {
    /// As tables show it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Stack => "this stack",
            Self::NoBreaker => "this stack, breaker disabled",
            Self::Bare => "bare chain",
            Self::Node => "the original (Node)",
            Self::Embedded => "this stack, embedded",
        }
    }

    /// The candidate whose processes it uses.
    pub(crate) fn processes(self) -> Self {
        if self == Self::NoBreaker { Self::Stack } else { self }
    }

    /// Whether it runs our programs.
    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Stack | Self::NoBreaker | Self::Embedded)
    }
}

/// When a document counts as saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Keeping {
    /// In MongoDB's journal on disk.
    Journaled,
    /// In MongoDB's memory.
    Unjournaled,
    /// In the SQLite file on disk.
    Sqlite,
}

impl Keeping {
    /// As tables show it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Journaled => "journaled",
            Self::Unjournaled => "not journaled",
            Self::Sqlite => "SQLite",
        }
    }
}

/// What is done to a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trial {
    /// Every order goes the whole way, whatever time it takes.
    Whole,
    /// The whole way, with circuits that give up after 300 ms.
    Hasty,
    /// The first service alone: an order is saved, and that is all.
    Saved,
    /// The first service alone, with an open circuit: saved, and refused.
    Refused,
    /// The first service alone; the next one has answered so far, and now hangs.
    Hanging,
    /// The whole way, with so many documents in each collection.
    Filled(u32),
    /// The first service alone, its circuit forced open, and what it takes is queued.
    Queued,
}

impl Trial {
    /// As tables show it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Whole => "the whole way",
            Self::Hasty => "breaker at 300 ms",
            Self::Saved => "saved, and nothing else",
            Self::Refused => "refused by an open circuit",
            Self::Hanging => "payment hangs",
            Self::Filled(_) => "with documents in the database",
            Self::Queued => "queued",
        }
    }

    /// Whether all three services run.
    pub(crate) fn is_chain(self) -> bool {
        matches!(self, Self::Whole | Self::Hasty | Self::Filled(_))
    }

    /// Whether its database was filled for it.
    pub(crate) fn is_filled(self) -> bool {
        matches!(self, Self::Filled(_) | Self::Queued)
    }

    /// Whether it leaves orders that are to be handed on.
    pub(crate) fn leaves_a_queue(self) -> bool {
        matches!(self, Self::Hasty | Self::Refused | Self::Hanging)
    }

    /// Whether every order is to go the whole way.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Whole | Self::Filled(_))
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Row {
    pub(crate) trial: Trial,
    pub(crate) keeping: Keeping,
    pub(crate) connections: u32,
    pub(crate) candidate: Candidate,
}

impl Row {
    /// What its processes are set to; rows that share it share processes.
    pub(crate) fn setup(self) -> Setup {
        Setup { candidate: self.candidate.processes(), keeping: self.keeping, trial: self.trial }
    }

    /// Its whole name, by which it can be asked for.
    pub(crate) fn name(self) -> String {
        let Self { trial, keeping, connections, candidate } = self;
        format!("{}, {}, {connections} connections, {}", trial.title(), keeping.title(), candidate.title())
    }
}

/// Processes that run together, and what they are set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Setup {
    pub(crate) candidate: Candidate,
    pub(crate) keeping: Keeping,
    pub(crate) trial: Trial,
}

impl Setup {
    /// Its database and the folder of its data.
    pub(crate) fn place(self) -> String {
        let place = format!("{:?}_{:?}_{:?}", self.candidate, self.keeping, self.trial).to_lowercase();
        place.replace(|character: char| !character.is_ascii_alphanumeric() && character != '_', "")
    }
}
