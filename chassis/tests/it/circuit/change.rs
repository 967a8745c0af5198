//! What may be changed about a circuit, by whom, and what it does.

use super::{LIMIT, Pair};
use crate::parcel::PARCEL;
use crate::running::{Stream, client};
use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::{Behaviour, eventually};

#[tokio::test]
async fn a_circuit_is_forced_and_let_go() {
    let pair = Pair::start(&["--breaker-reset-ms", "3600000"]).await;
    // What is sent, the mode, what a caller meets, and how many of two calls reach the next service.
    let modes = [
        ("open", "forced-open", "open", 0),
        ("closed", "forced-closed", "closed", 2),
        ("auto", "auto", "closed", 2),
        ("forced-open", "forced-open", "open", 0),
        ("metrics-only", "metrics-only", "closed", 2),
        ("disabled", "disabled", "closed", 2),
        ("forced-closed", "forced-closed", "closed", 2),
    ];
    for (sent, mode, met, reached) in modes {
        let circuit = pair.change(json!({ "mode": sent })).await;
        assert_eq!((&circuit["mode"], &circuit["current_state"]), (&json!(mode), &json!(met)), "{sent}");
        assert_eq!(circuit["state"], "closed", "its own state stays");
        assert_eq!(circuit, {
            let mut again = pair.circuit().await;
            for name in ["at", "since_ms", "window", "queue"] {
                again[name] = circuit[name].clone();
            }
            again
        });
        let before = pair.peer.count();
        pair.orders(200, 2).await;
        assert_eq!(pair.peer.count() - before, reached, "{sent}");
    }
    pair.change(json!({ "mode": "auto" })).await;
    pair.orders(500, 20).await;
    for (sent, met) in [("auto", "open"), ("closed", "closed"), ("disabled", "closed"), ("open", "open")] {
        let circuit = pair.change(json!({ "mode": sent })).await;
        assert_eq!((&circuit["state"], &circuit["current_state"]), (&json!("open"), &json!(met)));
        assert_eq!(
            circuit["probe_in_ms"].is_null(),
            sent != "auto",
            "no probe goes through where it is forced"
        );
    }
}

#[tokio::test]
async fn settings_are_changed_under_way_and_what_was_counted_stays() {
    let pair = Pair::start(&["--breaker-error-threshold", "100"]).await;
    pair.orders(200, 2).await;
    pair.orders(500, 3).await;
    pair.peer.set(Behaviour::Hang);
    let url = pair.running.url("/create");
    let under_way = tokio::spawn(async move {
        let request = client().post(url).header("content-type", "application/json").body(PARCEL);
        request.send().await.expect("an answer").status()
    });
    eventually("a call is under way", LIMIT, async || (pair.peer.count() == 6).then_some(())).await;

    let before = pair.circuit().await;
    let circuit =
        pair.change(json!({ "settings": { "reset_ms": 1_500.5, "volume": 7, "capacity": 3 } })).await;
    let settings = json!({
        "timeout_ms": 20_000, "error_threshold": 100.0, "reset_ms": 1_500.5, "volume": 7, "capacity": 3,
    });
    assert_eq!(circuit["settings"], settings, "what is not named stays");
    for name in ["counts", "totals", "state", "turns", "in_flight", "fail_counter"] {
        assert_eq!(circuit[name], before[name], "{name}");
    }
    assert_eq!((&circuit["in_flight"], &circuit["counts"]["failures"]), (&json!(1), &json!(3)));

    let none = json!({ "settings": { "timeout_ms": null, "capacity": null, "error_threshold": 12.5 } });
    let circuit = pair.change(none).await;
    let settings = json!({
        "timeout_ms": null, "error_threshold": 12.5, "reset_ms": 1_500.5, "volume": 7, "capacity": null,
    });
    assert_eq!((&circuit["settings"], &circuit["threshold"]), (&settings, &json!(12.5)));
    assert_eq!(circuit["state"], "closed", "it is judged with the next failure");

    let both = json!({ "mode": "closed", "settings": { "timeout_ms": 1 } });
    let circuit = pair.change(both).await;
    assert_eq!((&circuit["mode"], &circuit["settings"]["timeout_ms"]), (&json!("forced-closed"), &json!(1)));
    let order = pair.order();
    order.await;
    assert_eq!(
        pair.circuit().await["counts"]["timeouts"],
        1,
        "the new time-out, for the calls that begin now"
    );
    assert!(!under_way.is_finished(), "the old one goes on under its own");
    under_way.abort();
}

