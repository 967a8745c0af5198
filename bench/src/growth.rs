//! How the cost of an order grows: with connections, circuits, documents, and orders that wait to be handed on.
//!
//! Each part measures the same at several sizes. What matters is the ratio to the smallest.

mod backlog;
mod circuits;
mod connections;
mod documents;
mod plan;
mod report;
mod shown;

pub(crate) use report::Report;
pub(crate) use shown::{markdown, text};

use crate::options::Options;
use crate::progress::Progress;
use crate::turn::{Bench, Turn};
use plan::{Part, Plan, Subject};
use std::time::Instant;

/// What a part works with.
struct Work<'a> {
    bench: &'a Bench,
    plan: &'a Plan,
    progress: Progress,
}

/// One size of what grows, and a turn a round.
struct Step {
    subject: Subject,
    size: u32,
    turns: Vec<Turn>,
}

/// Measures all parts that are asked for.
pub(crate) fn measure(options: &Options) -> Result<Report, String> {
    let begin = Instant::now();
    let plan = Plan::of(options)?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(&options.work);
    let folder = folder.map_err(|error| format!("{}: {error}", options.work.display()))?;
    let bench = Bench::start(options, folder.path())?;
    let mut work = Work { bench: &bench, plan: &plan, progress: Progress::new() };
    work.progress.say(&format!("{} parts, some {:.0} min", plan.parts.len(), plan.seconds() / 60.0));
    let mut steps = Vec::new();
    for part in &plan.parts {
        let measured = match *part {
            Part::Connections(store) => connections::measure(&mut work, store)?,
            Part::Circuits => circuits::measure(&mut work)?,
            Part::Documents(store) => documents::measure(&mut work, store)?,
            Part::Backlog(store) => backlog::measure(&mut work, store)?,
        };
        steps.extend(measured);
    }
    work.progress.clear();
    Ok(Report::of(options, &plan, steps, begin.elapsed()))
}

impl Step {
    fn new(subject: Subject, size: u32) -> Self {
        Self { subject, size, turns: Vec::new() }
    }
}

impl Work<'_> {
    /// Notes a turn, and tells of it.
    fn done(&mut self, step: &mut Step, turn: Turn) {
        self.progress.show(&format!("{}: {}, {}", turn.told(), step.subject.name(), step.size));
        step.turns.push(turn);
    }
}
