//! What the chain is to reach, in one run on one machine, and whether it does.

use crate::candidate::{Candidate, Keeping, Row, Trial};
use crate::cold::Start;
use crate::report::{Measured, Memory};
use crate::sizes::Size;
use crate::turn::Figure;
use serde::Serialize;

/// One of them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) limit: Limit,
    /// `None` where it was not measured.
    pub(crate) measured: Option<f64>,
    /// The quartiles, where there were several rounds.
    pub(crate) spread: Option<(f64, f64)>,
}

/// What a goal asks for.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    /// Whether it holds; `None` where it was not measured.
    pub(crate) fn holds(&self) -> Option<bool> {
        self.measured.map(|measured| match self.limit {
            Limit::AtMost(limit) => measured <= limit,
            Limit::AtLeast(limit) => measured >= limit,
        })
    }
}

/// All of them, as far as they were measured.
pub(crate) fn judge(
    measured: &Measured<'_>,
    memory: &[Memory],
    starts: &[Start],
    sizes: &[Size],
) -> Vec<Goal> {
    use Candidate::{Bare, Embedded, NoBreaker, Node, Stack};
    use Limit::{AtLeast, AtMost};
    let whole = |connections, candidate| row(Trial::Whole, connections, candidate);
    let ratio = |what, limit, one, other, figure| {
        let value = measured.ratio(one, other, figure);
        let spread = value.filter(|value| value.rounds > 1).map(|value| (value.low, value.high));
        Goal { what, limit, measured: value.map(|value| value.median), spread }
    };
    let plain = |what, limit, measured| Goal { what, limit, measured, spread: None };
    let reached = measured.value(row(Trial::Hasty, 256, Stack), Figure::ReachedPercent);
    let peak = memory.iter().find(|memory| memory.candidate == Stack && memory.keeping == Keeping::Journaled);
    let start = starts.iter().find(|start| start.candidate == Embedded).and_then(|start| start.alone_ms);
    let size = sizes.iter().find(|size| size.candidate == Stack);
    let mut goals = vec![
        ratio(
            "CPU of the services by the original's, 64 connections",
            AtMost(1.0 / 14.0),
            whole(64, Stack),
            whole(64, Node),
            Figure::ServicesCpuMs,
        ),
        ratio(
            "CPU of the services by the bare chain's, 64 connections",
            AtMost(1.0),
            whole(64, Stack),
            whole(64, Bare),
            Figure::ServicesCpuMs,
        ),
        ratio(
            "CPU of mongod by the bare chain's, 64 connections",
            AtMost(0.5),
            whole(64, Stack),
            whole(64, Bare),
            Figure::MongodCpuMs,
        ),
        ratio(
            "orders a second by the original's, 64 connections",
            AtLeast(8.0),
            whole(64, Stack),
            whole(64, Node),
            Figure::OrdersPerSecond,
        ),
        ratio(
            "p99 by the original's, 16 connections",
            AtMost(0.2),
            whole(16, Stack),
            whole(16, Node),
            Figure::P99Ms,
        ),
        ratio(
            "p50 by the bare chain's, 1 connection",
            AtMost(1.0),
            whole(1, Stack),
            whole(1, Bare),
            Figure::P50Ms,
        ),
        ratio(
            "CPU of the services by that without breaker, 64 connections",
            AtMost(1.02),
            whole(64, Stack),
            whole(64, NoBreaker),
            Figure::ServicesCpuMs,
        ),
        plain(
            "% of the orders taken that reach shipment, 256 connections",
            AtLeast(100.0),
            reached.map(|value| value.median),
        ),
        ratio(
            "p99 of what an open circuit refuses by that of saving alone, 64 connections",
            AtMost(1.5),
            row(Trial::Refused, 64, Stack),
            row(Trial::Saved, 64, Stack),
            Figure::P99Ms,
        ),
        plain(
            "MiB of memory, the largest service",
            AtMost(20.0),
            peak.and_then(|peak| peak.services.iter().copied().reduce(f64::max)),
        ),
        plain(
            "ms from a cold start to the first order, embedded",
            AtMost(50.0),
            start.map(|start| start.median),
        ),
        plain("MiB of a service's image over its base", AtMost(40.0), size.map(|size| size.mib)),
    ];
    goals.retain(|goal| goal.measured.is_some());
    goals
}

fn row(trial: Trial, connections: u32, candidate: Candidate) -> Row {
    Row { trial, keeping: Keeping::Journaled, connections, candidate }
}
