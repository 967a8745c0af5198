//! Pages that come and go, on a clock that is moved.

use super::Feed;
use crate::limits;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, advance, timeout};

const SOME_TIME: Duration = Duration::from_secs(10);

fn feed() -> Arc<Feed> {
    Arc::new(Feed::new(&["order=http://127.0.0.1:9".parse().expect("a service")]))
}

#[tokio::test(start_paused = true)]
async fn it_is_unwatched_when_no_page_was_open_for_the_time() {
    let feed = feed();
    let begun = Instant::now();
    feed.unwatched(SOME_TIME).await;
    assert_eq!(begun.elapsed(), SOME_TIME);

    let (one, other) = (feed.join(&HeaderMap::new()).expect("a page"), feed.join(&HeaderMap::new()));
    feed.watched().await;
    drop(one);
    assert!(timeout(SOME_TIME * 10, feed.unwatched(SOME_TIME)).await.is_err(), "one page is still open");

    // A page that is loaded anew.
    let unwatched = tokio::spawn({
        let feed = Arc::clone(&feed);
        async move { feed.unwatched(SOME_TIME).await }
    });
    drop(other);
    advance(SOME_TIME - Duration::from_secs(1)).await;
    let again = feed.join(&HeaderMap::new()).expect("a page");
    advance(SOME_TIME).await;
    assert!(!unwatched.is_finished());
    drop(again);
    let begun = Instant::now();
    unwatched.await.expect("no panic");
    assert_eq!(begun.elapsed(), SOME_TIME);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_pages_are_served() {
    let feed = feed();
    let mut pages: Vec<_> =
        (0..limits::PAGES).map(|_| feed.join(&HeaderMap::new()).expect("a page")).collect();
    let refused = feed.join(&HeaderMap::new()).expect_err("one too many").into_response();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(*feed.pages.borrow(), limits::PAGES);
    pages.pop();
    feed.join(&HeaderMap::new()).expect("its place is free again");
    drop(pages);
    assert_eq!(*feed.pages.borrow(), 0, "all have gone");
}

#[tokio::test(start_paused = true)]
async fn since_is_when_it_began_to_be_so() {
    let feed = feed();
    feed.note(0, Some(false), Some("it cannot be reached".to_owned()));
    let since = feed.services()[0].since;
    advance(Duration::from_secs(1)).await;
    feed.note(0, Some(false), Some("its stream ended".to_owned()));
    assert_eq!(feed.services()[0].since, since, "away for another reason is still away");
    assert_eq!(feed.services()[0].why.as_deref(), Some("its stream ended"));
    feed.note(0, Some(true), None);
    assert_eq!((feed.services()[0].reachable, feed.services()[0].why.clone()), (Some(true), None));
}
