//! What the program does, from its arguments to the table.

use crate::candidate::{Keeping, Row, Trial};
use crate::goals;
use crate::machine::{machine, versions};
use crate::noise::Noise;
use crate::options::Options;
use crate::plan::Plan;
use crate::report::{Measured, Memory, Report};
use crate::rounds::{self, Rounds};
use crate::turn::{Bench, Figure};
use crate::{chart, cold, growth, sizes, table};
use clap::Parser as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Measures, prints and writes.
pub(crate) fn run() -> Result<(), String> {
    let options = Options::parse();
    if options.growth {
        return grown(&options);
    }
    let report = measure(&options)?;
    println!("{}", table::text(&report));
    if let Some(path) = &options.markdown {
        write(path, &table::markdown(&report))?;
    }
    if let Some(path) = &options.json {
        write(path, &serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?)?;
    }
    if let Some(path) = &options.svg {
        write(path, &chart::svg(&report).ok_or("too little was measured for a chart")?)?;
    }
    lost(&report)
}

/// The same for how it grows.
fn grown(options: &Options) -> Result<(), String> {
    let report = growth::measure(options)?;
    println!("{}", growth::text(&report));
    if let Some(path) = &options.markdown {
        write(path, &growth::markdown(&report))?;
    }
    if let Some(path) = &options.json {
        write(path, &serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn measure(options: &Options) -> Result<Report, String> {
    let begin = Instant::now();
    let plan = Plan::of(options);
    if plan.rows.is_empty() {
        return Err(format!("no row is named like {:?}", options.names));
    }
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(&options.work);
    let folder = folder.map_err(|error| format!("{}: {error}", options.work.display()))?;
    let bench = Bench::start(options, folder.path())?;
    let Rounds { turns, fleets } = rounds::measure(&bench, &plan, &options.lock)?;
    let mut memory: Vec<Memory> = Vec::new();
    for row in plan.rows.iter().filter(|row| row.trial == Trial::Whole && row.keeping != Keeping::Unjournaled)
    {
        let known =
            |memory: &Memory| memory.candidate == row.candidate.processes() && memory.keeping == row.keeping;
        if let Some(fleet) = fleets.get(&row.setup()).filter(|_| !memory.iter().any(known)) {
            let (candidate, keeping) = (row.candidate.processes(), row.keeping);
            memory.push(Memory { candidate, keeping, services: fleet.peaks_mib() });
        }
    }
    drop(fleets);
    let starts = cold::measure(&bench.kit, &plan.candidates(), plan.starts)?;
    let sizes = sizes::measure(&bench.kit);
    let mut missing = Vec::new();
    if options.node.is_none() && !options.smoke {
        missing.push("the original is left out: no node and npm, 20.19 or later, on PATH".to_owned());
    }
    let noise = Noise::of(turns.iter().flat_map(std::collections::BTreeMap::values));
    let measured = Measured { turns: &turns, noise };
    let lines: Vec<_> = plan.rows.iter().filter_map(|row| measured.line(*row)).collect();
    Ok(Report {
        machine: machine(),
        versions: versions(options),
        rounds: plan.rounds,
        warm_up_s: plan.warm_up_s,
        measured_s: plan.spans.measured_s,
        seconds: begin.elapsed().as_secs_f64(),
        caveat: caveat(options, &plan),
        noise,
        missing,
        goals: if options.smoke { Vec::new() } else { goals::judge(&measured, &memory, &starts, &sizes) },
        lines,
        memory,
        starts,
        sizes,
        turns: turns.into_iter().map(|round| round.into_iter().collect::<Vec<(Row, _)>>()).collect(),
    })
}

fn caveat(options: &Options, plan: &Plan) -> Option<String> {
    if options.smoke {
        return Some("a smoke test of debug builds: the figures mean nothing".to_owned());
    }
    let short = plan.warm_up_s < 60.0;
    short.then(|| {
        format!(
            "warmed up for {} s in place of 60: Node is 30 to 60 % slower than it would be",
            plan.warm_up_s
        )
    })
}

/// An error where documents are missing: then the figures are of something else than orders.
fn lost(report: &Report) -> Result<(), String> {
    let missing = report
        .turns
        .iter()
        .flatten()
        .find(|(_, turn)| turn.figures.get(&Figure::Missing).is_some_and(|&missing| missing > 0.0));
    match missing {
        Some((row, turn)) => {
            Err(format!("{}: {} documents are missing", row.name(), turn.figures[&Figure::Missing]))
        }
        None => Ok(()),
    }
}
