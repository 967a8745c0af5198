//! Those who tell, and those who read: order, replay, what a slow reader gets, limits.

use crate::running::Event;
use axum::body::to_bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse as _;
use chassis::sse::{Hub, Reader};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// What a reader may be behind by, and what is kept.
const BEHIND: u64 = 64;
const KEPT: u64 = 256;

fn since(id: &str) -> HeaderMap {
    HeaderMap::from_iter([(
        "last-event-id".parse().expect("a name"),
        HeaderValue::from_str(id).expect("a value"),
    )])
}

/// A reader whose greetings are numbered.
fn join(hub: &Arc<Hub>, headers: &HeaderMap) -> Reader {
    let times = AtomicU32::new(0);
    let greet = move || vec![("hello", format!("{}", times.fetch_add(1, Ordering::Relaxed) + 1))];
    hub.join(headers, greet).expect("there is room")
}

/// All that is there to be read, as names, numbers and data.
async fn all(reader: &mut Reader) -> Vec<(String, u64, u64)> {
    let mut events = Vec::new();
    while let Ok(piece) = timeout(Duration::ZERO, reader.next()).await {
        let piece = piece.expect("not closed");
        let event = Event::read(std::str::from_utf8(&piece).expect("UTF-8").trim_end());
        if event.name.is_empty() {
            assert_eq!(event.raw, "retry: 2000");
            assert!(events.is_empty(), "it is told once, and first");
        } else {
            events.push((
                event.name.clone(),
                event.id.expect("every event has one"),
                event.data.as_u64().unwrap_or(0),
            ));
        }
    }
    events
}

fn tell(hub: &Hub, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        hub.tell("n", &number.to_string());
    }
}

fn numbered(numbers: std::ops::RangeInclusive<u64>) -> impl Iterator<Item = (String, u64, u64)> {
    numbers.map(|number| ("n".to_owned(), number, number))
}

#[tokio::test(start_paused = true)]
async fn a_new_reader_is_greeted_and_then_told_what_happens() {
    let hub = Arc::new(Hub::new(2, 0));
    tell(&hub, 1..=3);
    let mut reader = join(&hub, &HeaderMap::new());
    assert_eq!(all(&mut reader).await, [("hello".to_owned(), 3, 1)], "nothing of what was before");
    tell(&hub, 4..=4);
    hub.show("how", "7");
    tell(&hub, 5..=5);
    let expected = [("n".to_owned(), 4, 4), ("how".to_owned(), 4, 7), ("n".to_owned(), 5, 5)];
    assert_eq!(all(&mut reader).await, expected);
}

