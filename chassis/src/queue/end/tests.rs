//! What each end of a try makes of the hand-over.
#![expect(clippy::result_large_err, reason = "the results are made by hand here, and few")]

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn missed(why: CallError<Failure>) -> Result<Answer, Missed> {
    Err(Missed { next: "next".to_owned(), why })
}

fn answered(status: u16, response: Value) -> Result<Answer, Missed> {
    let status = StatusCode::from_u16(status).expect("a status");
    let (message, response) = (format!("answered {status}"), Some(response));
    missed(CallError::Failed(Failure::Upstream { status, message, response }))
}

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().expect("a time")
}

fn first() -> Try {
    Try { before: 0, keyed: true, now: now(), random: 0.0 }
}

/// How long it waits, and after how many tries.
fn wait(end: &End) -> (u32, Duration) {
    match end {
        End::Missed { attempts, due, .. } => {
            (*attempts, Duration::try_from(due.duration_since(now())).expect("not before now"))
        }
        other => panic!("{other:?} is no wait"),
    }
}

#[test]
fn an_answer_is_kept_for_those_who_can_ask_again() {
    let answer = Answer { body: json!({ "data": 1 }), degraded: Some("last".to_owned()), queued: true };
    let End::Taken(Some(kept)) = first().ended(&Ok(answer.clone())) else { panic!("it was taken") };
    let kept = serde_json::from_str(&kept).expect("JSON");
    assert_eq!(Outcome::of(kept), Outcome::Answer(Cow::Borrowed(&answer)));
    assert_eq!(Try { keyed: false, ..first() }.ended(&Ok(answer)), End::Taken(None));
}

#[test]
fn what_the_next_service_took_is_not_sent_again_though_its_answer_is_useless() {
    let status = StatusCode::OK;
    let why = CallError::Failed(Failure::Unreadable { status, message: "the answer is not JSON" });
    let End::Taken(Some(kept)) = first().ended(&missed(why)) else { panic!("it was taken") };
    let kept = serde_json::from_str(&kept).expect("JSON");
    let Outcome::Error(error) = Outcome::of(kept) else { panic!("no answer") };
    assert_eq!((&error["code"], &error["status"]), (&json!("EUPSTREAM"), &json!(200)));
}

#[test]
fn what_may_go_better_waits_longer_each_time() {
    let unreachable = || missed(CallError::Failed(Failure::Unreachable("refused".to_owned())));
    let after = |before| wait(&Try { before, ..first() }.ended(&unreachable()));
    let seconds = |seconds| Duration::from_secs_f64(seconds);
    assert_eq!(after(0), (1, seconds(0.25)));
    assert_eq!(after(1), (2, seconds(0.5)));
    assert_eq!(after(4), (5, seconds(4.0)));
    assert_eq!(after(100), (101, seconds(30.0)), "and no longer than that");
    assert_eq!(after(u32::MAX), (u32::MAX, seconds(30.0)));
    let jittered = Try { random: 1.0, ..first() }.ended(&unreachable());
    assert_eq!(wait(&jittered), (1, seconds(0.125)), "down to the half of it, by chance");

    let timed_out = CallError::TimedOut { after: Duration::from_millis(300) };
    for result in [
        missed(timed_out),
        missed(CallError::Failed(Failure::Slow)),
        missed(CallError::Failed(Failure::Cut { after: Duration::from_millis(200) })),
        answered(500, json!({})),
        answered(502, json!({ "error": { "code": "EINJECTED" } })),
        answered(503, json!({})),
        answered(408, json!({})),
        answered(425, json!({})),
        answered(429, json!({})),
        answered(302, json!({})),
        // The same under the same key is under way there.
        answered(409, json!({})),
    ] {
        assert_eq!(wait(&first().ended(&result)), (1, seconds(0.25)), "{result:?}");
    }
}

#[test]
fn what_was_not_sent_waits_for_the_circuit_alone() {
    let refused = || missed(CallError::Open { retry_after: Duration::from_secs(8) });
    assert_eq!(wait(&first().ended(&refused())), (1, Duration::ZERO), "it is reported on, and due");
    let later = Try { before: 3, ..first() };
    assert_eq!(wait(&later.ended(&refused())), (3, Duration::ZERO), "no try was made");
    assert_eq!(wait(&first().ended(&missed(CallError::Full { capacity: 2 }))), (1, Duration::ZERO));
    assert_eq!(wait(&first().ended(&missed(CallError::Failed(Failure::NoTime)))), (1, Duration::ZERO));
    assert_eq!(wait(&first().unasked(json!({}))), (1, Duration::ZERO));
    let End::Missed { error, .. } = first().ended(&refused()) else { panic!("it waits") };
    assert_eq!(error["code"], "EOPENBREAKER");
    assert_eq!(error.get("retry_after_ms"), None, "it will not be true when it is read");
}

#[test]
fn a_fault_of_the_client_is_set_aside_with_its_reason() {
    let passed_on = json!({ "error": { "code": "EUPSTREAM", "status": 422, "response": {} } });
    for result in [
        answered(400, json!({})),
        answered(401, json!({})),
        answered(404, json!({})),
        answered(413, json!({})),
        answered(422, json!({ "field": "amount" })),
        answered(502, passed_on),
    ] {
        let End::Refused { attempts, error } = first().ended(&result) else { panic!("{result:?}") };
        assert_eq!((attempts, &error["code"]), (1, &json!("EUPSTREAM")));
        assert!(error["response"].is_object(), "{error}");
    }
    let long = answered(422, json!({ "detail": "x".repeat(5_000) }));
    let End::Refused { error, .. } = first().ended(&long) else { panic!("it is refused") };
    assert_eq!(error.get("response"), None, "too long to be kept");
    assert_eq!(error["status"], 422);
}

proptest! {
    #[test]
    fn every_wait_is_within_its_bounds(before in any::<u32>(), random in 0.0..=1.0) {
        let result = answered(500, json!({}));
        let (attempts, wait) = wait(&Try { before, random, ..first() }.ended(&result));
        prop_assert!(attempts >= 1 && attempts >= before);
        prop_assert!((Duration::from_millis(125)..=Duration::from_secs(30)).contains(&wait), "{wait:?}");
    }
}
