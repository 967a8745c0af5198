//! What Linux tells of processes: processor time and memory.

use std::collections::BTreeMap;
use std::fs;

/// Milliseconds of a tick, in which Linux tells processor time to programs.
const TICK: f64 = 10.0;

/// Processor time of a process up to now.
#[derive(Debug, Clone)]
pub(crate) struct Cpu {
    /// Of all its threads, those that have ended too, in steps of a tick.
    ticks: f64,
    /// Of each thread that runs, in nanoseconds.
    threads: BTreeMap<String, u64>,
}

impl Cpu {
    /// Up to now; nothing for a process that is gone.
    pub(crate) fn of(pid: u32) -> Self {
        let mut threads = BTreeMap::new();
        for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let stat = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            if let Some(time) = stat.split(' ').next().and_then(|time| time.parse().ok()) {
                threads.insert(thread.file_name().to_string_lossy().into_owned(), time);
            }
        }
        Self { ticks: ticks(pid).unwrap_or(0.0), threads }
    }

    /// Milliseconds since the process was started.
    pub(crate) fn total(&self) -> f64 {
        self.since(&Self { ticks: 0.0, threads: BTreeMap::new() })
    }

    /// Milliseconds since then. The threads' own counts are finer, but know nothing of threads that have ended.
    pub(crate) fn since(&self, then: &Self) -> f64 {
        let spent = |(thread, time): (&String, &u64)| {
            time.saturating_sub(then.threads.get(thread).copied().unwrap_or(0))
        };
        let fine = self.threads.iter().map(spent).sum::<u64>() as f64 / 1e6;
        fine.max(self.ticks - then.ticks - TICK)
    }
}

/// User and system time in milliseconds.
fn ticks(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in parentheses, may hold blanks; user and system time are 12 and 13 words after it.
    let words = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
    Some(words.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * TICK)
}

/// The most memory that a process has had, in MiB.
pub(crate) fn peak_mib(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

/// Milliseconds of processor time that all programs together have had, and that were to be had.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    busy: f64,
    all: f64,
}

impl Machine {
    /// Up to now; `None` where the system does not tell.
    pub(crate) fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        // user, nice, system, idle, iowait, irq, softirq, steal; what follows is contained in them.
        let ticks: Vec<f64> =
            stat.lines().next()?.split_whitespace().skip(1).filter_map(|ticks| ticks.parse().ok()).collect();
        let [user, nice, system, idle, wait, irq, soft, steal] = *ticks.first_chunk()?;
        // Interrupts are mostly those of the network that we use ourselves.
        let busy = (user + nice + system + steal) * TICK;
        Some(Self { busy, all: busy + (idle + wait + irq + soft) * TICK })
    }

    /// The share of the machine that others had since then, where we have had `ours` milliseconds.
    pub(crate) fn others_since(self, then: Self, ours: f64) -> f64 {
        ((self.busy - then.busy - ours) / (self.all - then.all).max(1.0)).max(0.0)
    }
}
