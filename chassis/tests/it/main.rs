//! Tests of what the services share, on a service of the tests' own.

/// A record, a service made of it, and a way to ask it.
mod parcel;

/// What is wrong with a request is named.
mod bad_input;
/// The hop to a next service that misbehaves in every way.
mod hop;
/// The second half of that suite: what is to be handed on, and the keys of requests.
mod outbox;
/// Saved documents, read back.
mod reading;
/// What `POST /create` answers, to the letter.
mod replies;
/// Connections, limits, clients that go away, stopping.
mod server;
/// One suite for both stores; the MongoDB one on a real server.
mod stores;
/// Stores that are away, seen through the routes.
mod stores_away;
