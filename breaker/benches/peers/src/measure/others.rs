//! How much of the machine other programs took meanwhile, as Linux tells it.

use std::fs;

/// Ticks of processor time since the machine and this process were started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticks {
    all: u64,
    idle: u64,
    own: u64,
}

impl Ticks {
    /// Up to now; `None` where the system does not tell.
    pub(super) fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        // user, nice, system, idle, iowait, irq, softirq, steal; what follows is contained in them.
        let all: Vec<u64> = stat
            .lines()
            .next()?
            .split_whitespace()
            .skip(1)
            .take(8)
            .filter_map(|ticks| ticks.parse().ok())
            .collect();
        let own = fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program, in parentheses, may hold blanks; user and system time are 12 and 13 words after it.
        let own = own.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
        let own = own.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Some(Self { all: all.iter().sum(), idle: all.get(3)? + all.get(4)?, own })
    }

    /// The share of the machine that others had since then.
    pub(super) fn others_since(self, then: Self) -> f64 {
        let all = self.all.saturating_sub(then.all).max(1);
        let (idle, own) = (self.idle.saturating_sub(then.idle), self.own.saturating_sub(then.own));
        all.saturating_sub(idle + own) as f64 / all as f64
    }
}
