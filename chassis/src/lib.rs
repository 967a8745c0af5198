#![doc = include_str!("../README.md")]

// In reading order: what a service is, how it is set, what happens to a request, where it is kept, how it is run.
mod record;
pub mod settings;

mod accept;
mod admin;
mod chaos;
mod create;
mod cut;
mod deadline;
mod door;
mod handled;
mod hop;
mod idempotency;
mod input;
mod metrics;
mod openapi;
mod otlp;
mod pages;
mod problem;
mod read;
mod reply;
mod sample;
mod trace;

mod circuit;
mod events;
pub mod sse;

pub mod store;

mod queue;

mod app;
mod finish;
mod full;
mod limits;
mod log;
mod millis;
mod object;
mod routes;
mod run;
mod server;
mod service;
mod wall;

pub use admin::Admin;
pub use problem::Problem;
pub use record::{Record, nested};
pub use routes::{unknown_path, wrong_method};
pub use run::{Failure, bind, launch, main, stop_signal};
pub use server::serve;
pub use service::{Service, StartError};
pub use wall::At;
