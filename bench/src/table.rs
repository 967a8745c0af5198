//! The report for people: as text, and as Markdown.

mod layout;

use crate::candidate::Trial;
use crate::goals::{Goal, Limit};
use crate::report::{Line, Report};
use crate::series::Value;
use crate::turn::Figure;
pub(crate) use layout::{Column, Table, number};
use std::collections::BTreeMap;

/// Text for a terminal.
pub(crate) fn text(report: &Report) -> String {
    sections(report)
        .into_iter()
        .map(|(title, table)| format!("{title}\n{}", table.text()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Markdown.
pub(crate) fn markdown(report: &Report) -> String {
    let sections =
        sections(report).into_iter().map(|(title, table)| format!("{title}\n\n{}", table.markdown()));
    sections.collect::<Vec<_>>().join("\n")
}

fn sections(report: &Report) -> Vec<(String, Table)> {
    let mut sections = vec![(head(report), goals(&report.goals))];
    let whole = |line: &&Line| line.row.trial == Trial::Whole;
    sections.push((
        "Every order goes the whole way. Milliseconds; CPU: milliseconds of processor time for 1,000 orders, of the three \
         services, of mongod, and of the load itself."
            .to_owned(),
        lines(report.lines.iter().filter(whole), &WHOLE),
    ));
    let alone = |line: &&Line| !line.row.trial.is_chain();
    sections.push((
        "The first service alone: what a refusal costs, and a next service that hangs (breaker at 300 ms; the bare chain \
         has none)."
            .to_owned(),
        lines(report.lines.iter().filter(alone), &ALONE),
    ));
    let hasty = |line: &&Line| line.row.trial == Trial::Hasty;
    sections.push((
        "The breaker at 300 ms. Reached: of the orders taken, those that got to shipment; turned away: refused before they were taken."
            .to_owned(),
        lines(report.lines.iter().filter(hasty), &HASTY),
    ));
    sections.push(("Memory, cold start, size.".to_owned(), others(report)));
    sections.retain(|(_, table)| !table.is_empty());
    sections
}

/// What was measured, on what, and whether it is to be trusted.
fn head(report: &Report) -> String {
    let noise = report.noise;
    let mut head = format!(
        "{}; {}. {} interleaved rounds of {} s a row after {} s of warm-up, {:.0} min in all; the calibration loop varied by {:.0} %, others had {:.0} % of the machine, {:.0} % of the turns were disturbed.",
        report.machine,
        report.versions.join(", "),
        report.rounds,
        report.measured_s,
        report.warm_up_s,
        report.seconds / 60.0,
        noise.variation * 100.0,
        noise.others * 100.0,
        noise.disturbed * 100.0,
    );
    if noise.noisy {
        head += "\n\nTOO NOISY TO TRUST: most turns were disturbed; run it again while nothing else runs.";
    }
    for note in report.caveat.iter().chain(&report.missing) {
        head += &format!("\n\n{note}.");
    }
    head
}

fn goals(goals: &[Goal]) -> Table {
    let mut table = Table::new(&[
        Column::left("goal"),
        Column::right("limit"),
        Column::right("measured"),
        Column::left("holds"),
    ]);
    for goal in goals {
        let (sign, limit) = match goal.limit {
            Limit::AtMost(limit) => ("≤", limit),
            Limit::AtLeast(limit) => ("≥", limit),
        };
        let spread =
            goal.spread.map_or(String::new(), |(low, high)| format!(" ({}–{})", number(low), number(high)));
        let measured = goal.measured.map_or("–".to_owned(), |measured| number(measured) + &spread);
        let holds = match goal.holds() {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "–",
        };
        table.push(vec![
            goal.what.to_owned(),
            format!("{sign} {}", number(limit)),
            measured,
            holds.to_owned(),
        ]);
    }
    table
}

/// A column of figures: its title, and whether the spread is shown.
pub(crate) type Shown = (Figure, &'static str, bool);

const WHOLE: [Shown; 9] = [
    (Figure::OrdersPerSecond, "orders/s", true),
    (Figure::P50Ms, "p50", false),
    (Figure::P99Ms, "p99", false),
    (Figure::P999Ms, "p99.9", false),
    (Figure::ServicesCpuMs, "CPU services", true),
    (Figure::MongodCpuMs, "mongod", true),
    (Figure::LoadCpuMs, "load", false),
    (Figure::Errors, "errors", false),
    (Figure::Missing, "missing", false),
];
const ALONE: [Shown; 6] = [
    (Figure::OrdersPerSecond, "answers/s", true),
    (Figure::P50Ms, "p50", false),
    (Figure::P99Ms, "p99", true),
    (Figure::P999Ms, "p99.9", false),
    (Figure::ServicesCpuMs, "CPU service", false),
    (Figure::Errors, "errors", false),
];
const HASTY: [Shown; 5] = [
    (Figure::ReachedPercent, "% reached", true),
    (Figure::TurnedAwayPercent, "% turned away", false),
    (Figure::OrdersPerSecond, "answers/s", true),
    (Figure::P99Ms, "p99", false),
    (Figure::Errors, "errors", false),
];

fn lines<'a>(lines: impl Iterator<Item = &'a Line>, shown: &[Shown]) -> Table {
    let mut columns = vec![Column::left("candidate"), Column::left("what"), Column::right("connections")];
    columns.extend(shown.iter().map(|(_, title, _)| Column::right(title)));
    let mut table = Table::new(&columns);
    for line in lines {
        let row = line.row;
        let what = match row.trial {
            Trial::Whole => row.keeping.title().to_owned(),
            trial => format!("{}, {}", trial.title(), row.keeping.title()),
        };
        let mut cells = vec![row.candidate.title().to_owned(), what, row.connections.to_string()];
        cells.extend(figures(&line.figures, shown));
        table.push(cells);
    }
    table
}

/// The cells of these columns.
pub(crate) fn figures(measured: &BTreeMap<Figure, Value>, shown: &[Shown]) -> impl Iterator<Item = String> {
    shown.iter().map(|(figure, _, spread)| cell(measured.get(figure), *spread))
}

/// A median, and the quartiles where they are asked for and there were several rounds.
pub(crate) fn cell(value: Option<&Value>, spread: bool) -> String {
    let Some(value) = value else { return "–".to_owned() };
    if spread && value.rounds > 1 {
        return format!("{} ({}–{})", number(value.median), number(value.low), number(value.high));
    }
    number(value.median)
}

fn others(report: &Report) -> Table {
    let mut table = Table::new(&[
        Column::left("candidate"),
        Column::left("kept in"),
        Column::right("peak MiB of order, payment, shipment"),
        Column::right("cold start ms, alone"),
        Column::right("all three"),
        Column::right("MiB on disk"),
    ]);
    for memory in &report.memory {
        let start = report
            .starts
            .iter()
            .find(|start| start.candidate == memory.candidate && start.keeping == memory.keeping);
        let size = report.sizes.iter().find(|size| size.candidate == memory.candidate);
        let peaks: Vec<String> = memory.services.iter().map(|mib| number(*mib)).collect();
        table.push(vec![
            memory.candidate.title().to_owned(),
            memory.keeping.title().to_owned(),
            peaks.join(", "),
            cell(start.and_then(|start| start.alone_ms.as_ref()), true),
            cell(start.and_then(|start| start.all_ms.as_ref()), true),
            size.map_or("–".to_owned(), |size| number(size.mib)),
        ]);
    }
    table
}
