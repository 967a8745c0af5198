//! The rules of the Recommendation, one by one, and that nothing a client sends makes us panic.

use super::parent::Parent;
use super::{SpanId, TraceContext};
use crate::sample::Sampler;
use crate::store::StoredTrace;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
    of.iter()
        .map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).expect("a header"))
        })
        .collect()
}

/// What comes of these headers, where as many are watched as come.
fn context(of: &[(&'static str, &str)]) -> TraceContext {
    TraceContext::of(&headers(of), &Sampler::per_second(u32::MAX))
}

fn unwatched(of: &[(&'static str, &str)]) -> TraceContext {
    TraceContext::of(&headers(of), &Sampler::per_second(0))
}

/// The `tracestate` that is handed on, given one that came.
fn handed_on(came: &[&str]) -> String {
    let mut of = vec![("traceparent", PARENT)];
    of.extend(came.iter().map(|value| ("tracestate", *value)));
    let sent = unwatched(&of).headers(SpanId::new());
    sent["tracestate"].to_str().expect("ASCII").to_owned()
}

#[test]
fn a_trace_is_gone_on_with() {
    let context = context(&[("traceparent", PARENT)]);
    assert_eq!(context.id.to_string(), TRACE);
    assert_eq!(context.parent.expect("it has one").to_string(), "00f067aa0ba902b7");
    assert!(context.sampled);
    assert_ne!(context.parent, Some(context.span), "what we do is a span of its own");

    let hop = SpanId::new();
    assert_eq!(context.headers(hop)["traceparent"], format!("00-{TRACE}-{hop}-01"));
}

#[test]
fn what_was_kept_is_taken_up_later() {
    for (ours, watched) in [("watch", true), ("pass", false)] {
        let state = format!("retail={ours},other=1");
        let then = context(&[("traceparent", PARENT), ("tracestate", &state)]);
        let kept = then.kept();
        // Whoever takes it up does not pick whom to watch: that was done.
        let later = TraceContext::taken_up(Some(&kept), &Sampler::per_second(u32::MAX));
        assert_eq!((later.id, later.parent), (then.id, Some(then.span)));
        assert_ne!(later.span, then.span);
        assert_eq!((later.sampled, later.watched), (true, watched));
        assert_eq!(later.headers(later.span)["tracestate"], state);
    }
    let unsampled = context(&[("traceparent", &PARENT.replace("-01", "-00"))]).kept();
    assert!(!TraceContext::taken_up(Some(&unsampled), &Sampler::per_second(0)).sampled);
    let spoiled = StoredTrace { traceparent: "no\nheader".to_owned(), tracestate: String::new() };
    for kept in [None, Some(&spoiled)] {
        let begun = TraceContext::taken_up(kept, &Sampler::per_second(0));
        assert_eq!((begun.parent, begun.sampled), (None, true), "a trace begins");
    }
}

#[test]
fn whether_it_is_recorded_is_handed_on() {
    for (flags, sampled) in [("00", "00"), ("01", "01"), ("02", "00"), ("03", "01"), ("ff", "01")] {
        let context = context(&[("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-{flags}"))]);
        let sent = context.headers(context.span);
        assert!(sent["traceparent"].to_str().expect("ASCII").ends_with(&format!("-{sampled}")), "{flags}");
    }
}

#[test]
fn what_cannot_be_read_begins_a_new_trace() {
    let zeros = ("0".repeat(32), "0".repeat(16));
    for bad in [
        "",
        "00",
        &PARENT[..54],
        &format!("{PARENT}-"),
        &format!("{PARENT}-00"),
        &format!("{PARENT}0"),
        &PARENT.to_uppercase(),
        &PARENT.replace('-', "_"),
        &PARENT.replace("-01", "-0x"),
        &PARENT.replace("-01", "-+1"),
        &PARENT.replacen("00-", "ff-", 1),
        &PARENT.replacen("00-", "0x-", 1),
        &PARENT.replacen("00-", "000", 1),
        &PARENT.replace(TRACE, &zeros.0),
        &PARENT.replace("00f067aa0ba902b7", &zeros.1),
        &PARENT.replace("4bf9", "4bg9"),
        &PARENT.replace("4bf9", "4b 9"),
        // The dashes elsewhere, as long as it should be.
        "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
        &PARENT.replace("736-", "73é"),
    ] {
        let context = context(&[("traceparent", bad), ("tracestate", "a=b")]);
        assert_ne!(context.id.to_string(), TRACE, "{bad:?} was taken");
        assert_eq!(context.parent, None);
        assert_eq!(context.headers(context.span)["tracestate"], "retail=watch", "the state goes with it");
    }
    let twice = context(&[("traceparent", PARENT), ("traceparent", PARENT)]);
    assert_eq!(twice.parent, None, "nobody knows which of two holds");
}

#[test]
fn a_version_to_come_is_read_as_far_as_it_is_known() {
    for version in ["01", "cc", "fe"] {
        for more in ["", "-", "-what-comes"] {
            let text = format!("{}{more}", PARENT.replacen("00", version, 1));
            let parent = Parent::read(&text).unwrap_or_else(|| panic!("{text} was not taken"));
            assert_eq!((parent.trace.to_string().as_str(), parent.sampled), (TRACE, true));
        }
        assert_eq!(Parent::read(&format!("{}x", PARENT.replacen("00", version, 1))), None);
    }
}

#[test]
fn what_others_keep_is_handed_on_behind_ours() {
    assert_eq!(handed_on(&[]), "retail=pass");
    assert_eq!(handed_on(&["a=1,b=2"]), "retail=pass,a=1,b=2");
    assert_eq!(handed_on(&["a=1", "b=2"]), "retail=pass,a=1,b=2", "two headers are one list");
    assert_eq!(handed_on(&[" a=1 ,\tb=2\t, ,,"]), "retail=pass,a=1,b=2", "blanks are nothing");
    assert_eq!(handed_on(&["a=1,retail=pass,b=2"]), "retail=pass,a=1,b=2", "ours moves to the front");
    assert_eq!(handed_on(&["a=1,b=2,a=3"]), "retail=pass,a=1,b=2", "the first of two with one key");
    assert_eq!(handed_on(&["0t@s=1,a_-*/0= ~!"]), "retail=pass,0t@s=1,a_-*/0= ~!");
    let key = format!("a{}", "b".repeat(255));
    assert_eq!(handed_on(&[&format!("{key}=1")]), format!("retail=pass,{key}=1"));
}

#[test]
fn a_state_that_breaks_a_rule_is_dropped_whole() {
    let long = "a".repeat(257);
    for bad in [
        "a",
        "a=",
        "=1",
        "A=1",
        "0a=1",
        "a=1=2",
        "a =1",
        "a=é",
        "a@=1",
        "@a=1",
        "a@0=1",
        "a@b@c=1",
        &format!("a@{}=1", "b".repeat(15)),
        &format!("{}@b=1", "a".repeat(242)),
        &format!("{long}=1"),
        &format!("a={long}"),
    ] {
        assert_eq!(handed_on(&[&format!("x=1,{bad}")]), "retail=pass", "{bad}");
    }
}

#[test]
fn so_many_members_and_characters_are_handed_on() {
    let list = |count: usize| (0..count).map(|i| format!("k{i}=1")).collect::<Vec<_>>().join(",");
    assert_eq!(handed_on(&[&list(31)]), format!("retail=pass,{}", list(31)));
    assert_eq!(
        handed_on(&[&list(32)]),
        format!("retail=pass,{}", list(31)),
        "the oldest makes room for ours"
    );
    assert_eq!(handed_on(&[&list(33)]), "retail=pass");

    let (long, short) = ("l".repeat(200), "s".repeat(100));
    let came = format!("a={short},b={long},c={long},d={short}");
    assert_eq!(
        handed_on(&[&came]),
        format!("retail=pass,a={short},b={long},d={short}"),
        "long ones go first"
    );
    let came = (0..6).map(|i| format!("k{i}={short}")).collect::<Vec<_>>();
    assert_eq!(
        handed_on(&[&came.join(",")]),
        format!("retail=pass,{}", came[..4].join(",")),
        "then the oldest"
    );
}

#[test]
fn the_first_service_of_a_chain_picks_whom_to_watch_and_the_others_follow() {
    let first = context(&[]);
    assert!(first.watched, "there is room");
    let sent = first.headers(first.span);
    let next = TraceContext::of(&sent, &Sampler::per_second(0));
    assert!(next.watched, "it does not ask whether there is room");
    assert_eq!(next.id, first.id);

    let first = unwatched(&[]);
    let next = TraceContext::of(&first.headers(first.span), &Sampler::per_second(u32::MAX));
    assert!(!next.watched, "the first one did not pick it");

    assert!(
        context(&[("traceparent", PARENT), ("tracestate", "other=watch")]).watched,
        "nobody of ours saw it"
    );
    assert!(unwatched(&[("traceparent", PARENT), ("tracestate", "retail=watch")]).watched);
    assert!(!context(&[("traceparent", PARENT), ("tracestate", "retail=what")]).watched);
}

proptest! {
    #[test]
    fn whatever_comes_what_goes_out_can_be_read(
        parent in prop::collection::vec(any::<u8>(), 0..80),
        state in prop::collection::vec(any::<u8>(), 0..700),
    ) {
        check(&parent, &state)?;
        check(PARENT.as_bytes(), &state)?;
    }

    #[test]
    fn whatever_looks_right_what_goes_out_can_be_read(
        parent in "[0-9a-f]{2}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{2}(-.*)?",
        state in "([a-z0-9@]{1,20}=[ -~]{0,200},){0,40}",
    ) {
        check(parent.as_bytes(), state.as_bytes())?;
        check(PARENT.as_bytes(), state.as_bytes())?;
    }

    #[test]
    fn what_is_read_is_what_was_written(text in "00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]") {
        if let Some(parent) = Parent::read(&text) {
            prop_assert_eq!(parent.to_string(), text);
        } else {
            prop_assert!(text.contains(&"0".repeat(16)));
        }
    }
}

fn check(parent: &[u8], state: &[u8]) -> Result<(), TestCaseError> {
    let mut came = HeaderMap::new();
    for (name, value) in [("traceparent", parent), ("tracestate", state)] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            came.append(name, value);
        }
    }
    let context = TraceContext::of(&came, &Sampler::per_second(0));
    let sent = context.headers(context.span);
    let list = sent["tracestate"].to_str().expect("ASCII");
    prop_assert!(list.len() <= 512 && list.split(',').count() <= 32, "{}", list);
    let next = TraceContext::of(&sent, &Sampler::per_second(0));
    prop_assert_eq!(next.id, context.id);
    prop_assert_eq!(next.parent, Some(context.span));
    prop_assert_eq!(&next.headers(next.span)["tracestate"], list, "read as it was written");
    Ok(())
}
