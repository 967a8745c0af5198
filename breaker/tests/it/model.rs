//! Random traffic, against a model that keeps every event in a list and counts it anew each time it is asked.

use breaker::{
    Circuit, Counts, Entry, Mode, Outcome, Settings, State, Threshold, Ticket, Trip, WarmUp, Window,
};
use proptest::prelude::*;
use std::time::Duration;

const BUCKET: u64 = 100;
const BUCKETS: u64 = 5;
const RESET: u64 = 700;
const TIMEOUT: u64 = 300;

#[derive(Debug, Clone, Copy)]
enum Op {
    /// Time passes; some look at the clock then, some do not.
    Wait {
        time: u64,
        tick: bool,
    },
    Enter,
    FallBack,
    Leave {
        which: usize,
        outcome: Outcome,
    },
    Open,
    Close,
    Enable,
    Disable,
}

fn op() -> impl Strategy<Value = Op> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Success),
        3 => Just(Outcome::Failure),
        1 => Just(Outcome::Timeout),
        1 => Just(Outcome::Cancelled),
    ];
    prop_oneof![
        4 => (0_u64..400, any::<bool>()).prop_map(|(time, tick)| Op::Wait { time, tick }),
        1 => (0_u64..5_000, any::<bool>()).prop_map(|(time, tick)| Op::Wait { time, tick }),
        8 => Just(Op::Enter),
        8 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Op::Leave { which, outcome }),
        1 => Just(Op::Open),
        1 => Just(Op::Close),
        1 => Just(Op::FallBack),
        1 => prop_oneof![1 => Just(Op::Disable), 3 => Just(Op::Enable)],
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
    Fallback,
    Locked,
}

/// The rules again, as plainly as they can be said.
struct Model {
    threshold: f64,
    volume: u64,
    capacity: u32,
    warm_up: u64,
    log: Vec<(u64, Kind)>,
    state: State,
    turns: u64,
    half_open_at: u64,
    /// The probe under way: its number, and until when it has its place.
    probing: Option<(u64, u64)>,
    probes: u64,
    under_way: u32,
    disabled: bool,
}

impl Model {
    fn count(&self, kind: Kind, now: u64) -> u64 {
        let oldest = (now / BUCKET).saturating_sub(BUCKETS - 1);
        self.log.iter().filter(|(at, what)| *what == kind && at / BUCKET >= oldest).count() as u64
    }

    fn counts(&self, now: u64) -> Counts {
        let mut counts = Counts::default();
        counts.fires = self.count(Kind::Fire, now);
        counts.successes = self.count(Kind::Success, now);
        counts.failures = self.count(Kind::Failure, now);
        counts.timeouts = self.count(Kind::Timeout, now);
        counts.rejects = self.count(Kind::Reject, now);
        counts.fallbacks = self.count(Kind::Fallback, now);
        counts.semaphore_rejections = self.count(Kind::Locked, now);
        counts
    }

    fn turn(&mut self, to: State, now: u64) {
        if self.state != to {
            self.state = to;
            self.turns += 1;
            self.probing = None;
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
        if self.disabled {
            return "bypassed";
        }
        if self.state == State::Open || self.probing.is_some_and(|(_, end)| now < end) {
            self.log.push((now, Kind::Reject));
            return "refused";
        }
        if self.state == State::HalfOpen {
            self.probes += 1;
            self.probing = Some((self.probes, now + 2 * TIMEOUT));
        }
        if self.under_way == self.capacity {
            self.log.push((now, Kind::Locked));
            self.fail(now);
            return "full";
        }
        self.under_way += 1;
        "admitted"
    }

    /// A late call is one that was let through in another state, or a probe that was given up.
    fn leave(&mut self, turn: u64, probe: u64, outcome: Outcome, now: u64) {
        self.under_way -= 1;
        let given_up =
            self.state == State::HalfOpen && self.probing.is_none_or(|(number, _)| number != probe);
        if turn != self.turns || given_up {
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
            Outcome::Panicked | Outcome::Abandoned => self.fail(now),
            Outcome::Cancelled | Outcome::Ignored => self.probing = None,
        }
    }

    fn fail(&mut self, now: u64) {
        self.log.push((now, Kind::Failure));
        let (fires, failures) = (self.count(Kind::Fire, now), self.count(Kind::Failure, now));
        let over = fires >= self.volume && failures as f64 / fires as f64 * 100.0 > self.threshold;
        if (over && now >= self.warm_up) || self.state == State::HalfOpen {
            self.turn(State::Open, now);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::times(2_000, 2), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_circuit_does_what_the_model_does(
        threshold in prop_oneof![Just(0.0), Just(25.0), Just(50.0), Just(100.0)],
        volume in 0_u64..6,
        capacity in 1_u32..4,
        warm_up in prop_oneof![3 => Just(0_u64), 1 => Just(2_000)],
        ops in prop::collection::vec(op(), 1..crate::times(120, 30)),
    ) {
        let circuit = Circuit::new(Settings {
            trip: Trip::Errors(Threshold::Above(threshold)),
            volume,
            capacity: Some(capacity),
            reset: Duration::from_millis(RESET),
            window: Window::Time { length: Duration::from_millis(BUCKET * BUCKETS), buckets: BUCKETS as u32 },
            timeout: Some(Duration::from_millis(TIMEOUT)),
            warm_up: if warm_up == 0 { WarmUp::Off } else { WarmUp::For(Duration::from_millis(warm_up)) },
            ..Settings::default()
        }).expect("these settings are right");
        let mut model = Model {
            threshold, volume, capacity, warm_up,
            log: Vec::new(), state: State::Closed, turns: 0, half_open_at: 0, probing: None, probes: 0, under_way: 0,
            disabled: false,
        };
        let mut tickets: Vec<(u64, u64, Ticket)> = Vec::new();
        let mut millis = 0;
        for op in ops {
            if let Op::Wait { time, .. } = op {
                millis += time;
            }
            let now = Duration::from_millis(millis);
            model.tick(millis);
            match op {
                Op::Wait { tick, .. } => {
                    if tick {
                        circuit.tick(now);
                    }
                }
                Op::FallBack => {
                    model.log.push((millis, Kind::Fallback));
                    circuit.fall_back(now);
                }
                Op::Enable => {
                    model.disabled = false;
                    circuit.set_mode(Mode::Auto);
                }
                Op::Disable => {
                    model.disabled = true;
                    circuit.set_mode(Mode::Disabled);
                }
                Op::Enter => {
                    let expected = model.enter(millis);
                    let entry = match circuit.enter(now) {
                        Entry::Admitted(ticket) => {
                            tickets.push((model.turns, model.probes, ticket));
                            "admitted"
                        }
                        Entry::Refused { .. } => "refused",
                        Entry::Full { .. } => "full",
                        Entry::Bypassed => "bypassed",
                    };
                    prop_assert_eq!(entry, expected);
                }
                Op::Leave { which, outcome } => {
                    if !tickets.is_empty() {
                        let (turn, probe, ticket) = tickets.swap_remove(which % tickets.len());
                        model.leave(turn, probe, outcome, millis);
                        circuit.leave(ticket, outcome, now);
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
            prop_assert_eq!(snapshot.mode == Mode::Disabled, model.disabled);
            let probe_in = (model.state == State::Open).then(|| Duration::from_millis(model.half_open_at - millis));
            prop_assert_eq!(snapshot.probe_in, probe_in);
            prop_assert_eq!(snapshot.counts, model.counts(millis));
        }
    }
}
