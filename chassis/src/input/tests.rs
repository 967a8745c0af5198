//! Queries: nothing that is sent makes them panic; what is taken is in range, what is refused is named.

use super::{before, count, limit};
use crate::limits::PAGE_MOST;
use crate::problem::Problem;
use axum::http::Uri;
use axum::response::IntoResponse as _;
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

/// A query in which every byte is written as a percent code, so that any text can stand in it.
fn uri(name: &str, values: &[&str]) -> Uri {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<_> = values.iter().map(|value| format!("{name}={}", encode(value))).collect();
    format!("/parcels?{}", pairs.join("&")).parse().expect("a URI")
}

/// A problem as the client reads it.
fn read(problem: Problem) -> Value {
    let (head, body) = problem.into_response().into_parts();
    let body = futures_util::FutureExt::now_or_never(body.collect()).expect("it is there");
    let problem: Value = serde_json::from_slice(&body.expect("bytes").to_bytes()).expect("JSON");
    assert_eq!(head.status, 400, "{problem}");
    problem
}

fn is_named(problem: Problem, name: &str) -> Result<(), TestCaseError> {
    let problem = read(problem);
    let detail = problem["detail"].as_str().expect("a sentence");
    prop_assert_eq!(&problem["parameter"], name);
    prop_assert!(detail.starts_with(name), "{}", detail);
    Ok(())
}

/// Texts of all kinds, and such as are nearly right.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-+ 0-9a-f.]{0,40}",
        any::<u64>().prop_map(|number| number.to_string()),
        (0_u32..200).prop_map(|number| number.to_string()),
        any::<u128>().prop_map(|number| Uuid::from_u128(number).to_string()),
    ]
}

proptest! {
    #[test]
    fn a_query_is_taken_in_range_or_named(text in texts()) {
        match count(&uri("count", &[&text])) {
            Ok(number) => prop_assert_eq!(Ok(number), text.parse()),
            Err(problem) => {
                is_named(problem, "count")?;
                prop_assert!(text.parse::<u32>().is_err());
            }
        }
        match limit(&uri("limit", &[&text])) {
            Ok(number) => prop_assert!((1..=PAGE_MOST).contains(&number) && text.parse() == Ok(number)),
            Err(problem) => {
                is_named(problem, "limit")?;
                prop_assert!(!text.parse::<u32>().is_ok_and(|number| (1..=PAGE_MOST).contains(&number)));
            }
        }
        match before(&uri("before", &[&text])) {
            Ok(key) => prop_assert_eq!(key, text.parse::<Uuid>().ok()),
            Err(problem) => {
                is_named(problem, "before")?;
                prop_assert!(text.parse::<Uuid>().is_err());
            }
        }
    }

    #[test]
    fn a_query_is_read_as_it_is_written(number: u32, size in 1..=PAGE_MOST, key: u128) {
        prop_assert_eq!(count(&uri("count", &[&number.to_string()])).ok(), Some(number));
        prop_assert_eq!(limit(&uri("limit", &[&size.to_string()])).ok(), Some(size));
        let key = Uuid::from_u128(key);
        prop_assert_eq!(before(&uri("before", &[&key.to_string()])).ok(), Some(Some(key)));
    }

    #[test]
    fn what_is_said_twice_is_refused(one in texts(), other in texts()) {
        let problem = count(&uri("count", &[&one, &other])).expect_err("twice");
        is_named(problem, "count")?;
    }

    #[test]
    fn no_query_makes_it_panic(query in "[!-~]{0,60}") {
        if let Ok(uri) = format!("/parcels?{query}").parse::<Uri>() {
            for problem in [count(&uri).err(), limit(&uri).err(), before(&uri).err()].into_iter().flatten() {
                read(problem);
            }
        }
    }
}
