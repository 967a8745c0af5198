//! The processes of one setup: started with the environment that they are set by, and ended with the value.

use crate::ask::ask;
use crate::candidate::{Candidate, Keeping, Setup, Trial};
use crate::load::ORDER;
use crate::mongod::{Mongod, free_addr};
use crate::proc::{self, Cpu};
use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The services, in the order of the chain.
pub(crate) const SERVICES: [&str; 3] = ["order", "payment", "shipment"];

const START: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(1);
/// The time-out of a circuit that is not to strike, in milliseconds.
const LONG: u32 = 30_000;

/// What fleets are made of.
#[derive(Debug)]
pub(crate) struct Kit {
    pub(crate) ours: PathBuf,
    pub(crate) bare: PathBuf,
    pub(crate) node: Option<PathBuf>,
    pub(crate) mongod: Mongod,
    /// Where data and logs are kept.
    pub(crate) work: PathBuf,
    /// A service that can be made to hang.
    pub(crate) sink: SocketAddr,
}

/// One service that runs. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) name: &'static str,
    pub(crate) addr: SocketAddr,
    process: Child,
    log: File,
}

/// The services of one setup, first to last.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) setup: Setup,
    pub(crate) services: Vec<Running>,
}

impl Fleet {
    /// Starts them and waits until they answer.
    pub(crate) fn start(kit: &Kit, setup: Setup) -> Result<Self, String> {
        let fleet = Self::spawn(kit, setup)?;
        let begin = Instant::now();
        while !fleet.answers() {
            if begin.elapsed() > START {
                return Err(format!("{setup:?} does not answer; its logs are in {}", kit.work.display()));
            }
            sleep(PAUSE);
        }
        if setup.trial == Trial::Refused && setup.candidate != Candidate::Bare {
            // The first order that is not answered opens the circuit, which stays so for an hour.
            ask(fleet.first(), "POST", "/create?count=0", ORDER)?;
        }
        Ok(fleet)
    }

    /// Starts them, and waits for nothing.
    pub(crate) fn spawn(kit: &Kit, setup: Setup) -> Result<Self, String> {
        let names = if setup.trial.is_chain() { &SERVICES[..] } else { &SERVICES[..1] };
        let mut services = Vec::new();
        let mut next = match setup.trial {
            Trial::Hanging | Trial::Queued => Some(kit.sink),
            // Nobody listens there.
            Trial::Refused => Some(free_addr()?),
            _ => None,
        };
        for name in names.iter().rev() {
            let service = Running::spawn(kit, setup, name, next)?;
            next = Some(service.addr);
            services.insert(0, service);
        }
        Ok(Self { setup, services })
    }

    /// Where orders go.
    pub(crate) fn first(&self) -> SocketAddr {
        self.services[0].addr
    }

    /// Whether each of them does.
    pub(crate) fn answers(&self) -> bool {
        self.services
            .iter()
            .all(|service| ask(service.addr, "GET", "/", "").is_ok_and(|answer| answer.status == 200))
    }

    /// Sets all circuits to a mode.
    pub(crate) fn set_circuits(&self, mode: &str) -> Result<(), String> {
        let body = format!(r#"{{"mode":"{mode}"}}"#);
        // The last of the chain has nobody to call.
        let circuits = self.services.len() - usize::from(self.setup.trial.is_chain());
        for service in &self.services[..circuits] {
            let answer = ask(service.addr, "PUT", "/circuit", &body)?;
            if answer.status != 200 {
                return Err(format!("PUT /circuit: {} {}", answer.status, answer.body));
            }
        }
        Ok(())
    }

    /// Processor time of each service up to now.
    pub(crate) fn cpu(&self) -> Vec<Cpu> {
        self.services.iter().map(|service| Cpu::of(service.process.id())).collect()
    }

    /// The most memory that each service has had.
    pub(crate) fn peaks_mib(&self) -> Vec<f64> {
        self.services.iter().filter_map(|service| proc::peak_mib(service.process.id())).collect()
    }

    /// Empties the logs, which would fill the disk.
    pub(crate) fn empty_logs(&self) {
        for service in &self.services {
            let _ = service.log.set_len(0);
        }
    }

    /// An error where one of them has ended.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        for service in &mut self.services {
            if let Ok(Some(status)) = service.process.try_wait() {
                return Err(format!("{:?}: {} has ended, {status}", self.setup, service.name));
            }
        }
        Ok(())
    }
}

impl Running {
    fn spawn(kit: &Kit, setup: Setup, name: &'static str, next: Option<SocketAddr>) -> Result<Self, String> {
        let addr = free_addr()?;
        let place = setup.place();
        let mut command = match setup.candidate {
            Candidate::Stack | Candidate::NoBreaker | Candidate::Embedded => {
                Command::new(kit.ours.join(name))
            }
            Candidate::Bare => Command::new(&kit.bare),
            Candidate::Node => {
                let mut node = Command::new("node");
                node.arg(kit.node.as_deref().unwrap_or(Path::new(".")).join("service.js"));
                node
            }
        };
        command
            .env_clear()
            .envs(["PATH", "HOME"].into_iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        // As in the image of the services.
        command.env("MALLOC_ARENA_MAX", "1");
        command.env("SERVICE", name).env("ID", name).env("PORT", addr.port().to_string());
        // The last of three answers "Last"; so does the first, where it is to be alone.
        command.env("JUMPS", if setup.trial == Trial::Saved { "1" } else { "3" });
        if let Some(next) = next {
            command.env("CHAIN_SVC", format!("http://{next}/create"));
        }
        let (time_out, reset) = match setup.trial {
            Trial::Whole | Trial::Saved | Trial::Filled(_) | Trial::Queued => (LONG, 10_000),
            Trial::Hasty | Trial::Hanging => (300, 10_000),
            Trial::Refused => (LONG, 3_600_000),
        };
        command.env("BREAKER_TIMEOUT_MS", time_out.to_string()).env("BREAKER_RESET_MS", reset.to_string());
        match setup.keeping {
            Keeping::Sqlite => command.env("DATA_DIR", kit.work.join(&place)),
            kept => {
                let journal = kept == Keeping::Journaled;
                command.env("MONGO_URL", format!("{}/{place}?journal={journal}", kit.mongod.url()))
            }
        };
        let told = |error: std::io::Error| format!("{setup:?} cannot be started: {error}");
        // Appended to, so that it can be emptied while it is written.
        let path = kit.work.join(format!("{place}_{name}.log"));
        let log = OpenOptions::new().append(true).create(true).open(path).map_err(told)?;
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(told)?)
            .stderr(log.try_clone().map_err(told)?)
            .spawn()
            .map_err(told)?;
        Ok(Self { name, addr, process, log })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
