//! One turn of one row: a load on processes that are warm, and what it cost them.

use crate::candidate::{Candidate, Row, Trial};
use crate::counting::{Counting, Mark};
use crate::fill;
use crate::fleet::{Fleet, Kit};
use crate::load::{Load, Outcome};
use crate::meter::{Cost, Meter};
use crate::mongod::Mongod;
use crate::options::Options;
use crate::sink::Sink;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long answers are awaited after a load.
const GRACE: f64 = 30.0;
/// How often a circuit is given time to close before the next service hangs again.
const TRIES: u32 = 20;
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// Seconds of load by one connection that make a circuit see a few calls.
const FEW: f64 = 0.1;
/// Between two counts of what comes later.
const SETTLED: Duration = Duration::from_millis(300);
/// For how long nothing has come where nothing more will: a circuit of ours stays open for 10 s, and delivers then.
const QUEUED: Duration = Duration::from_secs(15);
/// The same where nothing is delivered later.
const GIVEN_UP: Duration = Duration::from_secs(1);

/// What is measured in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// Orders a second: those that went the whole way, or where none is to, those answered.
    OrdersPerSecond,
    P50Ms,
    P99Ms,
    P999Ms,
    /// Milliseconds of processor time of all services for 1,000 orders.
    ServicesCpuMs,
    /// The same of the database.
    MongodCpuMs,
    /// The same of the load itself.
    LoadCpuMs,
    /// Orders that were answered wrongly, not at all, or did not go the whole way though they should.
    Errors,
    /// Documents that are missing though their order was answered as gone the whole way.
    Missing,
    /// Of a hundred orders taken, those that reached the last service.
    ReachedPercent,
    /// Of a hundred orders sent, those refused before they were taken.
    TurnedAwayPercent,
    /// Nanoseconds that a circuit takes for a call.
    CallNs,
    /// Milliseconds of processor time that the services take in a second in which nothing is sent.
    IdleServicesCpuMs,
    /// The same of the database.
    IdleMongodCpuMs,
}

/// What a turn gave.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Turn {
    pub(crate) figures: BTreeMap<Figure, f64>,
    /// Nanoseconds of the loop of known work.
    pub(crate) calibration: f64,
    /// The share of the machine that other programs had.
    pub(crate) others: Option<f64>,
    pub(crate) first_error: Option<String>,
}

impl Turn {
    /// The figures that tell most, in a line.
    pub(crate) fn told(&self) -> String {
        let figure =
            |figure| self.figures.get(&figure).map_or("–".to_owned(), |value| format!("{value:.0}"));
        let (speed, cpu) = (figure(Figure::OrdersPerSecond), figure(Figure::ServicesCpuMs));
        format!("{speed:>8} orders/s, {cpu:>6} CPU ms per 1,000 orders")
    }
}

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spans {
    /// Before each measurement, not counted.
    pub(crate) before_s: f64,
    pub(crate) measured_s: f64,
}

/// What a turn works with.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) kit: Kit,
    pub(crate) sink: Sink,
    pub(crate) counting: Counting,
}

impl Bench {
    /// Starts what all turns share; data and logs are kept in the folder.
    pub(crate) fn start(options: &Options, folder: &Path) -> Result<Self, String> {
        let mongod = Mongod::start(&options.mongod, folder)?;
        let counting = Counting::new(&mongod.url())?;
        let sink = Sink::start()?;
        let kit = Kit {
            ours: options.ours.clone(),
            bare: options.bare.clone(),
            node: options.node.clone(),
            mongod,
            work: folder.to_owned(),
            sink: sink.addr,
        };
        Ok(Self { kit, sink, counting })
    }

    /// Loads a fleet, and measures nothing.
    pub(crate) fn warm_up(
        &self,
        fleet: &mut Fleet,
        connections: u32,
        seconds: f64,
    ) -> Result<Outcome, String> {
        self.sink.hang(false);
        let outcome = load(fleet, connections, seconds, GRACE)?;
        fleet.empty_logs();
        fleet.check()?;
        Ok(outcome)
    }

    /// Leaves so many of the documents that the services were filled with, and no others.
    pub(crate) fn take_away(&self, fleet: &Fleet, size: u32) -> Result<(), String> {
        fill::take_away(&self.kit, &self.counting, fleet, size)
    }

