//! A program run for a test: known environment, output kept, signals, and an end for certain.
//!
//! The child is std's, not tokio's: dropping a tokio child leaves the reaping to a runtime that may be gone, while
//! here the process is dead and reaped when `drop` returns, so that its directory can be removed after it.

mod output;

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::time::{sleep, timeout};

use output::Output;

const LINE_LIMIT: Duration = Duration::from_secs(30);
const SIGNAL_LIMIT: Duration = Duration::from_secs(15);
const END_LIMIT: Duration = Duration::from_secs(60);
/// How long the rest of the output is awaited after the end: a grandchild may hold the pipe open for ever.
const OUTPUT_LIMIT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// A program that runs. Dropping it kills it with SIGKILL and reaps it.
#[derive(Debug)]
pub struct Process {
    program: String,
    child: Child,
    output: Output,
}

impl Process {
    /// Starts `program` with no environment but `env`, `PATH` and `HOME`, and nothing on its standard input.
    ///
    /// # Panics
    ///
    /// Where it cannot be started, and outside a tokio runtime.
    pub fn spawn(program: impl AsRef<Path>, args: &[&str], env: &[(&str, &str)]) -> Self {
        let program = program.as_ref();
        let inherited = ["PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let started = Command::new(program)
            .args(args)
            .env_clear()
            .envs(inherited)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let program = program.display().to_string();
        let mut child = started.unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let output = Output::read([stdout.into(), stderr.into()]);
        Self { program, child, output }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Bytes of memory that it has in use.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(self.about("status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib << 10
    }

    /// How many files it has open, sockets included.
    pub fn files(&self) -> usize {
        std::fs::read_dir(self.about("fd")).expect("it runs").count()
    }

    fn about(&self, what: &str) -> String {
        format!("/proc/{}/{what}", self.id())
    }

    /// The last 10,000 lines of standard output and error, in the order they were read.
    pub fn lines(&self) -> Vec<String> {
        self.output.lines()
    }

    /// The first line, seen so far or to come, that `wanted` says yes to.
    ///
    /// # Panics
    ///
    /// After 30 s, or as soon as the output has ended without it. Shows all the output.
    pub async fn wait_for_line(&self, wanted: impl FnMut(&str) -> bool) -> String {
        match timeout(LINE_LIMIT, self.output.find(wanted)).await {
            Ok(Some(line)) => line,
            Ok(None) => panic!("the output has ended without the awaited line\n{}", self.told()),
            Err(_) => panic!("waited {LINE_LIMIT:?} in vain for a line\n{}", self.told()),
        }
    }

    /// The exit status, where the process has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child can be waited for")
    }

    /// Waits for the process to end by itself. Panics after 60 s.
    pub async fn wait(&mut self) -> ExitStatus {
        self.reap(END_LIMIT, "the wait began").await
    }

    /// Sends SIGTERM and waits for the end. Panics where it has ended already, and after 15 s.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.reap(SIGNAL_LIMIT, "SIGTERM").await
    }

    /// Sends SIGINT, as Ctrl-C does, and waits for the end. Panics where it has ended already, and after 15 s.
    pub async fn interrupt(&mut self) -> ExitStatus {
        self.signal(Signal::SIGINT);
        self.reap(SIGNAL_LIMIT, "SIGINT").await
    }

    /// Sends SIGKILL and waits for the end. Where the process has ended already, nothing happens.
    pub async fn kill(&mut self) {
        self.child.kill().expect("our own child can be killed");
        self.reap(SIGNAL_LIMIT, "SIGKILL").await;
    }

    /// Stops the process with SIGSTOP: when this returns it does nothing more, though its port still accepts.
    pub fn pause(&mut self) {
        self.signal(Signal::SIGSTOP);
        // No limit is needed: the kernel stops it whatever it is doing.
        let stopped = waitpid(self.pid(), Some(WaitPidFlag::WUNTRACED));
        let Ok(WaitStatus::Stopped(..)) = stopped else {
            panic!("SIGSTOP did not stop it: {stopped:?}\n{}", self.told())
        };
    }

    /// Lets a paused process go on, with SIGCONT.
    pub fn resume(&mut self) {
        self.signal(Signal::SIGCONT);
    }

    /// What the process is and what it said, for a panic.
    pub(crate) fn told(&self) -> String {
        let lines = self.output.lines();
        format!("--- {} ({}), {} lines:\n{}\n---", self.program, self.id(), lines.len(), lines.join("\n"))
    }

    fn signal(&mut self, signal: Signal) {
        if let Some(status) = self.ended() {
            panic!("cannot send {signal}: it has ended, {status}\n{}", self.told());
        }
        kill(self.pid(), signal).expect("our own child can be signalled");
    }

    async fn reap(&mut self, limit: Duration, since: &str) -> ExitStatus {
        let ended = timeout(limit, async {
            loop {
                if let Some(status) = self.ended() {
                    return status;
                }
                sleep(PAUSE).await;
            }
        });
        let Ok(status) = ended.await else { panic!("still runs {limit:?} after {since}\n{}", self.told()) };
        let _ = timeout(OUTPUT_LIMIT, self.output.ended()).await;
        status
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.id()).expect("process ids are positive 32-bit numbers"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
