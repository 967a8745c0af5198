//! The bounds of a service, all in one place: nothing waits, grows or piles up beyond these.

use std::time::Duration;

/// Largest request body.
pub(crate) const BODY: usize = 256 * 1024;
/// Longest request line and headers together; more is answered 431.
pub(crate) const HEADERS: u16 = 32 * 1024;
/// Deepest nesting of a document. MongoDB takes 100 levels; this leaves room for what is wrapped around.
pub(crate) const DEPTH: usize = 64;
/// Most values in a document. Read into memory, each takes up many times what it took in the body.
pub(crate) const VALUES: usize = 10_000;
/// Documents of a page together, as they are kept; the last one may go beyond.
pub(crate) const PAGE_BYTES: usize = 512 * 1024;
/// Longest sentence of an answer that says what is wrong; what a client sent may be quoted in it.
pub(crate) const DETAIL: usize = 300;
/// Largest answer that is read from the next service: some documents nested in one another.
pub(crate) const ANSWER: usize = 1024 * 1024;

/// Requests that may be under way, those for health and greeting aside.
pub(crate) const REQUESTS: usize = 512;
/// Connections that may be open; more are answered 503.
pub(crate) const CONNECTIONS: usize = 4096;
/// Connections that are answered so at once; still more are closed without a word.
pub(crate) const TURNED_AWAY: usize = 256;
/// Files that the process asks to be allowed: more than the connections.
pub(crate) const FILES: u64 = 8192;
/// Streams that one HTTP/2 connection may have open.
pub(crate) const STREAMS: u32 = 64;

/// Requests a second that the first service of a chain picks to be shown hop by hop.
pub(crate) const WATCHED: u32 = 5;

/// Requests whose spans wait to be sent to the collector of traces; the spans of more are lost.
pub(crate) const TRACES: usize = 1024;
/// Requests whose spans are sent at once.
pub(crate) const TRACES_AT_ONCE: usize = 256;
/// How long spans gather before they are sent.
pub(crate) const GATHER_TIME: Duration = Duration::from_secs(1);
/// For the collector of traces to answer.
pub(crate) const COLLECTOR_TIME: Duration = Duration::from_secs(5);
/// How long the log is silent after it has told that the collector is away.
pub(crate) const COMPLAIN_TIME: Duration = Duration::from_secs(60);

/// For the first request of a connection to begin, and for the headers of every request to be complete.
pub(crate) const HEADER_TIME: Duration = Duration::from_secs(10);
/// For the body of a request to be complete.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(10);
/// For a connection that is turned away to read that.
pub(crate) const TURN_AWAY_TIME: Duration = Duration::from_secs(1);
/// For a client to read on, where an answer waits for it.
pub(crate) const READ_ON_TIME: Duration = Duration::from_secs(10);
/// For the store to answer, so that a client is answered within 2 s.
pub(crate) const STORE_TIME: Duration = Duration::from_millis(1_900);
/// For a connection to the next service.
pub(crate) const CONNECT_TIME: Duration = Duration::from_secs(1);
/// For the next service's whole answer where the circuit sets no time-out or is disabled.
pub(crate) const HOP_TIME: Duration = Duration::from_secs(30);
/// By how much a claim on a hand-over outlasts the longest try of it: for what comes before and after.
pub(crate) const LEASE_MARGIN: Duration = Duration::from_secs(5);
/// For the store to take in how a hand-over ended. What it does not note is found out again.
pub(crate) const SETTLE_TIME: Duration = Duration::from_millis(500);
/// Deliveries of the relay that may be under way.
pub(crate) const RELAY: u32 = 8;
/// How long an idle connection to the next service is kept: less than the next service keeps it.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(5);
/// For what has begun to be finished after the signal to stop. With the time that the store may take to close, it is
/// less than the 10 s after which container engines kill.
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(7);

/// Rules for faults that a service may have.
pub(crate) const RULES: usize = 32;
/// Bytes of a rule's name.
pub(crate) const RULE_NAME: usize = 64;
/// Bytes of a path, a header's name or its value in a rule.
pub(crate) const RULE_TEXT: usize = 256;
/// Headers that a rule may ask for.
pub(crate) const RULE_HEADERS: usize = 8;
/// Rules, by name and by what they do, whose faults are counted apart.
pub(crate) const RULE_COUNTERS: usize = 256;
/// Things that a list of faults in the environment may hold.
pub(crate) const DRAWS: usize = 8;
/// Requests that may be struck by faults at once: fewer than may be under way, so that some go through.
pub(crate) const FAULTS: usize = 256;
/// Longest that a fault may hold a request up.
pub(crate) const FAULT_TIME: Duration = Duration::from_secs(60);

/// Documents on a page, where nothing is asked.
pub(crate) const PAGE: u32 = 20;
/// Most documents on a page.
pub(crate) const PAGE_MOST: u32 = 100;

/// Readers of events that a service may have at once, those of `hystrix.stream` among them.
pub(crate) const READERS: usize = 64;
/// Events that are kept for readers who come back.
pub(crate) const KEPT: usize = 256;
/// Events that a reader may be behind by before it is treated as one who comes back.
pub(crate) const BEHIND: usize = 64;
/// How often readers are shown how things are.
pub(crate) const SNAPSHOT: Duration = Duration::from_millis(500);
/// How often a stream of events says that it is still there.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long readers are asked to wait before they come back.
pub(crate) const RETRY: Duration = Duration::from_secs(2);
/// Watched requests that a service tells of in a second.
pub(crate) const REQUESTS_TOLD: u32 = 20;
/// Faults that a service tells of in a second.
pub(crate) const FAULTS_TOLD: u32 = 5;
/// Longest name, in characters, that a service further down may have in an event.
pub(crate) const NAME: usize = 100;
