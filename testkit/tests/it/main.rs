//! The kit, tried on real sockets, real processes and a real mongod.
//!
//! One binary, a module per subject.

// Waiting for what is to come, and saying what did not.
mod eventually;
// `.http` files: the common subset, and a refusal with the line's number for all else.
mod http_file;
// A mongod that starts, dies and comes back with its data.
mod mongod;
// A peer that answers, and each way of not doing so.
mod peer;
// Ports: free ones, refusing ones.
mod ports;
// Processes: their output, their signals, their end.
mod process;
// A line that is cut, frozen and mended.
mod proxy;
