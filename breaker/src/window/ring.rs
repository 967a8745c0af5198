//! The last so many calls, each as two flags.

use std::collections::VecDeque;

/// How the last calls ended; slides call by call.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    ends: VecDeque<End>,
    most: usize,
    failures: u64,
    slow: u64,
}

#[derive(Debug, Clone, Copy)]
struct End {
    failed: bool,
    slow: bool,
}

impl Ring {
    /// Takes in at most so many, and forgets the oldest where there are more. Zero: no ring.
    pub(crate) fn hold(&mut self, most: usize) {
        self.most = most;
        while self.ends.len() > most {
            self.forget();
        }
        if most == 0 {
            self.ends = VecDeque::new();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        (self.failures, self.slow) = (0, 0);
    }

    pub(crate) fn push(&mut self, failed: bool, slow: bool) {
        if self.most == 0 {
            return;
        }
        if self.ends.len() == self.most {
            self.forget();
        }
        self.ends.push_back(End { failed, slow });
        self.failures += u64::from(failed);
        self.slow += u64::from(slow);
    }

    fn forget(&mut self) {
        if let Some(end) = self.ends.pop_front() {
            self.failures -= u64::from(end.failed);
            self.slow -= u64::from(end.slow);
        }
    }

    /// All, failed and slow ones.
    pub(crate) fn sums(&self) -> (u64, u64, u64) {
        (self.ends.len() as u64, self.failures, self.slow)
    }
}