    /// Measures a row.
    pub(crate) fn turn(&self, row: Row, fleet: &mut Fleet, spans: Spans) -> Result<Turn, String> {
        if !row.trial.is_filled() && self.counting.is_full(&self.kit, fleet)? {
            self.counting.make_room(&self.kit, fleet)?;
        }
        if row.candidate.is_ours() && row.trial == Trial::Whole {
            let disabled = row.candidate == Candidate::NoBreaker;
            fleet.set_circuits(if disabled { "disabled" } else { "auto" })?;
        }
        if row.trial == Trial::Hanging {
            self.close_circuit(row, fleet)?;
        } else {
            self.warm_up(fleet, row.connections, spans.before_s)?;
        }

        let mark = self.counting.mark(fleet)?;
        self.sink.hang(row.trial == Trial::Hanging);
        let meter = Meter::start(&self.kit, fleet);
        let grace = if row.trial == Trial::Hanging { 0.0 } else { GRACE };
        let outcome = load(fleet, row.connections, spans.measured_s, grace)?;
        let cost = meter.stop(&self.kit, fleet, outcome.cpu_ms);
        fleet.check()?;
        self.sink.hang(false);

        let mut saved = self.counting.since(&mark, fleet)?;
        if row.trial == Trial::Hasty {
            saved = self.settled(row, &mark, fleet)?;
        }
        if row.candidate.is_ours() && row.trial.leaves_a_queue() {
            // It would be delivered, or at least counted, in the turns of others.
            self.take_away(fleet, 0)?;
        }
        fleet.empty_logs();
        let figures = figures(row, &outcome, &saved, &cost);
        let Cost { calibration, others, .. } = cost;
        Ok(Turn { figures, calibration, others, first_error: outcome.first_error })
    }

    /// What is saved when nothing more comes: what was given up goes on further down, and what was queued is delivered
    /// when the circuit lets it through.
    fn settled(&self, row: Row, mark: &Mark, fleet: &Fleet) -> Result<Vec<u64>, String> {
        let patience = if row.candidate.is_ours() { QUEUED } else { GIVEN_UP };
        let mut saved = self.counting.since(mark, fleet)?;
        let mut changed = Instant::now();
        while saved.first() != saved.last() && changed.elapsed() < patience {
            sleep(SETTLED);
            let before = std::mem::replace(&mut saved, self.counting.since(mark, fleet)?);
            if before != saved {
                changed = Instant::now();
            }
        }
        Ok(saved)
    }

    /// Has a few orders answered by a next service that answers again: many would outweigh its failures for seconds.
    fn close_circuit(&self, row: Row, fleet: &mut Fleet) -> Result<(), String> {
        for _ in 0..TRIES {
            if self.warm_up(fleet, 1, FEW)?.whole > 0 {
                return Ok(());
            }
            sleep(PAUSE);
        }
        Err(format!("{}: the circuit does not close", row.name()))
    }
}

fn load(fleet: &Fleet, connections: u32, seconds: f64, grace_s: f64) -> Result<Outcome, String> {
    Load { to: fleet.first(), connections, seconds, grace_s }.start()?.outcome()
}

fn figures(row: Row, outcome: &Outcome, saved: &[u64], cost: &Cost) -> BTreeMap<Figure, f64> {
    let whole_way = row.trial.is_whole() || row.trial == Trial::Saved;
    let good = if row.trial.is_whole() { outcome.whole } else { outcome.answered };
    let astray = if whole_way { outcome.answered - outcome.whole } else { 0 };
    let sent = outcome.answered + outcome.errors + outcome.unanswered;
    let (first, last) = (saved.first().copied().unwrap_or(0), saved.last().copied().unwrap_or(0));
    let promised = if row.trial.is_chain() { outcome.whole } else { outcome.answered };
    let by_thousand = |ms: f64| ms / good as f64 * 1e3;
    let mut figures = BTreeMap::from([
        (Figure::OrdersPerSecond, good as f64 / outcome.seconds),
        (Figure::P50Ms, outcome.p50_ms.unwrap_or(f64::NAN)),
        (Figure::P99Ms, outcome.p99_ms.unwrap_or(f64::NAN)),
        (Figure::P999Ms, outcome.p999_ms.unwrap_or(f64::NAN)),
        (Figure::ServicesCpuMs, by_thousand(cost.services_ms)),
        (Figure::MongodCpuMs, by_thousand(cost.mongod_ms)),
        (Figure::LoadCpuMs, by_thousand(outcome.cpu_ms)),
        (Figure::Errors, (outcome.errors + outcome.unanswered + astray) as f64),
        (Figure::Missing, promised.saturating_sub(last) as f64),
    ]);
    if row.trial == Trial::Hasty {
        figures.insert(Figure::ReachedPercent, last as f64 / first as f64 * 100.0);
        figures.insert(Figure::TurnedAwayPercent, outcome.turned_away as f64 / sent as f64 * 100.0);
    }
    figures.retain(|_, value| value.is_finite());
    figures
}
