//! `/chaos`: faults, set and taken back over HTTP.

use crate::live::Live;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const OUTAGE: &str = "503";

fn abort(status: u16) -> Value {
    json!({ "abort": { "httpStatus": status } })
}

#[tokio::test]
async fn a_rule_is_set_seen_replaced_and_deleted() {
    let live = Live::start(&[]).await;
    let empty = live.get("/chaos").await.json;
    assert_eq!(
        (&empty["service"], &empty["enabled"], &empty["preset"], &empty["rules"]),
        (&json!("parcel"), &json!(true), &Value::Null, &json!([]))
    );
    assert_eq!(
        empty["presets"][0],
        json!({ "name": "calm",
        "about": "no faults: every rule is switched off, those of the environment too" })
    );
    let names: Vec<_> =
        empty["presets"].as_array().expect("a list").iter().map(|preset| preset["name"].clone()).collect();
    assert_eq!(
        names,
        ["calm", "flaky", "slow", "outage", "hang", "brownout", "flap", "recovering", "slow-window"]
    );

    let new = live.ask(Method::PUT, "/chaos/rules/mine", abort(503)).await;
    assert_eq!(new.status, StatusCode::CREATED);
    let expected = json!({ "name": "mine", "enabled": true, "match": { "method": "POST", "path": "/create" },
        "phase": "before", "percentage": 100.0, "abort": { "httpStatus": 503 },
        "now": { "active": true, "percentage": 100.0, "remaining_ms": null, "evaluated": 0, "injected": 0 } });
    assert_eq!(new.json, expected);
    assert_eq!(live.get("/chaos").await.json["rules"], json!([expected]));

    let struck = live.order().await;
    assert_eq!((struck.status.as_str(), struck.fault()), (OUTAGE, "mine;abort=503"));
    assert_eq!(struck.json["error"]["code"], "EINJECTED");
    let now = live.get("/chaos").await.json["rules"][0]["now"].clone();
    assert_eq!((&now["evaluated"], &now["injected"]), (&json!(1), &json!(1)));

    let again = live.ask(Method::PUT, "/chaos/rules/mine", abort(500)).await;
    assert_eq!((again.status, &again.json["now"]["evaluated"]), (StatusCode::OK, &json!(0)));
    assert_eq!(live.order().await.status, StatusCode::INTERNAL_SERVER_ERROR);

    let gone = live.ask(Method::DELETE, "/chaos/rules/mine", Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let calm = live.order().await;
    assert_eq!((calm.status, calm.fault()), (StatusCode::OK, ""));
    let absent = live.ask(Method::DELETE, "/chaos/rules/mine", Value::Null).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
    assert_eq!(absent.headers["content-type"], "application/problem+json");
    assert_eq!(live.saved(), 1, "what is struck before the save is not saved");
}

#[tokio::test]
async fn what_is_wrong_with_a_rule_is_told() {
    let live = Live::start(&[]).await;
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    for (body, field, detail) in [
        (json!({ "abort": { "httpStatus": 200 } }), "abort.httpStatus", "expected a status of an error"),
        (
            json!({ "name": "other", "abort": { "httpStatus": 503 } }),
            "name",
            "is not the one in the path, mine",
        ),
        (json!({ "delay": { "fixedDelay": "soon" } }), "delay.fixedDelay", "expected one like 500ms"),
        (json!({ "delay": { "fixedDelay": 5 } }), "delay.fixedDelay", "invalid type"),
        (json!({ "delay": {} }), "delay", "missing field `fixedDelay`"),
        (json!({ "abort": { "httpStatus": 503 }, "percent": 4 }), "percent", "unknown field `percent`"),
        (json!({}), "abort", "is missing, and so is delay"),
    ] {
        let answer = live.ask(Method::PUT, "/chaos/rules/mine", body.clone()).await;
        assert_eq!(answer.status, unprocessable, "{body}");
        assert_eq!(answer.json["field"], field, "{body}: {}", answer.json);
        let said = answer.json["detail"].as_str().expect("a sentence");
        assert!(said.contains(detail), "{body}: {said}");
    }
    let answer = live.ask(Method::PUT, "/chaos/rules/not%20so", abort(503)).await;
    assert_eq!((answer.status, &answer.json["field"]), (unprocessable, &json!("name")));
    let answer = live.ask(Method::PUT, "/chaos/rules/mine", json!([])).await;
    assert_eq!(answer.status, unprocessable);
    let text = live.client.put(live.url("/chaos/rules/mine")).body(abort(503).to_string());
    assert_eq!(text.send().await.expect("an answer").status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(live.get("/chaos").await.json["rules"], json!([]), "nothing came of it");
}

#[tokio::test]
async fn there_may_be_so_many_rules() {
    let live = Live::start(&[]).await;
    for index in 0..32 {
        live.rule(&format!("r{index}"), abort(503)).await;
    }
    let full = live.ask(Method::PUT, "/chaos/rules/one-more", abort(503)).await;
    assert_eq!(full.status, StatusCode::CONFLICT);
    assert_eq!(full.json["detail"], "there are 32 rules, as many as may be: delete one");
    live.rule("r0", abort(500)).await;
}

#[tokio::test]
async fn presets_come_and_go() {
    let live = Live::start(&["--inject-err", "--inject-err-percent", "100"]).await;
    assert_eq!(live.order().await.fault(), "inject-err;abort=502");
    let outage = live.post("/chaos/presets/outage").await;
    assert_eq!((outage.status, &outage.json["preset"]), (StatusCode::OK, &json!("outage")));
    assert!(outage.json["presets"].is_array(), "what GET says");
    let struck = live.order().await;
    assert_eq!((struck.status.as_str(), struck.fault()), (OUTAGE, "outage;abort=503"));
    let off = live.post("/chaos/disable").await;
    assert_eq!((&off.json["enabled"], &off.json["preset"]), (&json!(false), &json!("outage")));
    assert_eq!(live.order().await.status, StatusCode::OK, "nothing is in force");
    live.post("/chaos/enable").await;
    assert_eq!(live.order().await.status.as_str(), OUTAGE);
    let calm = live.post("/chaos/presets/calm").await;
    assert_eq!(calm.json["rules"][0]["enabled"], false, "{}", calm.json);
    assert_eq!(live.order().await.status, StatusCode::OK);
    live.post("/chaos/reset").await;
    assert_eq!(live.order().await.fault(), "inject-err;abort=502");
    let unknown = live.post("/chaos/presets/storm").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let said = unknown.json["detail"].as_str().expect("a sentence");
    assert!(said.contains("calm, flaky, slow, outage"), "{said}");
}

#[tokio::test]
async fn every_preset_can_be_applied() {
    let live = Live::start(&[]).await;
    let presets = live.get("/chaos").await.json["presets"].clone();
    for preset in presets.as_array().expect("a list") {
        let name = preset["name"].as_str().expect("a name");
        let answer = live.post(&format!("/chaos/presets/{name}")).await;
        assert_eq!((answer.status, &answer.json["preset"]), (StatusCode::OK, &preset["name"]));
        for rule in answer.json["rules"].as_array().expect("a list") {
            let rule_name = rule["name"].as_str().expect("a name");
            assert!(rule_name.starts_with(name), "{rule}");
            let mut written = rule.clone();
            written.as_object_mut().expect("an object").remove("now");
            let again = live.ask(Method::PUT, &format!("/chaos/rules/{rule_name}"), written.clone()).await;
            let mut answered = again.json;
            answered.as_object_mut().expect("an object").remove("now");
            assert_eq!(answered, written, "what is told can be put");
        }
    }
}

/// The paths of all leaves of a document.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) if path != "match.headers" => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, &path, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

#[tokio::test]
async fn the_readme_tells_every_field_and_every_preset() {
    let readme = include_str!("../../README.md");
    let live = Live::start(&[]).await;
    let rule = json!({ "name": "x", "enabled": true, "match": { "method": "POST", "path": "/create",
        "headers": { "x-user": "*" } }, "phase": "before", "percentage": 40,
        "delay": { "fixedDelay": "500ms", "jitter": "100ms" }, "abort": { "httpStatus": 502 },
        "duration": "1m", "window": { "on": "5s", "off": "12s" }, "calls": { "from": 8, "to": 14 },
        "ramp": { "to": 80, "over": "30s" }, "maxFaults": 3, "seed": 42 });
    let mut answer = live.ask(Method::PUT, "/chaos/rules/x", rule).await.json;
    answer.as_object_mut().expect("an object").remove("now");
    answer["abort"]["connection"] = json!("close");
    let (mut fields, mut told) = (Vec::new(), Vec::new());
    leaves(&answer, "", &mut fields);
    let rows = readme.lines().skip_while(|line| !line.starts_with("| field |")).skip(2);
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cell = row.split('|').nth(1).expect("a cell");
        told.extend(cell.split(',').map(|name| name.trim().replace('`', "")));
    }
    fields.sort();
    told.sort();
    assert_eq!(told, fields);
    for preset in live.get("/chaos").await.json["presets"].as_array().expect("a list") {
        let text = |name: &str| preset[name].as_str().expect("a text").to_owned();
        let row = format!("| `{}` | {} |", text("name"), text("about"));
        assert!(readme.contains(&row), "{row}");
    }
}

/// All that changes something.
fn changes() -> [(Method, &'static str, Value); 7] {
    [
        (Method::PUT, "/chaos", json!({ "preset": "outage" })),
        (Method::PUT, "/chaos/rules/mine", abort(503)),
        (Method::DELETE, "/chaos/rules/mine", json!({})),
        (Method::POST, "/chaos/reset", json!({})),
        (Method::POST, "/chaos/enable", json!({})),
        (Method::POST, "/chaos/disable", json!({})),
        (Method::POST, "/chaos/presets/outage", json!({})),
    ]
}

#[tokio::test]
async fn a_page_of_another_origin_changes_and_reads_nothing() {
    let live = Live::start(&[]).await;
    let evil = "http://evil.example";
    for (method, path, body) in changes() {
        let request = live.client.request(method.clone(), live.url(path)).header("origin", evil);
        let answer = request.json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method} {path}");
        let preflight = live
            .client
            .request(Method::OPTIONS, live.url(path))
            .header("origin", evil)
            .header("access-control-request-method", method.as_str());
        let answer = preflight.send().await.expect("an answer");
        assert!(answer.status().is_client_error(), "{method} {path}: {}", answer.status());
        assert!(answer.headers().get("access-control-allow-origin").is_none(), "{method} {path}");
    }
    let read = live.client.get(live.url("/chaos")).header("origin", evil).send().await.expect("an answer");
    assert_eq!(read.status(), StatusCode::OK);
    assert!(read.headers().get("access-control-allow-origin").is_none(), "its browser does not hand it on");
    let open = live.client.get(live.url("/")).header("origin", evil).send().await.expect("an answer");
    assert_eq!(open.headers()["access-control-allow-origin"], "*", "the business routes stay open");
    assert_eq!(live.get("/chaos").await.json["rules"], json!([]));
}

#[tokio::test]
async fn with_a_token_it_is_asked_for() {
    let live = Live::start(&["--admin-token", "sesame"]).await;
    for (method, path, body) in changes() {
        let answer = live.ask(method.clone(), path, body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        let request = live.client.request(method.clone(), live.url(path)).bearer_auth("sesame");
        let answer = request.json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.status());
    }
    assert_eq!(live.get("/chaos").await.status, StatusCode::OK, "reading is open");
}

#[tokio::test]
async fn health_and_control_are_never_hit() {
    let live = Live::start(&[]).await;
    live.rule("all", json!({ "match": { "path": "/*" }, "abort": { "httpStatus": 503 } })).await;
    for path in ["/livez", "/readyz", "/chaos"] {
        let answer = live.get(path).await;
        assert_eq!((answer.status, answer.fault()), (StatusCode::OK, ""), "{path}");
    }
    assert_eq!(live.get("/nowhere").await.status, StatusCode::NOT_FOUND);
    for path in ["/", "/parcels", "/parcels/01a1fdbb-1c84-738e-ab53-1ee1ab9b5036"] {
        let answer = live.get(path).await;
        assert_eq!((answer.status.as_str(), answer.fault()), (OUTAGE, "all;abort=503"), "{path}");
        assert_eq!(answer.json["error"]["code"], "EINJECTED", "{path}");
        let page = live.client.get(live.url(path)).header("origin", "http://elsewhere.example").send();
        let page = page.await.expect("an answer");
        let exposed = page.headers()["access-control-expose-headers"].to_str().expect("ASCII");
        assert!(exposed.contains("x-chaos-fault"), "{exposed}");
    }
    assert_eq!(live.order().await.status.as_str(), OUTAGE);
    assert_eq!(live.post("/chaos/presets/calm").await.status, StatusCode::OK);
    assert_eq!(live.get("/parcels").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_rule_that_names_nothing_is_about_orders_alone() {
    let live = Live::start(&[]).await;
    live.rule("orders", abort(503)).await;
    assert_eq!(live.get("/").await.status, StatusCode::OK);
    assert_eq!(live.get("/parcels").await.status, StatusCode::OK);
    let bad = live.ask(Method::POST, "/create", json!({ "id": 1 })).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "bad input is told, and not counted");
    assert_eq!(live.get("/chaos").await.json["rules"][0]["now"]["evaluated"], 0);
    assert_eq!(live.order().await.status.as_str(), OUTAGE);
}
