#![doc = include_str!("../README.md")]

// In reading order: how it is set, what it serves, what pages are told, what they can have done, how it is run.
mod limits;
mod settings;

mod app;
mod assets;
mod headers;
mod routes;

mod feed;
mod follow;
mod parser;

mod answer;
mod api;
mod lesson;
mod load;
mod orders;
mod relay;

mod dashboard;

pub use dashboard::{Dashboard, main};
pub use settings::{Peer, Peers, Settings};
