//! Tables of text, as columns for a terminal and as Markdown.

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    right: bool,
}

impl Column {
    pub(crate) fn left(title: &'static str) -> Self {
        Self { title, right: false }
    }

    pub(crate) fn right(title: &'static str) -> Self {
        Self { title, right: true }
    }
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn text(&self) -> String {
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.to_owned()).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| self.rows.iter().chain([&titles]).map(|row| row[at].chars().count()).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for row in [&titles].into_iter().chain(&self.rows) {
            let cells = row.iter().zip(&self.columns).zip(&widths).map(|((cell, column), &width)| {
                if column.right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            text += cells.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        text
    }

    pub(crate) fn markdown(&self) -> String {
        let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(self.columns.iter().map(|column| column.title).collect());
        text += &line(self.columns.iter().map(|column| if column.right { "---:" } else { "---" }).collect());
        for row in &self.rows {
            text += &line(row.iter().map(String::as_str).collect());
        }
        text
    }
}

/// Three digits or all of them, with commas.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (size - size.round()).abs() < 1e-9 && size < 1000.0 {
        return format!("{value:.0}");
    }
    if size < 1000.0 {
        let digits = if size < 1.0 {
            3
        } else if size < 10.0 {
            2
        } else if size < 100.0 {
            1
        } else {
            0
        };
        return format!("{value:.digits$}");
    }
    let digits = format!("{:.0}", size);
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
