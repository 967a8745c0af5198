//! What stands in which column, and whether more or less of it is better.

use crate::program::shown;
use crate::report::{Count, Line, Value};

/// A column of figures.
pub(super) struct Column {
    pub(super) title: &'static str,
    /// The figure as it is compared; `None` where there is none.
    pub(super) figure: fn(&Line) -> Option<f64>,
    /// The figure as it is shown.
    pub(super) text: fn(&Line) -> Option<String>,
    /// Whether more is better.
    pub(super) more: bool,
}

/// A column of nanoseconds, from a path to them.
macro_rules! nanoseconds {
    ($title:expr, |$line:ident| $value:expr) => {
        Column {
            title: $title,
            figure: |$line| $value.map(shown),
            text: |$line| $value.map(time),
            more: false,
        }
    };
}

/// A column of ratios.
macro_rules! ratio {
    ($title:expr, |$line:ident| $value:expr) => {
        Column {
            title: $title,
            figure: |$line| $value.map(|value: Value| (value.median * 100.0).round() / 100.0),
            text: |$line| $value.map(|value: Value| format!("{}{:.2}", loose(value), value.median)),
            more: true,
        }
    };
}

/// A column of plain numbers.
macro_rules! number {
    ($title:expr, |$line:ident| $value:expr) => {
        Column {
            title: $title,
            figure: |$line| $value.map(round),
            text: |$line| $value.map(|value: f64| plain(round(value))),
            more: false,
        }
    };
}

/// A column of instructions, and of clock reads beside them.
macro_rules! instructions {
    ($title:expr, |$line:ident| $value:expr) => {
        Column {
            title: $title,
            figure: |$line| $value.map(|count: Count| count.instructions.round()),
            text: |$line| $value.map(counted),
            more: false,
        }
    };
}

pub(super) fn one_thread() -> Vec<Column> {
    vec![
        nanoseconds!("permitted", |line| line.nanoseconds.good),
        nanoseconds!("refused", |line| line.nanoseconds.refused),
        nanoseconds!("failing, 100 in window", |line| line.failing[0]),
        nanoseconds!("10,000", |line| line.failing[1]),
        nanoseconds!("1,000,000", |line| line.failing[2]),
        nanoseconds!("pends once", |line| line.nanoseconds.pends),
    ]
}

pub(super) fn two_threads_and_memory() -> Vec<Column> {
    vec![
        ratio!("permitted ×", |line| line.two_threads.good),
        ratio!("refused ×", |line| line.two_threads.refused),
        ratio!("failing ×", |line| line.two_threads.bad),
        ratio!("pends ×", |line| line.two_threads.pends),
        number!("allocs permitted", |line| line.memory.and_then(|memory| memory.allocations.good)),
        number!("refused", |line| line.memory.and_then(|memory| memory.allocations.refused)),
        number!("failing", |line| line.memory.and_then(|memory| memory.allocations.bad)),
        number!("pends", |line| line.memory.and_then(|memory| memory.allocations.pends)),
        number!("bytes idle", |line| line.memory.map(|memory| memory.idle)),
        number!("in use", |line| line.memory.map(|memory| memory.in_use)),
    ]
}

pub(super) fn instructions() -> Vec<Column> {
    vec![
        instructions!("permitted (clock reads)", |line| line.instructions.good),
        instructions!("refused", |line| line.instructions.refused),
        instructions!("failing", |line| line.instructions.bad),
        instructions!("pends once", |line| line.instructions.pends),
    ]
}

pub(super) fn limits() -> Vec<Column> {
    vec![
        nanoseconds!("ns", |line| line.nanoseconds.good),
        nanoseconds!("pends once", |line| line.nanoseconds.pends),
        ratio!("two threads ×", |line| line.two_threads.good),
        instructions!("instructions (clock reads)", |line| line.instructions.good),
    ]
}

fn time(value: Value) -> String {
    format!("{}{}", loose(value), plain(shown(value)))
}

fn loose(value: Value) -> &'static str {
    // Of a ratio, too: its quartiles lie far apart from a fifth on.
    let spread = value.high - value.low;
    if value.is_loose() || value.median < 4.0 && spread > 0.2 * value.median.abs() && spread > 0.2 {
        "~"
    } else {
        ""
    }
}

fn counted(count: Count) -> String {
    match count.clock_reads.round() {
        0.0 => plain(count.instructions.round()),
        reads => format!("{} ({reads})", plain(count.instructions.round())),
    }
}

fn round(value: f64) -> f64 {
    if value < 9.95 { (value * 10.0).round() / 10.0 } else { value.round() }
}

/// With a comma at the thousands.
pub(super) fn plain(value: f64) -> String {
    if value.abs() < 1_000.0 {
        return format!("{}", value + 0.0);
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{}{text}", if value < 0.0 { "-" } else { "" })
}
