//! `PUT /chaos`: all faults of a service in one call, as a whole or not at all.

use crate::live::Live;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn put(live: &Live, body: Value) -> Value {
    let answer = live.ask(Method::PUT, "/chaos", body.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.json);
    assert_eq!(set(&answer.json), set(&live.get("/chaos").await.json), "answered as GET is");
    answer.json
}

/// What is set, without what has become of it.
fn set(chaos: &Value) -> Value {
    let mut set = chaos.clone();
    for rule in set["rules"].as_array_mut().expect("a list") {
        rule.as_object_mut().expect("an object").remove("now");
    }
    set
}

fn names(chaos: &Value) -> Vec<&str> {
    let rules = chaos["rules"].as_array().expect("a list").iter();
    rules.map(|rule| rule["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn rules_take_the_place_of_all_that_was() {
    let live = Live::start(&["--inject-err", "--inject-err-percent", "100"]).await;
    live.rule("old", json!({ "abort": { "httpStatus": 503 } })).await;
    let (b, a) = (
        json!({ "name": "b", "abort": { "httpStatus": 500 } }),
        json!({ "name": "a", "delay": { "fixedDelay": "1ms" } }),
    );
    let chaos = put(&live, json!({ "rules": [b, a] })).await;
    assert_eq!(
        (names(&chaos), &chaos["enabled"], &chaos["preset"]),
        (vec!["a", "b"], &json!(true), &Value::Null)
    );
    assert_eq!(live.order().await.fault(), "a;delay=1ms, b;abort=500");

    let chaos = put(&live, json!({ "rules": [], "enabled": false })).await;
    assert_eq!((names(&chaos), &chaos["enabled"]), (vec![], &json!(false)));
    assert_eq!(live.order().await.status, StatusCode::OK);

    live.post("/chaos/reset").await;
    assert_eq!(live.order().await.fault(), "inject-err;abort=502");
}

#[tokio::test]
async fn a_preset_is_that_of_its_own_route() {
    let live = Live::start(&["--inject-err"]).await;
    for preset in live.get("/chaos").await.json["presets"].as_array().expect("a list") {
        let name = preset["name"].as_str().expect("a name");
        live.post("/chaos/reset").await;
        let own = live.post(&format!("/chaos/presets/{name}")).await.json;
        live.post("/chaos/reset").await;
        assert_eq!(set(&put(&live, json!({ "preset": name })).await), set(&own));
    }
    let chaos = put(&live, json!({ "preset": "outage", "enabled": false })).await;
    assert_eq!((&chaos["preset"], &chaos["enabled"]), (&json!("outage"), &json!(false)));
}

#[tokio::test]
async fn what_was_told_can_be_put_back() {
    let live = Live::start(&["--inject-err", "--chaos-abort", "502:40,503:5", "--chaos-seed", "7"]).await;
    let rule = json!({ "match": { "path": "/parcels*", "headers": { "x-user": "*" } }, "phase": "after",
        "percentage": 12.5, "delay": { "fixedDelay": "500ms", "jitter": "100ms" }, "abort": { "connection": "close" },
        "window": { "on": "5s", "off": "12s" }, "calls": { "from": 8, "to": 14 },
        "ramp": { "to": 80, "over": "30s" }, "maxFaults": 3, "seed": 42 });
    let mut told = vec![live.get("/chaos").await.json];
    live.rule("own", rule).await;
    told.push(live.get("/chaos").await.json);
    told.push(live.post("/chaos/disable").await.json);
    live.rule("inject-err", json!({ "percentage": 7, "abort": { "httpStatus": 502 } })).await;
    for preset in told[0]["presets"].clone().as_array().expect("a list") {
        let name = preset["name"].as_str().expect("a name");
        told.push(live.post(&format!("/chaos/presets/{name}")).await.json);
    }
    for before in told {
        for meanwhile in ["calm", "outage"] {
            put(&live, json!({ "preset": meanwhile })).await;
            assert_eq!(set(&put(&live, before.clone()).await), set(&before), "after {meanwhile}");
        }
    }
}

#[tokio::test]
async fn it_is_done_as_a_whole_or_not_at_all() {
    let live = Live::start(&["--inject-err"]).await;
    live.rule("mine", json!({ "abort": { "httpStatus": 503 } })).await;
    let before = live.get("/chaos").await.json;
    let right = json!({ "name": "right", "abort": { "httpStatus": 503 } });
    let many: Vec<_> =
        (0..33).map(|index| json!({ "name": format!("r{index}"), "abort": { "httpStatus": 503 } })).collect();
    for (body, field, detail) in [
        (json!({}), json!("rules"), "is missing, and so is preset"),
        (json!({ "rules": null, "preset": null }), json!("rules"), "is missing, and so is preset"),
        (
            json!({ "rules": [right, { "name": "x" }] }),
            json!("rules[1].abort"),
            "is missing, and so is delay",
        ),
        (
            json!({ "rules": [right, { "name": "x", "abort": { "httpStatus": 99 } }] }),
            json!("rules[1].abort.httpStatus"),
            "expected a status of an error",
        ),
        (
            json!({ "rules": [right, { "abort": { "httpStatus": 503 } }] }),
            json!("rules[1].name"),
            "expected 1 to 64 letters",
        ),
        (json!({ "rules": [right, right] }), json!("rules[1].name"), "is right, as is that of another"),
        (json!({ "rules": [right, []] }), json!("rules[1]"), "expected an object"),
        (json!({ "rules": {} }), json!("rules"), "expected a sequence"),
        (json!({ "rules": [{ "name": "x", "abort": 3 }] }), json!("rules[0].abort"), "expected an object"),
        (json!({ "rules": many }), json!("rules"), "are 33: a service has at most 32"),
        (json!({ "preset": "storm" }), json!("preset"), "expected one of `calm`, `flaky`"),
        (
            json!({ "rules": [right], "preset": "outage" }),
            json!("preset"),
            "is outage, but the rules are not",
        ),
        (json!({ "rules": [], "preset": "outage" }), json!("preset"), "is outage, but the rules are not"),
        (
            json!({ "rules": before["rules"], "preset": "calm" }),
            json!("preset"),
            "is calm, but the rules are not",
        ),
        (json!({ "rules": [right], "enabled": 1 }), json!("enabled"), "invalid type"),
        (json!({ "rules": [right], "on": true }), json!("on"), "unknown field `on`"),
    ] {
        let answer = live.ask(Method::PUT, "/chaos", body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.json);
        assert_eq!(answer.json["field"], field, "{body}: {}", answer.json);
        let said = answer.json["detail"].as_str().expect("a sentence");
        assert!(said.contains(detail), "{body}: {said}");
    }
    assert_eq!(live.get("/chaos").await.json, before, "nothing came of it");
}

#[tokio::test]
async fn a_rule_that_stays_goes_on() {
    let live = Live::start(&[]).await;
    let rule = |name: &str, status: u16| json!({ "name": name, "abort": { "httpStatus": status } });
    put(&live, json!({ "rules": [rule("a", 503), rule("b", 503)] })).await;
    live.order().await;
    let evaluated = |chaos: &Value| -> Vec<_> {
        chaos["rules"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|rule| rule["now"]["evaluated"].clone())
            .collect()
    };
    let chaos = put(&live, json!({ "rules": [rule("a", 503), rule("b", 500), rule("c", 503)] })).await;
    assert_eq!(evaluated(&chaos), [1, 0, 0], "a is the same, b is not, c is new");
    let off = json!({ "name": "a", "enabled": false, "abort": { "httpStatus": 503 } });
    assert_eq!(
        evaluated(&put(&live, json!({ "rules": [off] })).await),
        [1],
        "switched off, it is the same rule"
    );
    assert_eq!(evaluated(&put(&live, json!({ "rules": [rule("a", 503)] })).await), [1]);
    live.order().await;
    assert_eq!(evaluated(&put(&live, json!({ "rules": [rule("a", 503)], "enabled": false })).await), [2]);
}
