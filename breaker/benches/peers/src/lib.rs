//! Measures `breaker` beside other circuit breakers, and beside what the machine itself allows.
//!
//! A project of its own, so that its peers burden nobody. Three processes share this library: the one that measures
//! time and prints the table, one under a counting allocator (its counters would cost time), and one under callgrind.

// In reading order: the call that is wrapped, what a library has to offer for it, those that do, the three measures,
// and the table.
mod call;
mod peer;

mod limits;
mod peers;
mod registry;

pub mod instructions;
mod measure;
pub mod memory;

mod options;
pub mod program;
mod report;
mod table;
