//! Measures the chain of three services beside the original and beside its own limit, and prints the table. See
//! `README.md` beside this folder.

// In reading order: what is asked for, what is measured and how it is run, how it is loaded and counted, the rounds, and
// what is made of them.
mod options;

mod candidate;
mod fleet;
mod mongod;
mod sink;

mod ask;
mod counting;
mod fill;
mod load;
mod meter;
mod proc;

mod cold;
mod plan;
mod rounds;
mod turn;

mod growth;

mod chart;
mod goals;
mod machine;
mod noise;
mod program;
mod progress;
mod report;
mod series;
mod sizes;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let result = match arguments.next().as_deref() {
        // A process of its own, so that what the load costs is known apart.
        Some(load::CHILD) => load::child(arguments.next().as_deref()),
        _ => program::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}
