//! A real MongoDB server, with data of its own, that can be killed and started again.
//!
//! It runs on a free port in a fresh directory, so that tests run side by side. Its end is always SIGKILL: a store has
//! to bear that, and the test does not wait for a shutdown.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::{Process, free_port};

const START_LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);
/// How often another port is tried where someone was quicker.
const PORTS_TRIED: usize = 5;
/// mongod's exit code where it cannot listen.
const EXIT_PORT_TAKEN: i32 = 48;
const LOG_LINES_SHOWN: usize = 30;

/// A MongoDB server. Dropping it kills it and removes its data.
#[derive(Debug)]
pub struct Mongod {
    // Dropped in this order: the directory goes when the process is gone.
    process: Process,
    addr: SocketAddr,
    program: PathBuf,
    dir: TempDir,
}

impl Mongod {
    /// Starts a server with no data and waits until it accepts connections.
    ///
    /// The program is what `MONGOD` names, else the `mongod` on `PATH`, else `target/tools/mongod` of the workspace.
    ///
    /// # Panics
    ///
    /// Where there is none, and where it does not accept within 30 s; then with the end of its log.
    pub async fn start() -> Self {
        let program = find();
        let dir =
            tempfile::Builder::new().prefix("testkit-mongod-").tempdir().expect("a temporary directory");
        for _ in 0..PORTS_TRIED {
            let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
            let mut process = run(&program, dir.path(), addr);
            match accepting(&mut process, addr).await {
                Ok(()) => return Self { process, addr, program, dir },
                Err(Silence::PortTaken) => {}
                Err(silence) => fail(&silence, &process, dir.path()),
            }
        }
        panic!("mongod found its port taken, {PORTS_TRIED} times, each time another one")
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `mongodb://127.0.0.1:port`, without a database.
    pub fn url(&self) -> String {
        format!("mongodb://{}", self.addr)
    }

    /// Kills it with SIGKILL. Its data stay.
    pub async fn kill(&mut self) {
        self.process.kill().await;
    }

    /// Starts it again, on the same port and the same data, and waits until it accepts. Kills it first where it runs.
    pub async fn restart(&mut self) {
        self.process.kill().await;
        self.process = run(&self.program, self.dir.path(), self.addr);
        if let Err(silence) = accepting(&mut self.process, self.addr).await {
            fail(&silence, &self.process, self.dir.path());
        }
    }
}

/// Why a mongod does not accept.
#[derive(Debug)]
enum Silence {
    PortTaken,
    Ended(std::process::ExitStatus),
    TooLong,
}

fn find() -> PathBuf {
    if let Some(named) = std::env::var_os("MONGOD").map(PathBuf::from) {
        assert!(named.is_file(), "MONGOD names {}, which is no file", named.display());
        return named;
    }
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/mongod");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|dir| dir.join("mongod"));
    on_path.chain([fetched]).find(|program| program.is_file()).unwrap_or_else(|| {
        panic!(
            "these tests need a mongod, and there is none on PATH, in target/tools or named by MONGOD: \
             run `scripts/test`, which fetches one, or install MongoDB"
        )
    })
}

fn run(program: &Path, dir: &Path, addr: SocketAddr) -> Process {
    let log = log(dir);
    let [dir, log] = [dir, &log].map(|path| path.to_str().expect("a temporary path is UTF-8"));
    let (ip, port) = (addr.ip().to_string(), addr.port().to_string());
    let place = ["--dbpath", dir, "--bind_ip", &ip, "--port", &port, "--nounixsocket"];
    let manner = ["--quiet", "--logpath", log, "--wiredTigerCacheSizeGB", "0.25"];
    Process::spawn(program, &[&place[..], &manner[..]].concat(), &[])
}

async fn accepting(process: &mut Process, addr: SocketAddr) -> Result<(), Silence> {
    let waited = timeout(START_LIMIT, async {
        loop {
            if let Some(status) = process.ended() {
                let taken = status.code() == Some(EXIT_PORT_TAKEN);
                return Err(if taken { Silence::PortTaken } else { Silence::Ended(status) });
            }
            if accepts(addr).await {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
    });
    waited.await.unwrap_or(Err(Silence::TooLong))
}

/// Whether someone accepts there. A socket can reach itself, when the kernel happens to give it the very port it
/// calls: that is nobody.
async fn accepts(addr: SocketAddr) -> bool {
    match TcpStream::connect(addr).await {
        Ok(stream) => stream.local_addr().is_ok_and(|ours| ours != addr),
        Err(_) => false,
    }
}

fn fail(silence: &Silence, process: &Process, dir: &Path) -> ! {
    let why = match silence {
        Silence::PortTaken => "its port is taken".to_owned(),
        Silence::Ended(status) => format!("it has ended, {status}"),
        Silence::TooLong => format!("waited {START_LIMIT:?}"),
    };
    let log = std::fs::read_to_string(log(dir)).unwrap_or_else(|error| format!("no log: {error}"));
    let lines: Vec<&str> = log.lines().collect();
    let end = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n");
    panic!("mongod does not accept connections: {why}\n{}\nend of its log:\n{end}", process.told())
}

fn log(dir: &Path) -> PathBuf {
    dir.join("mongod.log")
}
