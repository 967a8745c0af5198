//! Two threads that stay on their cores, and do what they are given.
//!
//! Each has a tokio runtime of its own, entered and never run: time-outs find their timers, and two threads do not
//! meet in one timer wheel.

use core_affinity::CoreId;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// The threads that calls are made on.
pub(crate) struct Crew {
    members: Vec<SyncSender<Job>>,
    pinned: bool,
}

impl Crew {
    /// One thread a core, two at most; on the first two where none are named.
    pub(crate) fn new(named: &[usize]) -> Self {
        let mut cores = core_affinity::get_core_ids().unwrap_or_default();
        if !named.is_empty() {
            cores = named.iter().map(|&id| CoreId { id }).collect();
        }
        cores.truncate(2);
        if cores.is_empty() {
            cores.push(CoreId { id: 0 });
        }
        let (members, pinned): (Vec<_>, Vec<_>) = cores.into_iter().map(member).unzip();
        Self { members, pinned: pinned.into_iter().all(|pinned| pinned) }
    }

    /// Whether there are two.
    pub(crate) fn is_pair(&self) -> bool {
        self.members.len() == 2
    }

    /// Whether every thread could be bound to its core.
    pub(crate) fn pinned(&self) -> bool {
        self.pinned
    }

    /// Has the first thread do something, and waits for it.
    pub(crate) fn alone<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        self.on(0, job)
    }

    /// The same with one of them.
    pub(crate) fn on<T: Send + 'static>(&self, at: usize, job: impl FnOnce() -> T + Send + 'static) -> T {
        answer(&self.begin(at, job))
    }

    /// Has both do something, and waits for both.
    pub(crate) fn together<T: Send + 'static>(
        &self,
        jobs: [impl FnOnce() -> T + Send + 'static; 2],
    ) -> [T; 2] {
        let mut at = 0..;
        let answers = jobs.map(|job| self.begin(at.next().unwrap_or_default(), job));
        answers.map(|given| answer(&given))
    }

    fn begin<T: Send + 'static>(&self, at: usize, job: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
        let (give, given) = channel();
        let job = Box::new(move || give.send(job()).expect("somebody waits for the answer"));
        self.members[at].send(job).expect("a thread of the crew takes what it is given");
        given
    }
}

fn answer<T>(given: &Receiver<T>) -> T {
    given.recv().expect("a thread of the crew panicked; its message stands above")
}

fn member(core: CoreId) -> (SyncSender<Job>, bool) {
    // Bounded, and so without allocations that the counting process would see.
    let (give, given) = sync_channel::<Job>(8);
    let (say, said) = channel();
    thread::spawn(move || {
        say.send(core_affinity::set_for_current(core)).expect("the crew waits for its members");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime without threads");
        let _entered = runtime.enter();
        for job in given {
            job();
        }
    });
    (give, said.recv().unwrap_or(false))
}
