//! Cells in rows: marked, aligned, and written out.

use super::columns::{Column, plain};
use crate::report::{Line, Registry};

/// A table of texts.
pub(super) struct Grid {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// How many columns, from the left, are words.
    words: usize,
}

impl Grid {
    /// A row a line.
    pub(super) fn of(title: &str, lines: &[&Line], columns: &[Column]) -> Self {
        let windows = lines.iter().any(|line| !line.window.is_empty());
        let mut head = vec![title.to_owned()];
        head.extend(windows.then(|| "window".to_owned()));
        head.extend(columns.iter().map(|column| column.title.to_owned()));
        let row = |line: &&Line| {
            let mut row = vec![line.name.clone()];
            row.extend(windows.then(|| line.window.clone()));
            row.extend(columns.iter().map(|column| (column.text)(line).unwrap_or_else(|| "–".to_owned())));
            row
        };
        Self { head, rows: lines.iter().map(row).collect(), words: 1 + usize::from(windows) }
    }

    /// Marks the best of each column, whoever it is, and the best of those that keep a window of time. Nothing where
    /// most are equally good.
    pub(super) fn mark_best(&mut self, lines: &[&Line], columns: &[Column]) {
        for (at, column) in columns.iter().enumerate() {
            let at = self.words + at;
            let best = best(lines, column, |_| true);
            let ties = lines.iter().filter(|line| best.is_some() && (column.figure)(line) == best).count();
            if ties * 2 > lines.len() {
                continue;
            }
            let sliding = best_sliding(lines, column, best);
            for (line, row) in lines.iter().zip(&mut self.rows) {
                let figure = (column.figure)(line);
                if figure.is_some() && figure == best {
                    row[at].push('*');
                } else if figure.is_some() && figure == sliding && line.slides {
                    row[at].push('+');
                }
            }
        }
    }

    /// Columns that stand under each other.
    pub(super) fn text(&self) -> String {
        let all = || std::iter::once(&self.head).chain(&self.rows);
        let widths: Vec<usize> = (0..self.head.len())
            .map(|at| all().map(|row| row[at].chars().count()).max().unwrap_or_default())
            .collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().enumerate().map(|(at, cell)| {
                let gap = " ".repeat(widths[at] - cell.chars().count());
                if at < self.words { format!("{cell}{gap}") } else { format!("{gap}{cell}") }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        all().map(line).collect::<Vec<_>>().join("\n")
    }

    /// As Markdown; what is marked with a star is bold.
    pub(super) fn markdown(&self) -> String {
        let line = |row: &Vec<String>| format!("| {} |", row.join(" | "));
        let rule = |at| if at < self.words { "---" } else { "---:" };
        let rule = (0..self.head.len()).map(rule).collect::<Vec<_>>().join(" | ");
        let bold = |cell: &String| match cell.strip_suffix('*') {
            Some(best) => format!("**{best}**\\*"),
            None => cell.replace('~', "\\~"),
        };
        let rows = self.rows.iter().map(|row| line(&row.iter().map(bold).collect()));
        let head = [line(&self.head), format!("| {rule} |")];
        head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
    }
}

fn best(lines: &[&Line], column: &Column, among: impl Fn(&Line) -> bool) -> Option<f64> {
    let figures = lines.iter().filter(|line| among(line)).filter_map(|line| (column.figure)(line));
    figures.reduce(|one, other| if column.more { one.max(other) } else { one.min(other) })
}

fn best_sliding(lines: &[&Line], column: &Column, best_of_all: Option<f64>) -> Option<f64> {
    best(lines, column, |line| line.slides).filter(|best| Some(*best) != best_of_all)
}

/// The table of the registries.
pub(super) fn registries(registries: &[Registry]) -> Grid {
    let cell = |value: Option<f64>| value.map_or("–".to_owned(), |value| plain(value.round()));
    let row = |registry: &Registry| {
        let circuits = plain(registry.circuits as f64);
        vec![registry.name.clone(), circuits, cell(registry.lookup), cell(registry.bytes)]
    };
    Grid {
        head: ["registry", "circuits", "ns a lookup", "bytes a circuit"].map(str::to_owned).to_vec(),
        rows: registries.iter().map(row).collect(),
        words: 1,
    }
}
