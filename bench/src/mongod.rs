//! The MongoDB server that all candidates share.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// A server that runs. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Mongod {
    process: Child,
    addr: SocketAddr,
}

impl Mongod {
    /// Starts it on a free port, with its data in a folder.
    pub(crate) fn start(program: &Path, folder: &Path) -> Result<Self, String> {
        let told = |error: std::io::Error| format!("{} cannot be started: {error}", program.display());
        let data = folder.join("mongod");
        std::fs::create_dir_all(&data).map_err(told)?;
        let log = File::create(folder.join("mongod.log")).map_err(told)?;
        let addr = free_addr()?;
        let process = Command::new(program)
            .arg("--dbpath")
            .arg(&data)
            .args(["--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet", "--wiredTigerCacheSizeGB", "1"])
            .args(["--port", &addr.port().to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(told)?)
            .stderr(log)
            .spawn()
            .map_err(told)?;
        let mut mongod = Self { process, addr };
        let begin = Instant::now();
        while TcpStream::connect(addr).is_err() {
            if mongod.process.try_wait().map_err(told)?.is_some() || begin.elapsed() > START {
                return Err(format!("{} does not accept connections", program.display()));
            }
            sleep(PAUSE);
        }
        Ok(mongod)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Without a database.
    pub(crate) fn url(&self) -> String {
        format!("mongodb://{}", self.addr)
    }
}

impl Drop for Mongod {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An address of this machine on which nobody listens.
pub(crate) fn free_addr() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.and_then(|listener| listener.local_addr()).map_err(|error| format!("no free port: {error}"))
}
