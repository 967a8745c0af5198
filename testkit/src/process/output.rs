//! What a process writes: both streams, line by line, the last of them kept.
//!
//! The lines are read as they come, so that a talkative process never blocks on a full pipe, and kept in a `watch`, so
//! that a test can look back and wait for more with the same call.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::watch;
use tokio::task::JoinSet;

const KEPT_LINES: usize = 10_000;

/// The output of a process. Dropping it ends the reading.
#[derive(Debug)]
pub(crate) struct Output {
    tail: Arc<watch::Sender<Tail>>,
    _readers: JoinSet<()>,
}

impl Output {
    pub(crate) fn read(streams: [OwnedFd; 2]) -> Self {
        let tail =
            Arc::new(watch::Sender::new(Tail { lines: VecDeque::new(), forgotten: 0, open: streams.len() }));
        let mut readers = JoinSet::new();
        for stream in streams {
            let stream = pipe::Receiver::from_owned_fd(stream).expect("the read end of a pipe");
            readers.spawn(read(stream, tail.clone()));
        }
        Self { tail, _readers: readers }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.tail.borrow().lines.iter().cloned().collect()
    }

    /// The first line that `wanted` says yes to; none once both streams have ended without it.
    pub(crate) async fn find(&self, mut wanted: impl FnMut(&str) -> bool) -> Option<String> {
        let mut tail = self.tail.subscribe();
        let mut seen = 0;
        loop {
            let (fresh, open) = {
                let tail = tail.borrow_and_update();
                let fresh: Vec<String> = tail.since(seen).cloned().collect();
                seen = tail.forgotten + tail.lines.len();
                (fresh, tail.open)
            };
            let found = fresh.into_iter().find(|line| wanted(line));
            if found.is_some() || open == 0 {
                return found;
            }
            tail.changed().await.expect("the sender is ours");
        }
    }

    /// Waits until both streams have ended.
    pub(crate) async fn ended(&self) {
        self.tail.subscribe().wait_for(|tail| tail.open == 0).await.expect("the sender is ours");
    }
}

#[derive(Debug)]
struct Tail {
    lines: VecDeque<String>,
    forgotten: usize,
    open: usize,
}

impl Tail {
    fn push(&mut self, line: String) {
        if self.lines.len() == KEPT_LINES {
            self.lines.pop_front();
            self.forgotten += 1;
        }
        self.lines.push_back(line);
    }

    /// The lines from the `seen`th on, counted from the beginning of the output.
    fn since(&self, seen: usize) -> impl Iterator<Item = &String> {
        self.lines.iter().skip(seen.saturating_sub(self.forgotten))
    }
}

async fn read(stream: pipe::Receiver, tail: Arc<watch::Sender<Tail>>) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
        tail.send_modify(|tail| tail.push(text));
        line.clear();
    }
    tail.send_modify(|tail| tail.open -= 1);
}
