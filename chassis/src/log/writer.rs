//! Where lines of the log go: into a buffer that a thread writes to the standard output.
//!
//! A request never waits for who reads the log. What comes within some milliseconds is written in one go, which costs
//! less than a line at a time. The buffer has a limit: where nobody reads on, lines are left out, and counted. A process
//! that is killed takes the lines of its last few milliseconds with it.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// How long lines gather.
const GATHER: Duration = Duration::from_millis(20);
/// Bytes that are written without waiting for more.
const ENOUGH: usize = 32 * 1024;
/// Bytes that may wait to be written.
const LIMIT: usize = 1024 * 1024;

/// A way to the log's thread.
#[derive(Debug, Clone)]
pub(super) struct Writer(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    lines: Mutex<Lines>,
    /// There is something to write, or enough, or the end has come.
    wake: Condvar,
    /// All is written.
    done: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    waiting: Vec<u8>,
    left_out: u64,
    /// Whether the thread is about to write what it has taken.
    writing: bool,
    /// Whether somebody waits until all is written.
    ending: bool,
}

impl Writer {
    /// Starts a thread that writes to `out` for as long as the process runs.
    ///
    /// # Errors
    ///
    /// Where the operating system gives no thread.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let writer = Self(Arc::default());
        let shared = Arc::clone(&writer.0);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || shared.write(out))?;
        Ok(writer)
    }

    /// Waits until all lines are written, but no longer than this.
    pub(super) fn finish(&self, limit: Duration) {
        let mut lines = self.0.lock();
        lines.ending = true;
        self.0.wake.notify_one();
        let unwritten = |lines: &mut Lines| lines.writing || !lines.waiting.is_empty();
        let waited = self.0.done.wait_timeout_while(lines, limit, unwritten);
        waited.unwrap_or_else(PoisonError::into_inner).0.ending = false;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut out: impl Write) {
        let mut taken = Vec::new();
        loop {
            let lines = self.wake.wait_while(self.lock(), |lines| lines.waiting.is_empty());
            let lines = lines.unwrap_or_else(PoisonError::into_inner);
            let too_few = |lines: &mut Lines| lines.waiting.len() < ENOUGH && !lines.ending;
            let gathered = self.wake.wait_timeout_while(lines, GATHER, too_few);
            let mut lines = gathered.unwrap_or_else(PoisonError::into_inner).0;
            mem::swap(&mut lines.waiting, &mut taken);
            let left_out = mem::take(&mut lines.left_out);
            lines.writing = true;
            drop(lines);

            // Where nobody reads the log any more, there is nobody to tell that either.
            let _ = out.write_all(&taken);
            if left_out > 0 {
                let _ = writeln!(out, "{left_out} lines are left out here: the log is read too slowly");
            }
            let _ = out.flush();
            taken.clear();
            taken.shrink_to(2 * ENOUGH);

            self.lock().writing = false;
            self.done.notify_all();
        }
    }
}

impl Write for &Writer {
    /// Takes one line, whole or not at all.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock();
        if lines.waiting.len() + line.len() > LIMIT {
            lines.left_out += 1;
            return Ok(line.len());
        }
        let before = lines.waiting.len();
        lines.waiting.extend_from_slice(line);
        let now = lines.waiting.len();
        drop(lines);
        if before == 0 || (before < ENOUGH && now >= ENOUGH) {
            self.0.wake.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests;
