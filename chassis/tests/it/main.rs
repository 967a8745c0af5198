//! Tests of what the services share, on a service of the tests' own.

/// A service that listens, on a store in memory.
mod live;
/// A record, a service made of it, and a way to ask it.
mod parcel;
/// A service that listens, and what it streams.
mod running;

/// Who may change something, and who may not.
mod admin;
/// What is wrong with a request is named.
mod bad_input;
/// Faults, set and taken back over HTTP.
mod chaos;
/// The circuit, looked at and changed over HTTP.
mod circuit;
/// What happens, as a stream of events.
mod events;
/// Faults as those see them who call the service.
mod faults;
/// The hop to a next service that misbehaves in every way.
mod hop;
/// The stream of the Hystrix dashboard.
mod hystrix;
/// A key of the client's: the same request is taken once.
mod idempotency;
/// Metrics, as Prometheus reads them.
mod metrics;
/// What the service says of itself as OpenAPI.
mod openapi;
/// Traces, as a collector gets them.
mod otlp;
/// The second half of that suite: what is to be handed on, and the keys of requests.
mod outbox;
/// Places that calls may take: the relay leaves some to clients.
mod places;
/// What cannot be handed on is delivered later, and once.
mod queue;
/// Saved documents, read back.
mod reading;
/// What `POST /create` answers, to the letter.
mod replies;
/// Retries, a bulkhead, and a deadline that is passed on.
mod resilience;
/// Connections, limits, clients that go away, stopping.
mod server;
/// How hand-overs ended: noted late, and told of where that could not be.
mod settling;
/// What somebody has spoiled by hand holds nobody up.
mod spoiled;
/// Those who tell, and those who read.
mod sse;
/// One suite for both stores; the MongoDB one on a real server.
mod stores;
/// Stores that are away, seen through the routes.
mod stores_away;
/// Traces: in, on, and in what is answered.
mod traces;
/// All faults in one call.
mod whole;
