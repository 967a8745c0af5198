//! Tests of the whole: real processes, a real MongoDB server, the files that are written for readers.

/// The programs, built and started.
mod programs;

/// What measures the chain.
mod bench;
/// Three processes: a circuit opens, refuses and heals; neighbours that die.
mod chain;
/// The compose file, as far as it can be checked without an engine.
mod compose;
/// The dashboard, wired to the three services.
mod dashboard;
/// What Prometheus and Grafana are given.
mod deploy;
/// What is acknowledged survives the death of anything.
mod durability;
/// A next service that hangs, and how long its caller waits.
mod hanging;
/// No order is lost, and none is delivered twice.
mod queue;
/// The README's commands, tables and answers.
mod readme;
/// The list of what a program is made of.
mod sbom;
/// Settings of the programs: help, defaults, what is refused.
mod settings;
/// All three in one process.
mod stack;
/// The rules of the house.
mod tidy;
/// Every request of `tests.http`.
mod tour;
