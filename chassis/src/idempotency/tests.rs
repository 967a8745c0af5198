//! Which keys are read, and that a held one is given back.

use super::*;
use axum::http::HeaderValue;
use proptest::prelude::*;

#[test]
fn a_key_is_a_quoted_string_or_the_same_bare() {
    for (text, key) in [
        (r#""8e03978e-40d5-43e8-bc93-6894a57f9324""#, "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        (r#" "with a space" "#, "with a space"),
        (r#""a\"b\\c""#, r#"a"b\c"#),
        ("order:7/a", "order:7/a"),
    ] {
        assert_eq!(parse(text).as_deref(), Some(key), "{text}");
    }
}

#[test]
fn anything_else_is_refused() {
    let long = "x".repeat(256);
    let quoted_long = format!("\"{long}\"");
    for text in [
        "",
        " ",
        r#""""#,
        r#"""#,
        r#""open"#,
        r#"open""#,
        r#""a"b""#,
        r#""a\x""#,
        r#""a\""#,
        "a b",
        "a,b",
        "a;b=1",
        r#""a";b=1"#,
        r"a\b",
        "tab\tbed",
        "\"tab\tbed\"",
        &long,
        &quoted_long,
    ] {
        assert_eq!(parse(text), None, "{text:?}");
    }
    let headers = HeaderMap::from_iter([(KEY.parse().expect("a name"), HeaderValue::from_static("a b"))]);
    assert!(of(&headers).is_err());
    let mut twice = HeaderMap::new();
    twice.append(KEY, HeaderValue::from_static("a"));
    twice.append(KEY, HeaderValue::from_static("b"));
    assert!(of(&twice).is_err(), "which of them?");
    assert_eq!(of(&HeaderMap::new()).expect("none is none"), None);
}

#[test]
fn a_hand_over_has_a_key_of_its_own_that_never_changes() {
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    assert_eq!(of_hand_over(one), of_hand_over(one));
    assert_ne!(of_hand_over(one), of_hand_over(other));
    assert_ne!(of_hand_over(one), one.to_string());
}

#[test]
fn a_key_is_held_by_one_and_given_back() {
    let keys = UnderWay::default();
    let held = keys.hold("a").expect("it is free");
    assert!(keys.hold("a").is_err());
    keys.hold("b").expect("another one");
    drop(held);
    keys.hold("a").expect("it is free again");
    assert_eq!(keys.with(|keys| keys.len()), 0, "nothing is left behind");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,300}|[ -~]{0,300}") {
        if let Some(key) = parse(&text) {
            prop_assert!((1..=LONGEST).contains(&key.len()));
            prop_assert!(key.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }

    #[test]
    fn what_is_quoted_is_read_as_it_was(key in "[ -~]{1,255}") {
        prop_assert_eq!(parse(&quoted(&key)), Some(key));
    }
}
