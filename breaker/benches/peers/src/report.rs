//! What a run found, as it is printed and written.

use crate::peer::{Kind, Row};
use serde::{Deserialize, Serialize};

/// A median, with the quartiles round it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Value {
    /// The median.
    pub(crate) median: f64,
    /// A quarter of the rounds gave less.
    pub(crate) low: f64,
    /// A quarter of the rounds gave more.
    pub(crate) high: f64,
    /// How many undisturbed rounds it is made of.
    pub(crate) rounds: usize,
}

impl Value {
    /// The same, above another one.
    pub(crate) fn above(self, bare: Self) -> Self {
        Self {
            median: self.median - bare.median,
            low: self.low - bare.median,
            high: self.high - bare.median,
            ..self
        }
    }

    /// Whether the quartiles lie so far apart that the median says little.
    pub(crate) fn is_loose(self) -> bool {
        self.high - self.low > (0.15 * self.median.abs()).max(2.0)
    }
}

/// Figures of the four kinds of call.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Cases<T> {
    /// Let through, succeeds at once.
    pub(crate) good: Option<T>,
    /// Refused by an open circuit.
    pub(crate) refused: Option<T>,
    /// Let through, fails at once.
    pub(crate) bad: Option<T>,
    /// Let through, pending once, then succeeds.
    pub(crate) pends: Option<T>,
}

/// What callgrind counted for a call.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Count {
    /// Instructions, the bare call's included.
    pub(crate) instructions: f64,
    /// Reads of the system's clock, of which an instruction count knows the stub only.
    pub(crate) clock_reads: f64,
}

/// What a counting allocator saw.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Allocations a call.
    pub(crate) allocations: Cases<f64>,
    /// Bytes of a breaker that was not used yet.
    pub(crate) idle: f64,
    /// Bytes of one that two threads made 20,000 calls through.
    pub(crate) in_use: f64,
}

/// One row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The library, and the way of using it.
    pub(crate) name: String,
    /// What kind of row it is.
    pub(crate) kind: Kind,
    /// What it judges by, in words.
    pub(crate) window: String,
    /// Whether that is a stretch of time that slides.
    pub(crate) slides: bool,
    /// Whether it wraps closures rather than futures.
    pub(crate) sync: bool,
    /// Nanoseconds a call, above the bare call of the same shape (for the bare calls, as they are). Of failing calls
    /// those with 10,000 calls in the window.
    pub(crate) nanoseconds: Cases<Value>,
    /// Nanoseconds of a failing call above the bare one, with 100, 10,000 and 1,000,000 calls in the window.
    pub(crate) failing: [Option<Value>; 3],
    /// Throughput of two threads on one breaker by that of one, the wrapped call included.
    pub(crate) two_threads: Cases<Value>,
    /// Instructions a call, above the bare call as well.
    pub(crate) instructions: Cases<Count>,
    /// Allocations and bytes.
    pub(crate) memory: Option<Memory>,
}

impl Line {
    pub(crate) fn new(row: &Row) -> Self {
        Self {
            name: row.name.to_owned(),
            kind: row.kind,
            window: row.window.to_owned(),
            slides: row.slides,
            sync: row.sync,
            nanoseconds: none(),
            failing: [None; 3],
            two_threads: none(),
            instructions: none(),
            memory: None,
        }
    }
}

fn none<T>() -> Cases<T> {
    Cases { good: None, refused: None, bad: None, pends: None }
}

/// A way to keep many circuits by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Registry {
    /// What it is.
    pub(crate) name: String,
    /// How many circuits it held.
    pub(crate) circuits: usize,
    /// Nanoseconds to find one of them.
    pub(crate) lookup: Option<f64>,
    /// Bytes a circuit, its name and place included.
    pub(crate) bytes: Option<f64>,
}

/// Whether the machine held still.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Noise {
    /// How many rounds there were.
    pub(crate) rounds: usize,
    /// How far the calibration loop varied: tenth to ninetieth percentile, by the median.
    pub(crate) variation: f64,
    /// Share of the turns that were left out.
    pub(crate) disturbed: f64,
    /// Share of the machine that other programs had, where the system tells.
    pub(crate) others: Option<f64>,
    /// Whether the threads could be bound to their cores.
    pub(crate) pinned: bool,
    /// Whether the figures should not be trusted.
    pub(crate) noisy: bool,
}

/// A whole run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Processor, cores and toolchain, in words.
    pub(crate) machine: String,
    /// Seconds that the run took.
    pub(crate) seconds: f64,
    /// Whether the machine held still.
    pub(crate) noise: Noise,
    /// Why a column is missing, in words.
    pub(crate) missing: Vec<String>,
    /// The rows.
    pub(crate) lines: Vec<Line>,
    /// Many circuits by name.
    pub(crate) registries: Vec<Registry>,
}
