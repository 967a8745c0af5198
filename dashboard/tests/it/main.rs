//! Tests of the dashboard's server: on real sockets, with real services and with peers that misbehave.

/// A dashboard that runs, and one who asks it.
mod place;
/// Services that tell their events as a test says.
mod teller;

/// Who may change something.
mod guard;
/// A load, counted where it arrives.
mod load;
/// The files of the page.
mod page;
/// Control calls that are passed on.
mod relay;
/// The stream of events that a page reads.
mod stream;
