//! One turn of one row: a load on processes that are warm, and what it cost them.

use crate::candidate::{Candidate, Row, Trial};
use crate::counting::Counting;
use crate::fleet::{Fleet, Kit};
use crate::load::{Load, Outcome};
use crate::noise;
use crate::proc::{Cpu, Machine};
use crate::sink::Sink;
use serde::Serialize;
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

/// How long answers are awaited after a load.
const GRACE: f64 = 30.0;
/// How often a circuit is given time to close before the next service hangs again.
const TRIES: u32 = 20;
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// Seconds of load by one connection that make a circuit see a few calls.
const FEW: f64 = 0.1;
/// Between two counts, of which the second shows that nothing more comes.
const SETTLED: Duration = Duration::from_millis(300);

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

    /// Measures a row.
    pub(crate) fn turn(&self, row: Row, fleet: &mut Fleet, spans: Spans) -> Result<Turn, String> {
        self.counting.make_room(fleet)?;
        if row.candidate.is_ours() && row.trial == Trial::Whole {
            let disabled = row.candidate == Candidate::NoBreaker;
            fleet.set_circuits(if disabled { "disabled" } else { "auto" })?;
        }
        if row.trial == Trial::Hanging {
            self.close_circuit(row, fleet)?;
        } else {
            self.warm_up(fleet, row.connections, spans.before_s)?;
        }

        let calibration = noise::calibrate();
        let mark = self.counting.mark(fleet)?;
        self.sink.hang(row.trial == Trial::Hanging);
        let (machine, services, mongod) = (Machine::now(), fleet.cpu(), Cpu::of(self.kit.mongod.pid()));
        let ourselves = Cpu::of(std::process::id());
        let grace = if row.trial == Trial::Hanging { 0.0 } else { GRACE };
        let outcome = load(fleet, row.connections, spans.measured_s, grace)?;
        let services = fleet.cpu().iter().zip(&services).map(|(now, then)| now.since(then)).sum::<f64>();
        let mongod = Cpu::of(self.kit.mongod.pid()).since(&mongod);
        let ours = services + mongod + outcome.cpu_ms + Cpu::of(std::process::id()).since(&ourselves);
        let others = machine.zip(Machine::now()).map(|(then, now)| now.others_since(then, ours));
        fleet.check()?;
        self.sink.hang(false);

        let mut saved = self.counting.since(&mark, fleet)?;
        while row.trial == Trial::Hasty {
            // What was given up goes on further down.
            sleep(SETTLED);
            let before = std::mem::replace(&mut saved, self.counting.since(&mark, fleet)?);
            if before == saved {
                break;
            }
        }
        fleet.empty_logs();
        let calibration = calibration.max(noise::calibrate());
        let figures = figures(row, &outcome, &saved, services, mongod);
        Ok(Turn { figures, calibration, others, first_error: outcome.first_error })
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

fn figures(row: Row, outcome: &Outcome, saved: &[u64], services: f64, mongod: f64) -> BTreeMap<Figure, f64> {
    let whole_way = matches!(row.trial, Trial::Whole | Trial::Saved);
    let good = if row.trial == Trial::Whole { outcome.whole } else { outcome.answered };
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
        (Figure::ServicesCpuMs, by_thousand(services)),
        (Figure::MongodCpuMs, by_thousand(mongod)),
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
