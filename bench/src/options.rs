//! What can be asked for on the command line.

use std::path::PathBuf;

/// Measures the chain beside the original on Node and beside a bare chain; run it by `scripts/bench`
#[derive(Debug, clap::Parser)]
#[command(name = "scripts/bench")]
pub(crate) struct Options {
    /// Few short rounds after a short warm-up: a first picture in about three minutes
    #[arg(long)]
    pub(crate) quick: bool,
    /// A few hundred orders of two candidates, in debug builds: shows that the measuring works, and nothing else
    #[arg(long, conflicts_with = "quick")]
    pub(crate) smoke: bool,
    /// How the cost of an order grows: with connections, circuits, documents, and orders that wait; in about ten minutes
    #[arg(long, conflicts_with_all = ["quick", "smoke", "svg"])]
    pub(crate) growth: bool,
    /// Rounds, if others than usual
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: Option<u32>,
    /// Seconds of warm-up for each candidate, if others than usual
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) warm_up: Option<u32>,
    /// Only rows whose name holds one of these, like `node`, `journaled` or `64`; of `--growth`, like `documents` or `sqlite`
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Writes the table as Markdown too
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Writes everything, with the spread
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Draws the chart of the README
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Holds a lock on these files during each round, for machines that are shared with others who know them
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Vec<PathBuf>,
    /// Folder of the programs order, payment and shipment
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub(crate) ours: PathBuf,
    /// The program of the bare chain
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) bare: PathBuf,
    /// Folder of the original's design on Node, with its modules installed
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub(crate) node: Option<PathBuf>,
    /// The MongoDB server
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) mongod: PathBuf,
    /// Folder in which a folder for data is made
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub(crate) work: PathBuf,
}
