//! Random traffic under random settings, which change on the way, against a model that keeps everything in lists and says
//! each rule as plainly as it can be said: probes and their leases, ramps, combined rules, windows of calls, modes.

/// The model.
mod reference;

use breaker::{
    Backoff, Circuit, Entry, Judged, Longest, Mode, OnClose, Outcome, ProbeVerdict, Probing, Ramp, RateOf,
    Settings, SettingsError, State, Threshold, Ticket, Trip, WarmUp, Window,
};
use proptest::prelude::*;
use reference::{Held, Model, Said};
use std::time::Duration;

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

#[derive(Debug, Clone)]
enum Op {
    Wait(u64),
    Enter { may_probe: bool },
    Leave { which: usize, outcome: Outcome },
    Open,
    Close,
    Mode(Mode),
    Update(Box<Settings>),
}

fn op(calls: bool) -> impl Strategy<Value = Op> {
    let outcome = prop_oneof![
        5 => Just(Outcome::Success),
        3 => Just(Outcome::Failure),
        1 => Just(Outcome::Timeout),
        1 => Just(Outcome::Panicked),
        1 => Just(Outcome::Cancelled),
    ];
    let mode = prop_oneof![
        6 => Just(Mode::Auto),
        1 => Just(Mode::MetricsOnly),
        1 => Just(Mode::ForcedClosed),
        1 => Just(Mode::ForcedOpen),
        1 => Just(Mode::Disabled),
    ];
    prop_oneof![
        6 => (0_u64..120).prop_map(Op::Wait),
        1 => (0_u64..3_000).prop_map(Op::Wait),
        16 => prop::bool::weighted(0.95).prop_map(|may_probe| Op::Enter { may_probe }),
        14 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Op::Leave { which, outcome }),
        1 => Just(Op::Open),
        1 => Just(Op::Close),
        1 => mode.prop_map(Op::Mode),
        1 => settings(calls).prop_map(|settings| Op::Update(Box::new(settings))),
    ]
}

fn rule() -> impl Strategy<Value = Trip> {
    let threshold = prop_oneof![
        Just(Threshold::AtLeast(50.0)),
        Just(Threshold::Above(30.0)),
        Just(Threshold::AtLeast(100.0)),
        Just(Threshold::Above(0.0)),
    ];
    prop_oneof![
        3 => threshold.clone().prop_map(Trip::Errors),
        2 => threshold.prop_map(|share| Trip::Slow { than: ms(60), share }),
        2 => (1_u32..5).prop_map(Trip::Consecutive),
        1 => (1_u64..6).prop_map(Trip::Failures),
        1 => (1_u32..6).prop_map(Trip::PileUp),
    ]
}

fn trip() -> impl Strategy<Value = Trip> {
    let rules = || prop::collection::vec(rule(), 1..4);
    let nested = (rule(), rules()).prop_map(|(rule, rules)| Trip::Any(vec![rule, Trip::All(rules)]));
    prop_oneof![4 => rule(), 1 => rules().prop_map(Trip::Any), 1 => rules().prop_map(Trip::All), 1 => nested]
}

fn probing() -> impl Strategy<Value = Probing> {
    let verdict = prop_oneof![
        3 => (1_u32..5).prop_map(ProbeVerdict::Successes),
        2 => (1_u32..5).prop_map(ProbeVerdict::Rate),
    ];
    let longest =
        (50_u64..400, any::<bool>()).prop_map(|(after, then_close)| Longest { after: ms(after), then_close });
    let ramp = (prop_oneof![Just(1.0), Just(25.0), Just(60.0), Just(100.0)], 1_u64..800)
        .prop_map(|(from, over)| Ramp { from, over: ms(over) });
    (
        1_u32..4,
        verdict,
        prop::option::of((1_u64..200).prop_map(ms)),
        prop::option::weighted(0.3, longest),
        prop::option::weighted(0.4, ramp),
    )
        .prop_map(|(at_once, verdict, lease, longest, ramp)| Probing {
            at_once,
            verdict,
            lease,
            longest,
            ramp,
        })
}

