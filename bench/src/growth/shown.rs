//! The report for people: as text, and as Markdown.

use super::plan::{Store, Subject};
use super::report::{Line, Report};
use crate::table::{Column, Shown, Table, figures, number};
use crate::turn::Figure;

const ORDERS: [Shown; 7] = [
    (Figure::OrdersPerSecond, "orders/s", true),
    (Figure::P50Ms, "p50", false),
    (Figure::P99Ms, "p99", false),
    (Figure::ServicesCpuMs, "CPU services", true),
    (Figure::MongodCpuMs, "mongod", true),
    (Figure::Errors, "errors", false),
    (Figure::Missing, "missing", false),
];
const WAITING: [Shown; 7] = [
    (Figure::OrdersPerSecond, "answers/s", true),
    (Figure::P50Ms, "p50", false),
    (Figure::P99Ms, "p99", false),
    (Figure::ServicesCpuMs, "CPU service", true),
    (Figure::MongodCpuMs, "mongod", true),
    (Figure::IdleServicesCpuMs, "idle, service", false),
    (Figure::IdleMongodCpuMs, "idle, mongod", false),
];
const DRAINING: [Shown; 3] = [
    (Figure::OrdersPerSecond, "delivered/s", false),
    (Figure::ServicesCpuMs, "CPU service", false),
    (Figure::MongodCpuMs, "mongod", false),
];
const CIRCUITS: [Shown; 1] = [(Figure::CallNs, "ns a call", true)];

/// Text for a terminal.
pub(crate) fn text(report: &Report) -> String {
    let sections = sections(report).into_iter().map(|(title, table)| format!("{title}\n{}", table.text()));
    format!("{}\n\n{}", head(report), sections.collect::<Vec<_>>().join("\n"))
}

/// Markdown.
pub(crate) fn markdown(report: &Report) -> String {
    let sections =
        sections(report).into_iter().map(|(title, table)| format!("{title}\n\n{}", table.markdown()));
    format!("{}\n\n{}", head(report), sections.collect::<Vec<_>>().join("\n"))
}

fn head(report: &Report) -> String {
    let noise = report.noise;
    let mut head = format!(
        "{}; {}. How it grows: {} rounds of {} s, {:.0} min in all; the calibration loop varied by {:.0} %, others had {:.0} % of the machine, {:.0} % of the turns were disturbed. CPU: milliseconds of processor time for 1,000 orders. Flat: at most 1.15 times that of the smallest size.",
        report.machine,
        report.versions.join(", "),
        report.rounds,
        report.measured_s,
        report.seconds / 60.0,
        noise.variation * 100.0,
        noise.others * 100.0,
        noise.disturbed * 100.0,
    );
    if noise.noisy {
        head += "\n\nTOO NOISY TO TRUST: most turns were disturbed; run it again while nothing else runs.";
    }
    head
}

fn sections(report: &Report) -> Vec<(&'static str, Table)> {
    let table = |is: fn(Subject) -> bool, shown: &[Shown]| {
        lines(report.lines.iter().filter(|line| is(line.subject)), shown)
    };
    let mut sections = vec![
        (
            "Connections; every order goes the whole way.",
            table(|subject| matches!(subject, Subject::Connections(_)), &ORDERS),
        ),
        (
            "Documents of each service before the turn; 64 connections, every order goes the whole way.",
            table(|subject| matches!(subject, Subject::Documents(_)), &ORDERS),
        ),
        (
            "Orders that wait in the fallback queue, while more are taken and queued; 64 connections, the first service \
             alone, its circuit forced open. Idle: milliseconds of processor time in a second in which nothing is sent.",
            table(|subject| matches!(subject, Subject::Waiting(_)), &WAITING),
        ),
        (
            "Delivering 10,000 orders that waited, where so many are left.",
            table(|subject| matches!(subject, Subject::Draining(_)), &DRAINING),
        ),
        (
            "Circuits in one registry, called in turn: to find one by its name and to make a call that does nothing, in the \
             measuring process. A service of the chain has one.",
            table(|subject| subject == Subject::Circuits, &CIRCUITS),
        ),
    ];
    sections.retain(|(_, table)| !table.is_empty());
    sections
}

fn lines<'a>(lines: impl Iterator<Item = &'a Line>, shown: &[Shown]) -> Table {
    let lines: Vec<&Line> = lines.collect();
    let Some(first) = lines.first() else { return Table::new(&[]) };
    let mut columns = vec![Column::left("store"), Column::right(first.subject.name())];
    columns.extend(shown.iter().map(|(_, title, _)| Column::right(title)));
    columns.push(Column::left("by the smallest"));
    let mut table = Table::new(&columns);
    for line in lines {
        let store = line.subject.store().map_or("–", Store::title);
        let mut cells = vec![store.to_owned(), number(f64::from(line.size))];
        cells.extend(figures(&line.figures, shown));
        cells.push(verdict(line));
        table.push(cells);
    }
    table
}

/// What becomes of the costs, like `× 0.8, mongod × 1.3: grows`.
fn verdict(line: &Line) -> String {
    let Some(flat) = line.flat else { return String::new() };
    let ratio = |(figure, ratio): (&Figure, &f64)| {
        let of = if *figure == Figure::MongodCpuMs { "mongod " } else { "" };
        format!("{of}× {ratio:.2}")
    };
    let ratios: Vec<String> = line.by_smallest.iter().map(ratio).collect();
    format!("{}: {}", ratios.join(", "), if flat { "flat" } else { "GROWS" })
}
