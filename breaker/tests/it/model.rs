//! Random traffic, against a model that keeps every event in a list and counts it anew each time it is asked.

use breaker::{Circuit, Counts, Entry, Outcome, Permit, Settings, State};
use proptest::prelude::*;
use std::time::Duration;

const BUCKET: u64 = 100;
const BUCKETS: u64 = 5;
const RESET: u64 = 700;

#[derive(Debug, Clone, Copy)]
enum Op {
    Wait(u64),
    Enter,
    Leave { which: usize, outcome: Outcome },
    Open,
    Close,
}

fn op() -> impl Strategy<Value = Op> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Success),
        3 => Just(Outcome::Failure),
        1 => Just(Outcome::Timeout),
        1 => Just(Outcome::Cancelled),
    ];
    prop_oneof![
        4 => (0_u64..400).prop_map(Op::Wait),
        1 => (0_u64..5_000).prop_map(Op::Wait),
        8 => Just(Op::Enter),
        8 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Op::Leave { which, outcome }),
        1 => Just(Op::Open),
        1 => Just(Op::Close),
    ]
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Fire,
    Success,
    Failure,
    Timeout,
    Reject,
    Locked,
}

/// The rules again, as plainly as they can be said.
struct Model {
    threshold: f64,
    volume: u64,
    capacity: u32,
    log: Vec<(u64, Kind)>,
    state: State,
    turns: u64,
    half_open_at: u64,
    probing: bool,
    under_way: u32,
}

impl Model {
    fn count(&self, kind: Kind, now: u64) -> u64 {
        let oldest = (now / BUCKET).saturating_sub(BUCKETS - 1);
        self.log.iter().filter(|(at, what)| *what == kind && at / BUCKET >= oldest).count() as u64
    }

    fn counts(&self, now: u64) -> Counts {
        Counts {
            fires: self.count(Kind::Fire, now),
            successes: self.count(Kind::Success, now),
            failures: self.count(Kind::Failure, now),
            timeouts: self.count(Kind::Timeout, now),
            rejects: self.count(Kind::Reject, now),
            fallbacks: 0,
            semaphore_rejections: self.count(Kind::Locked, now),
        }
    }

    fn turn(&mut self, to: State, now: u64) {
        if self.state != to {
            self.state = to;
            self.turns += 1;
            self.probing = false;
            self.half_open_at = now + RESET;
        }
    }

    fn tick(&mut self, now: u64) {
        if self.state == State::Open && now >= self.half_open_at {
            self.turn(State::HalfOpen, now);
        }
    }

    fn enter(&mut self, now: u64) -> &'static str {
        self.log.push((now, Kind::Fire));
        if self.state == State::Open || self.probing {
            self.log.push((now, Kind::Reject));
            return "refused";
        }
        self.probing = self.state == State::HalfOpen;
        if self.under_way == self.capacity {
            self.log.push((now, Kind::Locked));
            self.fail(now);
            return "full";
        }
        self.under_way += 1;
        "admitted"
    }

    fn leave(&mut self, turn: u64, outcome: Outcome, now: u64) {
        self.under_way -= 1;
        if turn != self.turns {
            return;
        }
        match outcome {
            Outcome::Success => {
                self.log.push((now, Kind::Success));
                self.turn(State::Closed, now);
            }
            Outcome::Failure => self.fail(now),
            Outcome::Timeout => {
                self.log.push((now, Kind::Timeout));
                self.fail(now);
            }
            Outcome::Cancelled => self.probing = false,
        }
    }

    fn fail(&mut self, now: u64) {
        self.log.push((now, Kind::Failure));
        let (fires, failures) = (self.count(Kind::Fire, now), self.count(Kind::Failure, now));
        let over = fires >= self.volume && failures as f64 / fires as f64 * 100.0 > self.threshold;
        if over || self.state == State::HalfOpen {
            self.turn(State::Open, now);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_circuit_does_what_the_model_does(
        threshold in prop_oneof![Just(0.0), Just(25.0), Just(50.0), Just(100.0)],
        volume in 0_u64..6,
        capacity in 1_u32..4,
        ops in prop::collection::vec(op(), 1..120),
    ) {
        let mut circuit = Circuit::new(Settings {
            error_threshold: threshold,
            volume,
            capacity: Some(capacity),
            reset: Duration::from_millis(RESET),
            window: Duration::from_millis(BUCKET * BUCKETS),
            buckets: BUCKETS as u32,
            ..Settings::default()
        }).expect("these settings are right");
        let mut model = Model {
            threshold, volume, capacity,
            log: Vec::new(), state: State::Closed, turns: 0, half_open_at: 0, probing: false, under_way: 0,
        };
        let mut permits: Vec<(u64, Permit)> = Vec::new();
        let mut millis = 0;
        for op in ops {
            if let Op::Wait(time) = op {
                millis += time;
            }
            let now = Duration::from_millis(millis);
            model.tick(millis);
            match op {
                Op::Wait(_) => drop(circuit.tick(now)),
                Op::Enter => {
                    let expected = model.enter(millis);
                    let entry = match circuit.enter(now) {
                        Entry::Admitted(permit) => {
                            permits.push((model.turns, permit));
                            "admitted"
                        }
                        Entry::Refused { .. } => "refused",
                        Entry::Full { .. } => "full",
                        Entry::Bypassed => "bypassed",
                    };
                    prop_assert_eq!(entry, expected);
                }
                Op::Leave { which, outcome } => {
                    if !permits.is_empty() {
                        let (turn, permit) = permits.swap_remove(which % permits.len());
                        model.leave(turn, outcome, millis);
                        circuit.leave(permit, outcome, now);
                    }
                }
                Op::Open => {
                    model.turn(State::Open, millis);
                    circuit.open(now);
                }
                Op::Close => {
                    model.turn(State::Closed, millis);
                    circuit.close(now);
                }
            }
            let snapshot = circuit.snapshot(now);
            prop_assert_eq!(snapshot.state, model.state);
            prop_assert_eq!(snapshot.turns, model.turns);
            prop_assert_eq!(snapshot.in_flight, model.under_way);
            prop_assert_eq!(snapshot.counts, model.counts(millis));
        }
    }
}
