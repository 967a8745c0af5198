//! What the program does, from its arguments to the table.

use crate::instructions;
use crate::measure::{self, FAILING, FEW, Figure, Timings};
use crate::memory;
use crate::options::Options;
use crate::peer::{Case, Kind, Row};
use crate::peers;
use crate::registry;
use crate::report::{Cases, Count, Line, Registry, Report, Value};
use crate::table;
use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::time::Instant;
use std::{env, fs};

/// Runs it.
pub fn main() -> ExitCode {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let under_callgrind = arguments.first().is_some_and(|first| first == instructions::CHILD);
    if under_callgrind {
        arguments.remove(0);
    }
    let result = Options::read(arguments.iter().cloned()).and_then(|options| {
        if under_callgrind {
            instructions::child(&options);
            Ok(())
        } else {
            print(&run(&options, &arguments), &options)
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options, arguments: &[String]) -> Report {
    let begin = Instant::now();
    let rows: Vec<Row> =
        peers::rows().into_iter().filter(|row| row.is_bare() || options.asks_for(row.name)).collect();
    let mut missing = Vec::new();

    // Time first, with nothing else of ours running.
    let timings = measure::measure(&rows, options);
    let mut registries = Vec::new();
    if options.registry {
        registries = lookups(options.circuits());
    }
    let counts = if options.instructions {
        instructions::ask(options, arguments).unwrap_or_else(|why| {
            missing.push(format!("instructions: {why}"));
            BTreeMap::new()
        })
    } else {
        BTreeMap::new()
    };
    let found = memory::ask(arguments).unwrap_or_else(|why| {
        missing.push(format!("memory: {why}"));
        memory::Found::default()
    });
    for counted in found.registries {
        if let Some(timed) = registries.iter_mut().find(|timed: &&mut Registry| timed.name == counted.name) {
            timed.bytes = counted.bytes;
        }
    }
    let mut lines = lines(&rows, &timings, &counts);
    for (name, memory) in found.rows {
        if let Some(line) = lines.iter_mut().find(|line| line.name == name) {
            line.memory = Some(memory);
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    Report { machine: machine(), seconds, noise: timings.noise, missing, lines, registries }
}

fn lookups(circuits: usize) -> Vec<Registry> {
    let time = |(name, book): (&str, Box<dyn registry::Book>)| {
        registry::fill(&*book, circuits);
        let lookup = Some(registry::lookup(&*book, circuits));
        Registry { name: name.to_owned(), circuits, lookup, bytes: None }
    };
    registry::books(circuits).into_iter().map(time).collect()
}

/// Puts together what was measured, and takes off the bare call.
fn lines(rows: &[Row], timings: &Timings, counts: &BTreeMap<(&'static str, Case), Count>) -> Vec<Line> {
    let bare = |row: &Row| rows.iter().position(|bare| bare.is_bare() && bare.sync == row.sync);
    let mut lines = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let bare = bare(row).filter(|_| !row.is_bare());
        let time = |figure| timings.rows[at].get(&figure).copied().filter(|value| value.rounds > 0);
        let above = |figure| {
            let Some(bare) = bare else { return time(figure) };
            // There is no bare call that is refused: a refused call spares the bare one.
            let under = match figure {
                Figure::Alone(Case::Refused, few) => Figure::Alone(Case::Good, few),
                other => other,
            };
            Some(time(figure)?.above(*timings.rows[bare].get(&under)?))
        };
        let count = |case: Case| {
            let mut count = *counts.get(&(row.name, case))?;
            if let Some(bare) = bare {
                let under = if case == Case::Refused { Case::Good } else { case };
                count.instructions -= counts.get(&(rows[bare].name, under))?.instructions;
            }
            Some(count)
        };
        let failing = FAILING.map(|filled| above(Figure::Alone(Case::Bad, filled)));
        lines.push(Line {
            nanoseconds: Cases { bad: failing[1], ..cases(|case| above(Figure::Alone(case, FEW))) },
            failing,
            two_threads: cases(|case| time(Figure::Together(case))),
            instructions: cases(count),
            ..Line::new(row)
        });
    }
    lines
}

fn cases<T>(of: impl Fn(Case) -> Option<T>) -> Cases<T> {
    Cases { good: of(Case::Good), refused: of(Case::Refused), bad: of(Case::Bad), pends: of(Case::Pends) }
}

fn print(report: &Report, options: &Options) -> Result<(), String> {
    let write = |path: &str, text: &str| fs::write(path, text).map_err(|error| format!("{path}: {error}"));
    let markdown = options.markdown.as_deref();
    if markdown == Some("-") {
        println!("{}", table::markdown(report));
    } else {
        println!("{}", table::text(report));
        if let Some(path) = markdown {
            write(path, &table::markdown(report))?;
        }
    }
    if let Some(path) = &options.json {
        write(path, &serde_json::to_string_pretty(report).map_err(|error| error.to_string())?)?;
    }
    let peers = report.lines.iter().filter(|line| line.kind == Kind::Peer);
    let unmeasured: Vec<_> =
        peers.filter(|line| line.nanoseconds.good.is_none()).map(|line| &line.name).collect();
    if unmeasured.is_empty() { Ok(()) } else { Err(format!("without a figure: {unmeasured:?}")) }
}

/// Processor, cores and toolchain.
fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rustc = Command::new("rustc").arg("-V").output();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!(
        "{model}, {cores} cores, {}, release, thin LTO",
        rustc.unwrap_or_else(|_| "rustc unknown".to_owned())
    )
}

/// A value as the table shows it, for those who compare.
pub(crate) fn shown(value: Value) -> f64 {
    if value.median.abs() < 9.95 { (value.median * 10.0).round() / 10.0 } else { value.median.round() }
}