fn settings(calls: bool) -> impl Strategy<Value = Settings> {
    let window = if calls {
        (6_u32..20).prop_map(Window::Calls).boxed()
    } else {
        Just(Window::Time { length: ms(1_000), buckets: 5 }).boxed()
    };
    let backoff = (1_u32..3, 100_u64..900).prop_map(|(factor, ceiling)| Backoff {
        factor: factor.into(),
        ceiling: ms(ceiling),
        jitter: 0.0,
    });
    let places = (prop::option::weighted(0.4, 1_u32..6), any::<bool>());
    let judged = (
        prop_oneof![Just(RateOf::Asked), Just(RateOf::Ended)],
        prop_oneof![Just(Judged::OnFailure), Just(Judged::OnEveryEnd)],
        prop_oneof![Just(OnClose::Keep), Just(OnClose::Clear)],
        prop_oneof![4 => Just(WarmUp::Off), 1 => Just(WarmUp::For(ms(500)))],
    );
    let opens = (1_u64..500, prop::option::of(backoff));
    (window, trip(), 0_u64..6, judged, opens, probing(), places, prop::bool::ANY).prop_map(
        |(window, trip, volume, judged, (reset, backoff), probing, (capacity, full_is_failure), limited)| {
            let settings = Settings {
                timeout: limited.then_some(ms(100)),
                window,
                trip,
                volume,
                rate_of: judged.0,
                judged: judged.1,
                on_close: judged.2,
                warm_up: judged.3,
                reset: ms(reset),
                // No lower than the first wait.
                backoff: backoff
                    .map(|backoff| Backoff { ceiling: backoff.ceiling.max(ms(reset)), ..backoff }),
                probing,
                capacity,
                full_is_failure,
            };
            match (settings.check(), settings.probing.verdict) {
                // No rule could find the probes wanting.
                (Err(SettingsError::NeverJudged(_)), ProbeVerdict::Rate(probes)) => {
                    let probing = Probing { verdict: ProbeVerdict::Successes(probes), ..settings.probing };
                    Settings { probing, ..settings }
                }
                _ => settings,
            }
        },
    )
}

/// All of one case.
fn case() -> impl Strategy<Value = (Settings, Vec<Op>, bool)> {
    prop::bool::weighted(0.3).prop_flat_map(|calls| {
        (settings(calls), prop::collection::vec(op(calls), 1..crate::times(100, 25)), any::<bool>())
    })
}

fn enter(circuit: &Circuit, may_probe: bool, now: u64) -> (Said, Option<Ticket>) {
    let entry = if may_probe { circuit.enter(ms(now)) } else { circuit.enter_without_probing(ms(now)) };
    match entry {
        Entry::Admitted(ticket) => (Said::Admitted, Some(ticket)),
        Entry::Bypassed => (Said::Bypassed, None),
        Entry::Refused { retry_after, opened } => (Said::Refused(retry_after, opened.is_some()), None),
        Entry::Full { opened, .. } => (Said::Full(opened.is_some()), None),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::times(2_000, 2), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_circuit_does_what_the_model_does((settings, ops, looks_at_the_clock) in case()) {
        let circuit = Circuit::new(settings.clone()).expect("these settings are right");
        let mut model = Model::new(settings);
        let mut held: Vec<(Held, Ticket)> = Vec::new();
        let mut now = 0;
        for op in ops {
            if let Op::Wait(time) = op {
                now += time;
            }
            let told = model.tick(now);
            if looks_at_the_clock || matches!(op, Op::Update(_)) {
                let ours: Vec<_> = std::iter::from_fn(|| circuit.tick(ms(now))).collect();
                if looks_at_the_clock {
                    let ours: Vec<_> = ours.iter().map(|turned| (turned.to, turned.at)).collect();
                    prop_assert_eq!(ours, told);
                }
            }
            match op {
                Op::Wait(_) => {}
                Op::Enter { may_probe } => {
                    let (expected, its_part) = model.enter(may_probe, now);
                    let (said, ticket) = enter(&circuit, may_probe, now);
                    prop_assert_eq!(said, expected);
                    prop_assert_eq!(ticket.is_some(), its_part.is_some());
                    held.extend(its_part.zip(ticket));
                }
                Op::Leave { which, outcome } if !held.is_empty() => {
                    let (its_part, ticket) = held.swap_remove(which % held.len());
                    let expected = model.leave(&its_part, outcome, now);
                    let turned = circuit.leave(ticket, outcome, ms(now)).map(|turned| turned.to);
                    prop_assert_eq!(turned, expected);
                }
                Op::Leave { .. } => {}
                Op::Open => prop_assert_eq!(circuit.open(ms(now)).is_some(), model.open(now)),
                Op::Close => prop_assert_eq!(circuit.close(ms(now)).is_some(), model.close(now)),
                Op::Mode(mode) => {
                    circuit.set_mode(mode);
                    model.mode = mode;
                }
                Op::Update(settings) => {
                    circuit.update((*settings).clone()).expect("these settings are right");
                    model.update(*settings);
                    // A limit that is set now may have been passed before.
                    model.tick(now);
                    while circuit.tick(ms(now)).is_some() {}
                }
            }
            let seen = circuit.snapshot(ms(now));
            prop_assert_eq!((seen.state, seen.turns, seen.mode), (model.state(), model.turns, model.mode));
            prop_assert_eq!(seen.probe_in, model.probe_in(now));
            prop_assert_eq!(seen.in_flight, held.iter().filter(|(held, _)| !held.observer).count() as u32);
            prop_assert_eq!(seen.probes, model.probes_under_way(now));
            prop_assert_eq!(seen.ramp.is_some(), model.is_ramping());
            prop_assert_eq!(seen.consecutive, model.consecutive);
            prop_assert_eq!(seen.counts, model.counts(now));
            prop_assert_eq!(seen.volume, model.volume(now));
            if model.state() == State::Closed {
                prop_assert_eq!(seen.last.is_some(), model.turns > 0);
            }
        }
    }
}
