//! The bounds of the dashboard, all in one place: nothing waits, grows or piles up beyond these.

use std::time::Duration;

/// Pages that may be open at once.
pub(crate) const PAGES: usize = 32;
/// How long the services are still listened to after the last page has gone: it may only be loading anew.
pub(crate) const LINGER: Duration = Duration::from_secs(5);

/// Longest line of a service's events, and the most that one event may hold.
pub(crate) const EVENT: usize = 64 * 1024;
/// For a service to begin its stream of events.
pub(crate) const GREETING: Duration = Duration::from_secs(5);
/// For the next line of a service's events, where a sign of life is due each 15 s.
pub(crate) const SILENCE: Duration = Duration::from_secs(40);
/// The first wait before a service that is away is asked again; up to half of it is left to chance.
pub(crate) const AGAIN: Duration = Duration::from_secs(1);
/// The longest.
pub(crate) const AGAIN_MOST: Duration = Duration::from_secs(5);

/// For a connection to a service.
pub(crate) const CONNECT_TIME: Duration = Duration::from_secs(1);
/// How long an idle connection to a service is kept: less than the service keeps it.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(5);
/// For the whole answer to a control call.
pub(crate) const CONTROL_TIME: Duration = Duration::from_secs(3);
/// For a body to be complete.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(5);
/// Largest body that is passed on.
pub(crate) const BODY: usize = 64 * 1024;
/// Largest answer that is read from a service.
pub(crate) const ANSWER: usize = 1024 * 1024;
/// Longest name of a rule or a preset.
pub(crate) const NAME: usize = 64;

/// How long a page has a lesson of which it says nothing more.
pub(crate) const LESSON: Duration = Duration::from_secs(30);

/// For the whole answer to an order.
pub(crate) const ORDER_TIME: Duration = Duration::from_secs(10);
/// Orders a second that the load may ask for.
pub(crate) const RATE: u16 = 200;
/// Orders of the load that may be under way.
pub(crate) const IN_FLIGHT: usize = 256;
/// By how much the load may be late before what is due is skipped.
pub(crate) const LATE: Duration = Duration::from_millis(100);
/// How often pages are told how the load goes.
pub(crate) const REPORT: Duration = Duration::from_millis(500);
/// The time that the load's percentiles are of.
pub(crate) const WINDOW: Duration = Duration::from_secs(10);
/// How long the load goes on where no page shows it.
pub(crate) const UNWATCHED: Duration = Duration::from_secs(60);

/// For what has begun to be finished after the signal to stop. The services, which stop after it, have the most of what
/// container engines allow.
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(3);
