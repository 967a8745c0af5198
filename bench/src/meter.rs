//! What was spent on something, from its start to its end: by the services, by the database, by everybody else.

use crate::fleet::{Fleet, Kit};
use crate::noise;
use crate::proc::{Cpu, Machine};

/// Runs beside what is measured.
#[derive(Debug)]
pub(crate) struct Meter {
    calibration: f64,
    machine: Option<Machine>,
    services: Vec<Cpu>,
    mongod: Cpu,
    ourselves: Cpu,
}

/// What was spent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Milliseconds of processor time of all services.
    pub(crate) services_ms: f64,
    /// The same of the database.
    pub(crate) mongod_ms: f64,
    /// Nanoseconds of the loop of known work, the slower of before and after.
    pub(crate) calibration: f64,
    /// The share of the machine that other programs had.
    pub(crate) others: Option<f64>,
}

impl Meter {
    pub(crate) fn start(kit: &Kit, fleet: &Fleet) -> Self {
        Self {
            calibration: noise::calibrate(),
            machine: Machine::now(),
            services: fleet.cpu(),
            mongod: Cpu::of(kit.mongod.pid()),
            ourselves: Cpu::of(std::process::id()),
        }
    }

    /// What was spent since the start, where the load has spent so much besides.
    pub(crate) fn stop(self, kit: &Kit, fleet: &Fleet, load_ms: f64) -> Cost {
        let services_ms =
            fleet.cpu().iter().zip(&self.services).map(|(now, then)| now.since(then)).sum::<f64>();
        let mongod_ms = Cpu::of(kit.mongod.pid()).since(&self.mongod);
        let ours = services_ms + mongod_ms + load_ms + Cpu::of(std::process::id()).since(&self.ourselves);
        let others = self.machine.zip(Machine::now()).map(|(then, now)| now.others_since(then, ours));
        let calibration = self.calibration.max(noise::calibrate());
        Cost { services_ms, mongod_ms, calibration, others }
    }
}
