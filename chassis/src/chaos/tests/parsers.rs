//! Texts that are read: no text makes them panic, and what is written is read again.

use crate::chaos::list::Draws;
use crate::chaos::rule::Rule;
use crate::chaos::time::{LONGEST, Time};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Reads a rule as JSON, and holds it to its bounds.
fn read(value: &Value) -> Result<Rule, String> {
    let rule: Rule = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    rule.check().map_err(|wrong| format!("{}: {}", wrong.field, wrong.sentence))
}

fn times() -> impl Strategy<Value = String> {
    prop_oneof![
        (1_u64..60).prop_map(|seconds| format!("{seconds}s")),
        (1_u64..60_000).prop_map(|millis| format!("{millis}ms")),
        (1_u64..60_000_000).prop_map(|micros| format!("{micros}us")),
    ]
}

fn percentages() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(100.0), 0.0..=100.0_f64]
}

/// Rules that are right.
fn rules() -> impl Strategy<Value = Value> {
    let head =
        ("[a-zA-Z0-9_-]{1,64}", any::<bool>(), prop_oneof![Just("before"), Just("after")], percentages());
    let fault = prop_oneof![
        times().prop_map(|time| json!({ "delay": { "fixedDelay": time } })),
        times()
            .prop_map(|time| json!({ "delay": { "fixedDelay": "30s", "jitter": time.replace("59s", "9s") } }))
            .prop_filter("jitter fits", |fault| {
                let jitter: Time =
                    fault["delay"]["jitter"].as_str().expect("a text").parse().expect("a time");
                jitter.get().as_secs() < 30
            }),
        (400_u16..600).prop_map(|status| json!({ "abort": { "httpStatus": status } })),
        prop_oneof![Just("reset"), Just("close"), Just("hang")]
            .prop_map(|how| json!({ "abort": { "connection": how } })),
    ];
    let more = prop_oneof![
        Just(json!({})),
        times().prop_map(|time| json!({ "duration": time })),
        (times(), times()).prop_map(|(on, off)| json!({ "window": { "on": on, "off": off } })),
        (1_u64..1000, 0_u64..1000)
            .prop_map(|(from, more)| json!({ "calls": { "from": from, "to": from + more } })),
        (percentages(), times()).prop_map(|(to, over)| json!({ "ramp": { "to": to, "over": over } })),
        (1_u64.., any::<u64>()).prop_map(|(most, seed)| json!({ "maxFaults": most, "seed": seed })),
        "/[a-z/*]{0,20}".prop_map(|path| json!({ "match": { "path": path, "headers": { "x-user": "*" } } })),
    ];
    (head, fault, more).prop_map(|((name, enabled, phase, percentage), fault, more)| {
        let mut rule = json!({ "name": name, "enabled": enabled, "phase": phase, "percentage": percentage });
        for part in [fault, more] {
            let (Value::Object(rule), Value::Object(part)) = (&mut rule, part) else { unreachable!() };
            rule.extend(part);
        }
        rule
    })
}

/// Any JSON, of the names that rules have.
fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        times().prop_map(Value::from),
    ];
    let names = prop_oneof![
        Just("name"),
        Just("match"),
        Just("percentage"),
        Just("delay"),
        Just("fixedDelay"),
        Just("jitter"),
        Just("abort"),
        Just("httpStatus"),
        Just("connection"),
        Just("window"),
        Just("on"),
        Just("off"),
        Just("calls"),
        Just("from"),
        Just("to"),
        Just("ramp"),
        Just("over"),
        Just("maxFaults"),
        Just("seed"),
        Just("duration"),
        Just("headers"),
        Just("phase"),
        Just("other"),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop::collection::vec((names.clone(), inner), 0..6).prop_map(|fields| {
            Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        })
    })
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in ".{0,40}") {
        let _ = text.parse::<Time>();
        let _ = Draws::statuses(&text);
        let _ = Draws::delays(&text);
    }

    #[test]
    fn nor_does_one_that_looks_right(text in "[0-9.,: hmsun+-]{0,24}") {
        if let Ok(time) = text.parse::<Time>() {
            prop_assert_eq!(time.to_string().parse::<Time>(), Ok(time));
        }
        if let Ok(draws) = Draws::statuses(&text) {
            prop_assert_eq!(Draws::statuses(&draws.to_string()), Ok(draws));
        }
        if let Ok(draws) = Draws::delays(&text) {
            prop_assert_eq!(Draws::delays(&draws.to_string()), Ok(draws));
        }
    }

    #[test]
    fn a_time_is_read_as_it_is_written(micros in 0..=LONGEST.as_micros() as u64) {
        let text = format!("{micros}us");
        let time: Time = text.parse().expect("a time");
        prop_assert_eq!(time.get().as_micros(), u128::from(micros));
        prop_assert_eq!(time.to_string().parse::<Time>(), Ok(time));
    }

    #[test]
    fn lists_are_read_as_they_are_written(
        statuses in prop::collection::btree_map(400_u16..600, 0_u32..=125, 1..8),
        times in prop::collection::btree_map(1_u64..60_000, 0_u32..=125, 1..8),
    ) {
        let join = |items: Vec<String>| items.join(",");
        let tenths = |tenths: &u32| f64::from(*tenths) / 10.0;
        let text = join(statuses.iter().map(|(status, part)| format!("{status}:{}", tenths(part))).collect());
        prop_assert_eq!(Draws::statuses(&text).expect("a list").to_string(), text);
        let text = join(times.iter().map(|(time, part)| format!("{time}ms: {}", tenths(part))).collect());
        let draws = Draws::delays(&text).expect("a list");
        prop_assert_eq!(Draws::delays(&draws.to_string()), Ok(draws));
    }

    #[test]
    fn a_rule_is_read_as_it_is_written(rule in rules()) {
        let read_once = read(&rule).expect("a rule that is right");
        let written = serde_json::to_value(&read_once).expect("a rule is JSON");
        prop_assert_eq!(read(&written), Ok(read_once));
        for (name, value) in rule.as_object().expect("an object") {
            if ["name", "enabled", "phase", "percentage", "abort", "calls", "maxFaults", "seed"].contains(&&**name) {
                prop_assert_eq!(&written[name], value, "{}", name);
            }
        }
    }

    #[test]
    fn no_document_makes_a_rule_panic(document in documents()) {
        let _ = read(&document);
    }
}

