//! `Last-Event-ID`: whatever comes, a reader is given what it has missed and no more.

use super::{Hub, event, last_event_id};
use axum::http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use std::sync::Arc;

const FIRST: u64 = 1_000;

fn headers(value: &[u8]) -> HeaderMap {
    let value = HeaderValue::from_bytes(value).ok();
    value.map(|value| ("last-event-id".parse().expect("a name"), value)).into_iter().collect()
}

/// The numbers of the events that a reader with this header is given first.
fn replayed(told: u64, headers: &HeaderMap) -> Vec<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _entered = runtime.enter();
    let hub = Arc::new(Hub::new(1, FIRST));
    for number in 0..told {
        hub.tell("news", &number.to_string());
    }
    let reader = hub.join(headers, Vec::new).expect("a place");
    let number = |piece: &[u8]| {
        let text = String::from_utf8(piece.to_vec()).expect("text");
        text.strip_prefix("id: ").and_then(|rest| rest.lines().next()?.parse().ok())
    };
    reader.waiting.iter().filter_map(|piece| number(piece)).collect()
}

proptest! {
    #[test]
    fn whatever_comes_no_more_is_replayed_than_was_told(
        value in prop_oneof![prop::collection::vec(any::<u8>(), 0..40), "[-+0-9 .]{0,24}".prop_map(String::into_bytes)],
        told in 0_u64..20,
    ) {
        let headers = headers(&value);
        let given = replayed(told, &headers);
        let expected: Vec<_> = match last_event_id(&headers) {
            None => Vec::new(),
            // A number that none of ours has is of another time: all of it is new.
            Some(seen) if seen > FIRST + told => (FIRST + 1..=FIRST + told).collect(),
            Some(seen) => (seen.max(FIRST) + 1..=FIRST + told).collect(),
        };
        prop_assert_eq!(given, expected);
    }

    #[test]
    fn one_that_was_told_is_read_as_it_was_written(told in 1_u64..20, seen in 0_u64..20) {
        let seen = FIRST + seen.min(told);
        let headers = headers(seen.to_string().as_bytes());
        prop_assert_eq!(last_event_id(&headers), Some(seen));
        prop_assert_eq!(replayed(told, &headers), (seen + 1..=FIRST + told).collect::<Vec<_>>());
    }

    #[test]
    fn no_data_breaks_out_of_its_event(data in "(.|\r|\n){0,60}") {
        let bytes = event(7, "news", &data);
        let text = std::str::from_utf8(&bytes).expect("text");
        let body = text.strip_prefix("id: 7\nevent: news\n").and_then(|rest| rest.strip_suffix('\n')).expect("a frame");
        prop_assert!(body.split_terminator('\n').all(|line| line.starts_with("data: ") && !line.contains('\r')), "{:?}", text);
    }
}