#[tokio::test(start_paused = true)]
async fn one_who_comes_back_is_told_what_it_has_missed() {
    let hub = Arc::new(Hub::new(64, 0));
    tell(&hub, 1..=2);
    hub.show("how", "0");
    tell(&hub, 3..=5);
    let hello = [("hello".to_owned(), 5, 1)];
    for (last, from) in [("0", 1), ("2", 3), ("4", 5), ("5", 6)] {
        let told = all(&mut join(&hub, &since(last))).await;
        let expected: Vec<_> = numbered(from..=5).chain(hello.clone()).collect();
        assert_eq!(told, expected, "after {last}: and nothing of how things were");
    }
    for other_time in ["6", "18446744073709551615"] {
        let told = all(&mut join(&hub, &since(other_time))).await;
        assert_eq!(told, numbered(1..=5).chain(hello.clone()).collect::<Vec<_>>(), "{other_time}");
    }
    for no_number in ["", "-1", "five", "99999999999999999999"] {
        assert_eq!(all(&mut join(&hub, &since(no_number))).await, hello, "{no_number:?}");
    }
    tell(&hub, 6..=1_000);
    let told = all(&mut join(&hub, &since("2"))).await;
    let (kept, greeting) = told.split_at(told.len() - 1);
    assert_eq!(kept, numbered(1_001 - KEPT..=1_000).collect::<Vec<_>>(), "so much is kept");
    assert_eq!(greeting, [("hello".to_owned(), 1_000, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_goes_on_as_one_who_comes_back() {
    let hub = Arc::new(Hub::new(2, 0));
    let (mut slow, mut fast) = (join(&hub, &HeaderMap::new()), join(&hub, &HeaderMap::new()));
    assert_eq!(all(&mut slow).await.len(), 1);
    tell(&hub, 1..=BEHIND);
    assert_eq!(all(&mut slow).await, numbered(1..=BEHIND).collect::<Vec<_>>(), "so far behind is no matter");

    all(&mut fast).await;
    let last = BEHIND + 200;
    for number in BEHIND + 1..=last {
        tell(&hub, number..=number);
        hub.show("how", "0");
        let told = all(&mut fast).await;
        assert!(
            told.len() <= usize::try_from(BEHIND).expect("few") + 2,
            "it has not waited for the slow one"
        );
    }
    let caught_up: Vec<_> = numbered(BEHIND + 1..=last).chain([("hello".to_owned(), last, 2)]).collect();
    assert_eq!(all(&mut slow).await, caught_up, "all that is kept, and how things are now");

    tell(&hub, last + 1..=last + 1_000);
    let told = all(&mut slow).await;
    let newest: Vec<_> = numbered(last + 1_001 - KEPT..=last + 1_000).collect();
    assert_eq!(told[..told.len() - 1], newest, "the oldest are lost");
    assert_eq!(told[told.len() - 1], ("hello".to_owned(), last + 1_000, 3));
}

#[tokio::test]
async fn so_many_may_read_and_no_more() {
    let hub = Arc::new(Hub::new(2, 0));
    let (first, _second) = (join(&hub, &HeaderMap::new()), join(&hub, &HeaderMap::new()));
    assert_eq!(hub.readers(), 2);
    let refused = hub.join(&HeaderMap::new(), Vec::new).expect_err("it is full").into_response();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "2");
    let body = to_bytes(refused.into_body(), usize::MAX).await.expect("short");
    assert!(String::from_utf8_lossy(&body).contains("2 read already: that is as many as may"), "{body:?}");

    // An answer that nobody reads any more.
    let answer = first.into_response(());
    drop(answer);
    assert_eq!(hub.readers(), 1);
    hub.join(&HeaderMap::new(), Vec::new).expect("there is room again");
}

#[tokio::test]
async fn closing_ends_every_stream_and_lets_go_of_what_was_held() {
    let hub = Arc::new(Hub::new(2, 0));
    let held = Arc::new(());
    let answer = join(&hub, &HeaderMap::new()).into_response(Arc::clone(&held));
    tell(&hub, 1..=1);
    let read = tokio::spawn(to_bytes(answer.into_body(), usize::MAX));
    hub.close();
    read.await.expect("no panic").expect("a clean end");
    assert_eq!((Arc::strong_count(&held), hub.readers()), (1, 0));
    assert!(join(&hub, &HeaderMap::new()).next().await.is_none(), "whoever comes later ends at once");
}

#[tokio::test(start_paused = true)]
async fn a_stream_says_that_it_is_still_there() {
    let hub = Arc::new(Hub::new(1, 0));
    let mut reader = join(&hub, &HeaderMap::new());
    all(&mut reader).await;
    let begun = Instant::now();
    for times in 1..=3 {
        assert_eq!(&*reader.next().await.expect("not closed"), b": keep-alive\n\n");
        assert_eq!(begun.elapsed().as_millis(), times * 15_000);
    }
}

#[tokio::test(start_paused = true)]
async fn data_of_several_lines_stays_one_event() {
    let hub = Arc::new(Hub::new(1, 0));
    let mut reader = join(&hub, &HeaderMap::new());
    all(&mut reader).await;
    hub.tell("text", "one\ntwo\r\n\nevent: forged");
    let piece = reader.next().await.expect("not closed");
    assert_eq!(&*piece, b"id: 1\nevent: text\ndata: one\ndata: two\ndata: \ndata: event: forged\n\n");
}
