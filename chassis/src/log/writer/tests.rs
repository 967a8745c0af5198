//! Lines come out whole, in order, all of them or counted.

use super::{LIMIT, Writer};
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

/// An output that keeps what it is given, and for each write waits to be allowed to.
struct Out {
    written: Arc<Mutex<Vec<u8>>>,
    allowed: Receiver<()>,
    asked: SyncSender<()>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.asked.send(());
        let _ = self.allowed.recv();
        self.written.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Log {
    writer: Writer,
    written: Arc<Mutex<Vec<u8>>>,
    /// Dropping it allows everything.
    allow: Option<SyncSender<()>>,
    asked: Receiver<()>,
}

impl Log {
    fn new() -> Self {
        let written = Arc::default();
        let ((allow, allowed), (ask, asked)) = (sync_channel(1000), sync_channel(1000));
        let out = Out { written: Arc::clone(&written), allowed, asked: ask };
        Self { writer: Writer::start(out).expect("a thread"), written, allow: Some(allow), asked }
    }

    fn line(&self, line: &str) {
        (&self.writer).write_all(line.as_bytes()).expect("it never fails");
    }

    fn text(&self) -> String {
        String::from_utf8(self.written.lock().expect("not poisoned").clone()).expect("UTF-8")
    }
}

#[test]
fn all_lines_are_there_in_order_when_it_has_finished() {
    let mut log = Log::new();
    log.allow = None;
    let lines: Vec<String> = (0..1000).map(|number| format!("line {number}\n")).collect();
    for half in lines.chunks(500) {
        half.iter().for_each(|line| log.line(line));
        log.writer.finish(LONG);
    }
    assert_eq!(log.text(), lines.concat());
}

#[test]
fn a_line_is_written_though_nothing_follows() {
    let mut log = Log::new();
    log.allow = None;
    log.line("alone\n");
    log.asked.recv().expect("it is written without being asked to finish");
    log.writer.finish(LONG);
    assert_eq!(log.text(), "alone\n");
}

#[test]
fn where_nobody_reads_on_lines_are_left_out_and_counted_and_nobody_waits() {
    let mut log = Log::new();
    log.line("first\n");
    log.asked.recv().expect("the thread is about to write it, and stuck");
    let long = "x".repeat(LIMIT / 4 - 1) + "\n";
    for _ in 0..7 {
        log.line(&long);
    }
    log.allow = None;
    log.writer.finish(LONG);
    log.line("last\n");
    log.writer.finish(LONG);
    let told = "3 lines are left out here: the log is read too slowly\n";
    let expected = format!("first\n{}{told}last\n", long.repeat(4));
    assert!(log.text() == expected, "{:.100}…", log.text().replace('x', ""));
}

#[test]
fn an_end_does_not_wait_for_a_reader_for_ever() {
    let log = Log::new();
    log.line("stuck\n");
    log.writer.finish(Duration::from_millis(1));
    assert_eq!(log.text(), "");
    log.line("and on\n");
}
