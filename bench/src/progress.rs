//! What is going on, on the standard error: one line that changes, or where nobody watches, a line a turn.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::Instant;

/// The line, and since when.
#[derive(Debug)]
pub(crate) struct Progress {
    begin: Instant,
    terminal: bool,
}

impl Progress {
    /// Begins now.
    pub(crate) fn new() -> Self {
        Self { begin: Instant::now(), terminal: stderr().is_terminal() }
    }

    /// Shows what is going on.
    pub(crate) fn show(&mut self, what: &str) {
        let seconds = self.begin.elapsed().as_secs();
        let time = format!("{:>2}:{:02}", seconds / 60, seconds % 60);
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K{time} {what}");
        } else {
            let _ = writeln!(stderr(), "{time} {what}");
        }
    }

    /// Says what stays to be read.
    pub(crate) fn say(&mut self, what: &str) {
        self.show(what);
        if self.terminal {
            let _ = writeln!(stderr());
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