#[test]
fn times_are_written_as_people_write_them() {
    for (text, written) in [
        ("500ms", "500ms"),
        ("0.5s", "500ms"),
        ("2s", "2s"),
        ("2000ms", "2s"),
        ("1.5s", "1500ms"),
        ("1m30s", "1m 30s"),
        ("90 seconds", "1m 30s"),
        ("1h", "1h"),
        ("0s", "0s"),
    ] {
        assert_eq!(text.parse::<Time>().map(|time| time.to_string()), Ok(written.to_owned()), "{text}");
    }
    for wrong in ["", "5", "ms", "five seconds", "-1s", "25h", "1ns", "1d 1s", "1 month"] {
        assert!(wrong.parse::<Time>().is_err(), "{wrong}");
    }
}

#[test]
fn what_is_wrong_with_a_rule_is_named() {
    let fault = || json!({ "name": "x", "abort": { "httpStatus": 502 } });
    let long = "x".repeat(300);
    for (field, value, expected) in [
        ("name", json!(""), "name: expected 1 to 64 letters"),
        ("name", json!("a b"), "name: expected"),
        ("name", json!(".."), "name: expected"),
        ("name", json!("x".repeat(65)), "name: expected"),
        ("percentage", json!(100.1), "percentage: expected a percentage from 0 to 100"),
        ("percentage", json!(-1), "percentage: expected a percentage"),
        ("percentage", json!("40"), "invalid type: string"),
        ("abort", json!(null), "abort: is missing, and so is delay"),
        ("abort", json!({}), "abort: expected one of httpStatus and connection"),
        ("abort", json!({ "httpStatus": 502, "connection": "hang" }), "abort: expected one of"),
        (
            "abort",
            json!({ "httpStatus": 200 }),
            "abort.httpStatus: expected a status of an error, from 400 to 599",
        ),
        ("abort", json!({ "httpStatus": 600 }), "abort.httpStatus: expected"),
        ("abort", json!({ "connection": "explode" }), "unknown variant `explode`"),
        ("delay", json!({ "fixedDelay": "61s" }), "delay.fixedDelay: is, with its jitter, more than 60 s"),
        ("delay", json!({ "fixedDelay": "0s" }), "delay.fixedDelay: is nothing"),
        (
            "delay",
            json!({ "fixedDelay": "1s", "jitter": "2s" }),
            "delay.jitter: is more than delay.fixedDelay",
        ),
        ("delay", json!({ "fixedDelay": "soon" }), "expected one like 500ms, 2s or 1m 30s"),
        ("delay", json!({ "jitter": "1s" }), "missing field `fixedDelay`"),
        ("match", json!({ "method": "PATCH" }), "match.method: expected GET or POST"),
        ("match", json!({ "path": "create" }), "match.path: expected a path like /create"),
        ("match", json!({ "path": format!("/{long}") }), "match.path: expected"),
        ("match", json!({ "headers": { "a b": "1" } }), "match.headers: expected names of headers"),
        ("match", json!({ "headers": { "a": long } }), "match.headers: expected"),
        ("match", json!({ "host": "x" }), "unknown field `host`"),
        ("match", json!(["POST", "/create"]), "invalid type: sequence, expected an object"),
        ("delay", json!(["1s"]), "invalid type: sequence, expected an object"),
        ("window", json!(["1s", "1s"]), "invalid type: sequence, expected an object"),
        ("phase", json!("during"), "unknown variant `during`"),
        ("duration", json!("0s"), "duration: is nothing"),
        ("duration", json!("25h"), "more than a day"),
        ("window", json!({ "on": "1s", "off": "0s" }), "window.off: is nothing"),
        ("window", json!({ "on": "0s", "off": "1s" }), "window.on: is nothing"),
        ("window", json!({ "on": "1s" }), "missing field `off`"),
        ("calls", json!({ "from": 0 }), "calls.from: is 0: calls are counted from 1"),
        ("calls", json!({ "from": 3, "to": 2 }), "calls.to: is less than calls.from"),
        ("ramp", json!({ "to": 101, "over": "1s" }), "ramp.to: expected a percentage"),
        ("ramp", json!({ "to": 1, "over": "0s" }), "ramp.over: is nothing"),
        ("maxFaults", json!(0), "maxFaults: is 0: expected at least 1"),
        ("seed", json!(-1), "invalid value"),
        ("fixeddelay", json!("1s"), "unknown field `fixeddelay`"),
    ] {
        let mut rule = fault();
        rule[field] = value;
        let said = read(&rule).expect_err("it is wrong");
        assert!(said.contains(expected), "{rule}: {said}");
    }
    let mut many = fault();
    let names = (0..9).map(|index| (format!("h{index}"), json!("*"))).collect::<serde_json::Map<_, _>>();
    many["match"] = json!({ "headers": names });
    assert_eq!(read(&many), Err("match.headers: has more than 8 headers".to_owned()));
}
