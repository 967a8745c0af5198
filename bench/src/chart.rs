//! The chart of the README: three measures, a bar a candidate, in light and in dark.

use crate::candidate::{Candidate, Keeping, Row, Trial};
use crate::report::Report;
use crate::turn::Figure;
use std::fmt::Write as _;

/// The candidates that are drawn, top to bottom.
const DRAWN: [(Candidate, Keeping); 4] = [
    (Candidate::Node, Keeping::Journaled),
    (Candidate::Bare, Keeping::Journaled),
    (Candidate::Stack, Keeping::Journaled),
    (Candidate::Embedded, Keeping::Sqlite),
];

/// The measures that are drawn, left to right: a figure at so many connections.
const PANELS: [(Figure, u32, &str, &str); 3] = [
    (Figure::OrdersPerSecond, 64, "orders a second", "64 connections, more is better"),
    (Figure::ServicesCpuMs, 64, "CPU ms per 1,000 orders", "64 connections, less is better"),
    (Figure::P99Ms, 16, "p99 in ms", "16 connections, less is better"),
];

const LEFT: f64 = 170.0;
const PANEL: f64 = 230.0;
const BAR: f64 = 150.0;
const LINE: f64 = 30.0;
const TOP: f64 = 62.0;

const STYLE: &str = "\
text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
.title { font-weight: 600 } .small { font-size: 11px; fill: #59636e }
.other { fill: #9aa4af } .ours { fill: #0072b2 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .small { fill: #9198a1 } .other { fill: #656c76 } .ours { fill: #56b4e9 }
}";

/// The chart as SVG; `None` where a candidate or a measure is missing.
pub(crate) fn svg(report: &Report) -> Option<String> {
    let mut drawn: Vec<(Candidate, Keeping)> = DRAWN.to_vec();
    drawn
        .retain(|&candidate| PANELS.iter().all(|panel| value(report, candidate, panel.0, panel.1).is_some()));
    if drawn.len() < 2 {
        return None;
    }
    let (width, height) = (LEFT + PANEL * PANELS.len() as f64, TOP + LINE * drawn.len() as f64 + 34.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title text\">\n<title id=\"title\">The chain measured</title>\n"
    );
    let told: Vec<String> = PANELS.iter().map(|panel| told(report, &drawn, panel)).collect();
    let _ = writeln!(svg, "<desc id=\"text\">{}</desc>\n<style>{STYLE}</style>", escaped(&told.join(" ")));
    for (at, &(candidate, _)) in drawn.iter().enumerate() {
        let y = TOP + LINE * at as f64 + 19.0;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{}</text>",
            LEFT - 12.0,
            escaped(candidate.title())
        );
    }
    for (at, &(figure, connections, title, small)) in PANELS.iter().enumerate() {
        let x = LEFT + PANEL * at as f64;
        let _ = writeln!(
            svg,
            "<text class=\"title\" x=\"{x}\" y=\"24\">{title}</text>\n<text class=\"small\" x=\"{x}\" y=\"42\">{small}</text>"
        );
        let values: Vec<f64> =
            drawn.iter().filter_map(|&candidate| value(report, candidate, figure, connections)).collect();
        let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        for (at, (&(candidate, _), &value)) in drawn.iter().zip(&values).enumerate() {
            let y = TOP + LINE * at as f64;
            let class = if candidate.is_ours() { "ours" } else { "other" };
            let long = (value / most * BAR).max(1.5);
            let _ = writeln!(
                svg,
                "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{long:.1}\" height=\"20\" rx=\"2\"/>\n<text x=\"{:.1}\" y=\"{}\">{}</text>",
                y + 4.0,
                x + long + 6.0,
                y + 19.0,
                crate::table::number(value)
            );
        }
    }
    let _ = writeln!(
        svg,
        "<text class=\"small\" x=\"12\" y=\"{}\">{}</text>\n</svg>",
        height - 12.0,
        escaped(&foot(report))
    );
    Some(svg)
}

/// A panel in words, for those who do not see it.
fn told(report: &Report, drawn: &[(Candidate, Keeping)], panel: &(Figure, u32, &str, &str)) -> String {
    let &(figure, connections, title, _) = panel;
    let values = drawn.iter().filter_map(|&candidate| {
        let value = value(report, candidate, figure, connections)?;
        Some(format!("{} {}", candidate.0.title(), crate::table::number(value)))
    });
    format!("{title} at {connections} connections: {}.", values.collect::<Vec<_>>().join(", "))
}

fn foot(report: &Report) -> String {
    let caveat = report.caveat.as_ref().map_or(String::new(), |caveat| format!("; {caveat}"));
    let noisy = if report.noise.noisy { "; too noisy to trust" } else { "" };
    format!(
        "{}, shared with mongod and the load; journaled writes; medians of {} rounds{caveat}{noisy}",
        report.machine, report.rounds
    )
}

fn value(
    report: &Report,
    (candidate, keeping): (Candidate, Keeping),
    figure: Figure,
    connections: u32,
) -> Option<f64> {
    let row = Row { trial: Trial::Whole, keeping, connections, candidate };
    let line = report.lines.iter().find(|line| line.row == row)?;
    Some(line.figures.get(&figure)?.median)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