#[tokio::test]
async fn only_some_may_change_it_and_everyone_may_look() {
    let pair = Pair::start(&[]).await;
    let put =
        |url: String| client().put(url).header("content-type", "application/json").body(r#"{"mode":"open"}"#);
    let from_a_page = put(pair.running.url("/circuit")).header("origin", "http://elsewhere.example");
    assert_eq!(from_a_page.send().await.expect("an answer").status(), 403);
    assert_eq!(pair.circuit().await["mode"], "auto");

    let pair = Pair::start(&["--admin-token", "secret"]).await;
    for (token, status) in [(None, 401), (Some("wrong"), 401), (Some("secret"), 200)] {
        assert_eq!(pair.circuit().await["mode"], "auto", "looking needs no token");
        let mut request = put(pair.running.url("/circuit"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        assert_eq!(request.send().await.expect("an answer").status(), status, "{token:?}");
    }
    assert_eq!(pair.circuit().await["mode"], "forced-open");
}

#[tokio::test]
async fn what_cannot_be_set_is_refused_whole_and_named() {
    let pair = Pair::start(&[]).await;
    let before = pair.circuit().await;
    let time = "milliseconds from 1 to 4294967295";
    let time_or_none = "milliseconds from 1 to 4294967295, or null for no limit";
    let capacity = "a whole number from 1 to 4294967295, or null for no limit";
    for (name, value, expected) in [
        ("timeout_ms", json!(0), time_or_none),
        ("timeout_ms", json!(0.5), time_or_none),
        ("timeout_ms", json!(-1), time_or_none),
        ("timeout_ms", json!("300"), time_or_none),
        ("timeout_ms", json!(4_294_967_296_u64), time_or_none),
        ("timeout_ms", json!(1e300), time_or_none),
        ("error_threshold", json!(100.1), "a percentage from 0 to 100"),
        ("error_threshold", json!(-0.1), "a percentage from 0 to 100"),
        ("error_threshold", json!(null), "a percentage from 0 to 100"),
        ("reset_ms", json!(0), time),
        ("reset_ms", json!(null), time),
        ("reset_ms", json!([1]), time),
        ("volume", json!(-1), "a whole number from 0 to 4294967295"),
        ("volume", json!(1.5), "a whole number from 0 to 4294967295"),
        ("volume", json!(null), "a whole number from 0 to 4294967295"),
        ("capacity", json!(0), capacity),
        ("capacity", json!(true), capacity),
    ] {
        let mut change = json!({ "mode": "open", "settings": { "volume": 3 } });
        change["settings"][name] = value.clone();
        let answer = pair.put(change.to_string()).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{change}");
        let problem: Value = answer.json().await.expect("JSON");
        assert_eq!(problem["field"], format!("settings.{name}"));
        assert_eq!(problem["detail"], format!("settings.{name}: expected {expected}, not {value}"));
    }
    for (body, status, field, part) in [
        (r#"{"mode":"half-open"}"#, 422, "mode", "unknown variant `half-open`, expected one of"),
        (r#"{"mode":7}"#, 422, "mode", "expected"),
        (r#"{"modes":"open"}"#, 422, "modes", "unknown field `modes`, expected `mode` or `settings`"),
        (
            r#"{"settings":{"reset":1}}"#,
            422,
            "settings.reset",
            "unknown field `reset`, expected one of `timeout_ms`",
        ),
        (r#"{"settings":7}"#, 422, "settings", "expected an object"),
        // serde alone would take it for settings of which none is given.
        (r#"{"settings":[]}"#, 422, "settings", "expected an object"),
        ("[]", 422, "", "the body is not a JSON object"),
        ("{", 400, "", "cannot be read as JSON"),
        ("", 400, "", "the body is empty"),
    ] {
        let answer = pair.put(body).await;
        assert_eq!(answer.status(), status, "{body}");
        let problem: Value = answer.json().await.expect("JSON");
        assert_eq!(problem["field"].as_str().unwrap_or_default(), field, "{problem}");
        assert!(problem["detail"].as_str().expect("a text").contains(part), "{problem}");
    }
    let after = pair.circuit().await;
    assert_eq!(
        (&after["settings"], &after["mode"]),
        (&before["settings"], &before["mode"]),
        "all or nothing"
    );
    pair.change(json!({})).await;
}

#[tokio::test]
async fn a_change_is_told_in_one_sentence_and_no_change_is_not() {
    let pair = Pair::start(&[]).await;
    let mut stream = Stream::open(&pair.running.url("/events"), None).await;
    pair.change(json!({ "mode": "auto", "settings": { "volume": 0, "timeout_ms": 20_000 } })).await;
    pair.change(json!({ "mode": "open", "settings": { "timeout_ms": null, "reset_ms": 500.5 } })).await;
    pair.change(json!({ "settings": { "error_threshold": 12.5, "volume": 4, "capacity": 2 } })).await;
    for text in [
        "circuit parcel→next: timeout_ms 20000 → none, reset_ms 10000 → 500.5, mode auto → forced-open",
        "circuit parcel→next: error_threshold 50 → 12.5, volume 0 → 4, capacity none → 2",
    ] {
        let data = stream.next_of("config").await.data;
        assert_eq!((&data["service"], &data["what"]), (&json!("parcel"), &json!("circuit")));
        assert_eq!(data["text"], text);
        assert!(data["at"].is_string());
    }
}
