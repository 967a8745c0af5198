//! The defaults and rules of other breakers, so that what was tuned for them can be carried over.

use super::{Judged, OnClose, ProbeVerdict, Probing, RateOf, Settings, Threshold, Trip, Window};
use std::time::Duration;

impl Settings {
    /// opossum 10 (`lib/circuit.js`, `lib/status.js`): its own defaults, where [`Settings::default`] has the retail
    /// stack's. 10 s time-out, an error rate above 50 % of the calls asked for over 10 s, open for 30 s, one probe.
    #[must_use]
    pub fn opossum() -> Self {
        Self { timeout: Some(Duration::from_secs(10)), reset: Duration::from_secs(30), ..Self::default() }
    }

    /// Netflix Hystrix 1.5 (`HystrixCommandProperties.java`, `HystrixCircuitBreaker.java`, `HealthCountsStream.java`):
    /// 1 s time-out, at least 50 % of at least 20 calls over 10 s in 10 buckets, refused calls not counted, open for
    /// 5 s, one probe, 10 calls at once, the window emptied when the circuit closes.
    ///
    /// Hystrix judges every half second; here the circuit is judged with each failure.
    #[must_use]
    pub fn hystrix() -> Self {
        Self {
            timeout: Some(Duration::from_secs(1)),
            trip: Trip::Errors(Threshold::AtLeast(50.0)),
            volume: 20,
            rate_of: RateOf::Ended,
            on_close: OnClose::Clear,
            reset: Duration::from_secs(5),
            capacity: Some(10),
            ..Self::default()
        }
    }

    /// resilience4j 2 (`CircuitBreakerConfig.java`, `CircuitBreakerStateMachine.java`): at least 50 % failed, or all
    /// slower than a minute, of the last 100 calls, judged with every end once there are 100; open for 60 s; 10 calls
    /// let through when half-open and judged together; no time-out (its `TimeLimiter` is a part of its own); each state
    /// begins with an empty window.
    #[must_use]
    pub fn resilience4j() -> Self {
        Self {
            timeout: None,
            window: Window::Calls(100),
            trip: Trip::Any(vec![
                Trip::Errors(Threshold::AtLeast(50.0)),
                Trip::Slow { than: Duration::from_secs(60), share: Threshold::AtLeast(100.0) },
            ]),
            volume: 100,
            rate_of: RateOf::Ended,
            judged: Judged::OnEveryEnd,
            on_close: OnClose::Clear,
            reset: Duration::from_secs(60),
            probing: Probing { at_once: 10, verdict: ProbeVerdict::Rate(10), ..Probing::default() },
            ..Self::default()
        }
    }

    /// pybreaker 1 (`pybreaker/__init__.py`): five failures in a row, open for 60 s, one success closes; no time-out.
    ///
    /// pybreaker raises its own error for the call that opens the circuit; here that call keeps its own. Nor are calls
    /// made one after the other, as its lock makes them be.
    #[must_use]
    pub fn pybreaker() -> Self {
        Self {
            timeout: None,
            trip: Trip::Consecutive(5),
            rate_of: RateOf::Ended,
            on_close: OnClose::Clear,
            reset: Duration::from_secs(60),
            ..Self::default()
        }
    }
}
