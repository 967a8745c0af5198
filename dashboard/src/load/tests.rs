//! The beat and the figures, on a clock that is passed in.

use super::Load;
use super::figures::Count;
use super::pace::{Due, Pace};
use crate::feed::Feed;
use crate::limits;
use crate::orders::Orders;
use crate::settings::Peer;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(start_paused = true)]
async fn orders_leave_at_even_distances() {
    let begun = Instant::now();
    let mut pace = Pace::new(200, begun).expect("a load");
    for order in 0..1000 {
        assert_eq!(pace.next(), begun + ms(5 * order));
        assert_eq!(pace.due(pace.next()), Due { now: 1, late: 0 });
    }
    assert!(Pace::new(0, begun).is_none(), "none at all");
}

#[tokio::test(start_paused = true)]
async fn every_rate_is_kept_to_the_order() {
    let begun = Instant::now();
    for rate in 1..=200 {
        let mut pace = Pace::new(rate, begun).expect("a load");
        let mut sent = 0;
        while pace.next() < begun + Duration::from_secs(10) {
            let due = pace.due(pace.next());
            assert_eq!(due, Due { now: 1, late: 0 }, "{rate} a second, after {sent}");
            sent += 1;
        }
        assert_eq!(sent, u64::from(rate) * 10);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_late_is_skipped() {
    let begun = Instant::now();
    let mut pace = Pace::new(100, begun).expect("a load");
    assert_eq!(pace.due(begun), Due { now: 1, late: 0 });
    assert_eq!(pace.due(begun + ms(55)), Due { now: 5, late: 0 }, "a little late");
    assert_eq!(pace.due(begun + ms(1055)), Due { now: 11, late: 89 }, "a second late");
    assert_eq!(pace.next(), begun + ms(1060), "and on in time");
    assert_eq!(pace.due(begun + ms(1056)), Due { now: 0, late: 0 });
}

#[tokio::test(start_paused = true)]
async fn percentiles_are_of_the_last_ten_seconds() {
    let begun = Instant::now();
    let mut count = Count::default();
    assert_eq!(count.figures(1, begun).p50_ms, None);
    for order in 1..=100 {
        let load = count.send();
        count.answer(load, begun + ms(order), ms(order), order % 10 == 0);
    }
    let figures = count.figures(1, begun + ms(9_000));
    assert_eq!((figures.p50_ms, figures.p99_ms), (Some(50.0), Some(99.0)));
    assert_eq!((figures.answered, figures.degraded), (100, 10));
    let figures = count.figures(1, begun + ms(10_099));
    assert_eq!((figures.p50_ms, figures.p99_ms), (Some(100.0), Some(100.0)), "the last of them");
    let figures = count.figures(1, begun + ms(10_100));
    assert_eq!((figures.p50_ms, figures.answered), (None, 100), "counts are since the beginning");
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_it_began_anew_does_not_count() {
    let mut count = Count::default();
    let (before, now) = (count.send(), Instant::now());
    count.begin_anew();
    count.answer(before, now, ms(1), true);
    count.fail(before);
    let figures = count.figures(1, now);
    assert_eq!((figures.sent, figures.answered, figures.failed, figures.degraded), (0, 0, 0, 0));
    assert_eq!(figures.p50_ms, None);
    let load = count.send();
    count.fail(load);
    assert_eq!((count.figures(1, now).sent, count.figures(1, now).failed), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_no_page_shows_stops() {
    let peer: Peer = "order=http://127.0.0.1:9".parse().expect("a service");
    let feed = Arc::new(Feed::new(std::slice::from_ref(&peer)));
    let load = Load::new(Orders::new(reqwest::Client::new(), &peer), Arc::clone(&feed));
    let stops = async |load: &Load| {
        let mut rates = load.rate.subscribe();
        tokio::select! {
            () = load.run() => unreachable!("it never ends by itself"),
            _ = rates.wait_for(|rate| *rate == 0) => {}
        }
    };
    load.set(3);
    let begun = Instant::now();
    stops(&load).await;
    assert_eq!(begun.elapsed(), limits::UNWATCHED);
    let figures = load.figures();
    assert_eq!(figures.sent + figures.skipped, 180, "the one that is due at the end is not sent any more");

    load.set(3);
    let page = feed.join(&axum::http::HeaderMap::new()).expect("a page");
    let begun = Instant::now();
    let watched = tokio::time::timeout(limits::UNWATCHED * 10, stops(&load)).await;
    assert!(watched.is_err(), "it stopped after {:?}, while a page was open", begun.elapsed());
    drop(page);
}
