//! The tables, as text and as Markdown, with the best of each column marked.

mod columns;
mod layout;

use crate::peer::Kind;
use crate::report::{Line, Report};
use columns::Column;
use layout::Grid;

/// For a terminal.
pub(crate) fn text(report: &Report) -> String {
    whole(report, Grid::text)
}

/// For a document.
pub(crate) fn markdown(report: &Report) -> String {
    whole(report, Grid::markdown)
}

fn whole(report: &Report, render: fn(&Grid) -> String) -> String {
    let noise = &report.noise;
    let mut parts = vec![format!(
        "{}. {} interleaved rounds in {:.0} s; the calibration loop varied by {:.0} %, {:.0} % of the turns left out.",
        report.machine,
        noise.rounds,
        report.seconds,
        noise.variation * 100.0,
        noise.disturbed * 100.0,
    )];
    if let Some(others) = noise.others {
        parts.push(format!("Other programs had {:.0} % of the machine.", others * 100.0));
    }
    if !noise.pinned {
        parts.push("NOT TO BE TRUSTED: the threads could not be bound to their cores.".to_owned());
    }
    if noise.noisy {
        parts.push("TOO NOISY TO TRUST: the machine did other work meanwhile. Run it again.".to_owned());
    }
    parts.extend(report.missing.iter().map(|why| format!("Left out: {why}")));

    parts.push(bare(report));
    let breakers: Vec<&Line> =
        report.lines.iter().filter(|line| matches!(line.kind, Kind::Ours | Kind::Peer)).collect();
    if !breakers.is_empty() {
        parts.push("One thread: nanoseconds above the bare call.".to_owned());
        parts.push(render(&grid(&breakers, &columns::one_thread())));
        parts.push("Two threads on one breaker: throughput by that of one thread. Memory: bytes.".to_owned());
        parts.push(render(&grid(&breakers, &columns::two_threads_and_memory())));
        if breakers.iter().any(|line| line.instructions.good.is_some()) {
            parts.push("Instructions above the bare call (of a clock read only the stub counts).".to_owned());
            parts.push(render(&grid(&breakers, &columns::instructions())));
        }
        parts.push(LEGEND.to_owned());
    }
    let limits: Vec<&Line> = report.lines.iter().filter(|line| line.kind == Kind::Limit).collect();
    if !limits.is_empty() {
        parts.push("What the machine allows: nanoseconds above the bare call.".to_owned());
        parts.push(render(&Grid::of("limit", &limits, &columns::limits())));
    }
    if !report.registries.is_empty() {
        parts.push("Many circuits by name.".to_owned());
        parts.push(render(&layout::registries(&report.registries)));
    }
    parts.join("\n\n")
}

const LEGEND: &str = "* the best of the column; + the best of those with a window of time that slides, where that is \
another. ~ the quartiles lie more than 15 % and 2 ns apart. – not measured: a window of which the filling \
takes over a second (or of a million calls with --quick), a closure, which cannot be pending, or threads that never ran \
side by side undisturbed.";

fn grid(lines: &[&Line], columns: &[Column]) -> Grid {
    let mut grid = Grid::of("library", lines, columns);
    grid.mark_best(lines, columns);
    grid
}

/// The calls that are taken off.
fn bare(report: &Report) -> String {
    let mut words = Vec::new();
    for line in report.lines.iter().filter(|line| line.kind == Kind::Bare) {
        let nanoseconds = line.nanoseconds.good.map_or(f64::NAN, |value| value.median);
        let ratio = line.two_threads.good.map(|value| format!(", two threads {:.2}", value.median));
        let count = line.instructions.good.map(|count| format!(", {:.0} instructions", count.instructions));
        words.push(format!(
            "{} {nanoseconds:.1} ns{}{}",
            line.name,
            count.unwrap_or_default(),
            ratio.unwrap_or_default()
        ));
    }
    format!("Taken off: {}.", words.join("; "))
}
