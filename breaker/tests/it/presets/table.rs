//! Plays a table: circuits one after the other, set apart by empty lines; a step a line.
//!
//! | when, ms | step | state after it | source |
//!
//! Steps: `20 error`: so many calls, one after the other, each of which is let through and ends so (`ok`, `error`,
//! `timeout`, `cancelled`, `ignored`); with `in 61000` each takes so many ms, and the time goes on. `3 refused` and
//! `3 full`: so many calls that are not let through. `begin 4` and `end 2 ok`: calls that stay under way, and the oldest
//! of them end. `look`: nothing but the state.

use breaker::{Circuit, Entry, Outcome, Settings};
use std::collections::VecDeque;
use std::time::Duration;

pub(super) fn play(settings: &Settings, table: &str) {
    let mut rows = 0;
    let mut player = Player::new(settings);
    for (number, line) in table.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        if line.trim().is_empty() {
            player = Player::new(settings);
            continue;
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [at, step, state, source] = cells[..] else { panic!("line {}: four cells", number + 1) };
        assert!(!source.is_empty(), "line {}: no source", number + 1);
        player.now = player.now.max(Duration::from_millis(at.parse().expect("a time")));
        player.step(step, number + 1);
        let seen = player.circuit.snapshot(player.now).state.to_string();
        assert_eq!(seen, state, "line {}: {line}", number + 1);
        rows += 1;
    }
    assert!(rows > 10, "only {rows} rows");
}

struct Player {
    circuit: Circuit,
    now: Duration,
    under_way: VecDeque<breaker::Ticket>,
}

impl Player {
    fn new(settings: &Settings) -> Self {
        let circuit = Circuit::new(settings.clone()).expect("a preset is right");
        Self { circuit, now: Duration::ZERO, under_way: VecDeque::new() }
    }

    fn step(&mut self, step: &str, line: usize) {
        let words: Vec<_> = step.split(' ').collect();
        match words[..] {
            ["look"] => {}
            ["begin", count] => {
                for _ in 0..count.parse().expect("a number") {
                    let ticket = self.enter(line);
                    self.under_way.push_back(ticket);
                }
            }
            ["end", count, how] => {
                for _ in 0..count.parse().expect("a number") {
                    let ticket = self.under_way.pop_front().expect("one is under way");
                    self.circuit.leave(ticket, outcome(how), self.now);
                }
            }
            [count, "refused"] => {
                for _ in 0..count.parse().expect("a number") {
                    let entry = self.circuit.enter(self.now);
                    assert!(matches!(entry, Entry::Refused { .. }), "line {line}: {entry:?}");
                }
            }
            [count, "full"] => {
                for _ in 0..count.parse().expect("a number") {
                    let entry = self.circuit.enter(self.now);
                    assert!(matches!(entry, Entry::Full { .. }), "line {line}: {entry:?}");
                }
            }
            [count, how] => self.calls(count, how, Duration::ZERO, line),
            [count, how, "in", millis] => {
                let took = Duration::from_millis(millis.parse().expect("a time"));
                self.calls(count, how, took, line);
            }
            _ => panic!("line {line}: no step is called {step}"),
        }
    }

    fn calls(&mut self, count: &str, how: &str, took: Duration, line: usize) {
        for _ in 0..count.parse().expect("a number") {
            let ticket = self.enter(line);
            self.now += took;
            self.circuit.leave(ticket, outcome(how), self.now);
        }
    }

    fn enter(&self, line: usize) -> breaker::Ticket {
        match self.circuit.enter(self.now) {
            Entry::Admitted(ticket) => ticket,
            other => panic!("line {line}: let through expected, not {other:?}"),
        }
    }
}

fn outcome(how: &str) -> Outcome {
    match how {
        "ok" => Outcome::Success,
        "error" => Outcome::Failure,
        "timeout" => Outcome::Timeout,
        "cancelled" => Outcome::Cancelled,
        "ignored" => Outcome::Ignored,
        other => panic!("no call ends {other}"),
    }
}
