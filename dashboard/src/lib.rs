#![doc = include_str!("../README.md")]

// In reading order: how it is set, what it serves, how it is run.
mod settings;

mod assets;
mod headers;

mod dashboard;
mod routes;

pub use dashboard::{Dashboard, main};
pub use settings::{Peer, Settings};
