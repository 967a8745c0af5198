//! Programs of a line of shell each: what they say is heard, what they are sent arrives, and none outlives its test.
//!
//! `sh` becomes `sleep` by `exec` where it is killed, so that no grandchild is left behind.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use nix::sys::signal::kill;
use nix::unistd::Pid;
use testkit::{Process, eventually};

/// Says what signal it got, and exits with 3.
const LISTENS: &str = "trap 'echo term; exit 3' TERM; trap 'echo int; exit 4' INT; echo ready; \
                       while :; do sleep 0.05; done";
const SLEEPS: &str = "echo ready; exec sleep 300";

fn sh(script: &str) -> Process {
    Process::spawn("sh", &["-c", script], &[])
}

async fn ready(script: &str) -> Process {
    let process = sh(script);
    process.wait_for_line(|line| line == "ready").await;
    process
}

fn exists(id: u32) -> bool {
    kill(Pid::from_raw(id.cast_signed()), None).is_ok()
}

/// The state letter of `/proc/<id>/stat`.
fn state(id: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[tokio::test]
async fn hears_both_streams_to_the_end() {
    let mut process = sh("echo out; echo err >&2; printf 'no newline'; exit 7");
    assert_eq!(process.wait().await.code(), Some(7));
    let mut lines = process.lines();
    lines.sort();
    assert_eq!(lines, ["err", "no newline", "out"]);
}

#[tokio::test]
async fn a_line_is_found_whether_past_or_to_come() {
    let process = sh("echo first; sleep 0.2; echo second; exec sleep 300");
    assert_eq!(process.wait_for_line(|line| line.starts_with("se")).await, "second");
    assert_eq!(process.wait_for_line(|line| line.starts_with("fi")).await, "first");
}

#[tokio::test]
#[should_panic(expected = "the output has ended without the awaited line\n--- sh")]
async fn an_ended_process_is_not_waited_for() {
    sh("echo something else").wait_for_line(|line| line == "ready").await;
}

#[tokio::test]
#[should_panic(expected = "something else")]
async fn the_output_is_shown() {
    sh("echo something else").wait_for_line(|line| line == "ready").await;
}

#[tokio::test]
async fn keeps_the_last_ten_thousand_lines() {
    let mut process = sh("seq 1 24999; sleep 0.2; echo 25000");
    assert_eq!(process.wait_for_line(|line| line == "25000").await, "25000");
    process.wait().await;
    let lines = process.lines();
    assert_eq!((lines.len(), lines[0].as_str()), (10_000, "15001"));
}

#[tokio::test]
async fn the_environment_is_the_one_given() {
    let mut process = Process::spawn("env", &[], &[("ANSWER", "42")]);
    assert!(process.wait().await.success());
    let mut names: Vec<String> =
        process.lines().iter().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    names.sort();
    assert_eq!(names, ["ANSWER", "HOME", "PATH"]);
}

#[tokio::test]
async fn is_asked_to_end() {
    let mut process = ready(LISTENS).await;
    assert_eq!(process.terminate().await.code(), Some(3));
    assert_eq!(process.lines(), ["ready", "term"]);

    let mut process = ready(LISTENS).await;
    assert_eq!(process.interrupt().await.code(), Some(4));
    assert_eq!(process.lines(), ["ready", "int"]);
}

#[tokio::test]
#[should_panic(expected = "cannot send SIGTERM: it has ended, exit status: 1")]
async fn an_ended_process_cannot_be_asked() {
    let mut process = sh("echo 'bad settings'; exit 1");
    process.wait().await;
    process.terminate().await;
}

#[tokio::test]
async fn is_killed_more_than_once() {
    let mut process = ready(SLEEPS).await;
    assert!(process.ended().is_none());
    process.kill().await;
    assert_eq!(process.ended().and_then(|status| status.signal()), Some(9));
    process.kill().await;
    assert_eq!(process.wait().await.signal(), Some(9));
}

#[tokio::test]
async fn is_paused_and_goes_on() {
    let mut process = ready(SLEEPS).await;
    process.pause();
    assert_eq!(state(process.id()), Some('T'));
    process.resume();
    eventually("going on", Duration::from_secs(5), async || (state(process.id()) != Some('T')).then_some(()))
        .await;
    process.pause();
    process.kill().await;
}

#[tokio::test]
async fn is_gone_when_dropped() {
    let mut process = ready(SLEEPS).await;
    let id = process.id();
    process.pause();
    assert!(exists(id));
    drop(process);
    assert!(!exists(id));
}

#[test]
#[should_panic(expected = "cannot start /no/such/program")]
fn what_does_not_exist_cannot_be_started() {
    Process::spawn("/no/such/program", &[], &[]);
}
