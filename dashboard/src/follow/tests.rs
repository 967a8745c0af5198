//! What is heard of a service, without a network, on a clock that is moved.

use super::{Follower, Lost, Pieces};
use crate::feed::Feed;
use crate::limits;
use crate::settings::Peer;
use axum::body::Bytes;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const ORDER: &str = "event: snapshot\ndata: {\"service\":\"order\",\"at\":\"now\"}\n\n";

fn follower() -> Follower {
    let peer: Peer = "order=http://127.0.0.1:9".parse().expect("a service");
    let feed = Arc::new(Feed::new(std::slice::from_ref(&peer)));
    Follower::new(feed, reqwest::Client::new(), peer, 0)
}

/// Hears these pieces, each after a pause, and then nothing.
async fn hear(follower: &mut Follower, pieces: &[&str], pause: Duration) -> Lost {
    let pieces = pieces.iter().map(|piece| Bytes::copy_from_slice(piece.as_bytes())).collect();
    let Err::<Infallible, _>(lost) = follower.hear(Slowly { pieces, pause }).await;
    lost
}

struct Slowly {
    pieces: VecDeque<Bytes>,
    pause: Duration,
}

impl Pieces for Slowly {
    async fn next(&mut self) -> Option<Bytes> {
        let Some(piece) = self.pieces.front().cloned() else { return std::future::pending().await };
        sleep(self.pause).await;
        self.pieces.pop_front();
        Some(piece)
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_noticed_and_a_sign_of_life_is_none() {
    let (mut follower, begun) = (follower(), Instant::now());
    let lost = hear(&mut follower, &[ORDER], Duration::ZERO).await;
    assert!(matches!(lost, Lost::Silent(_)), "{lost}");
    assert_eq!(begun.elapsed(), limits::SILENCE);

    let signs = [": keep-alive\n\n"; 10];
    let (pause, begun) = (Duration::from_secs(39), Instant::now());
    hear(&mut follower, &signs, pause).await;
    assert_eq!(begun.elapsed(), pause * 10 + limits::SILENCE);

    // One byte at a time, and never an end of the line.
    let (pause, begun) = (Duration::from_secs(15), Instant::now());
    hear(&mut follower, &["x"; 100], pause).await;
    assert_eq!(begun.elapsed(), limits::SILENCE);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_of_this_service_ends_it() {
    for (piece, why) in [
        ("data: {\"service\":\"payment\"}\n\n", "it calls itself \"payment\": correct SERVICES"),
        ("event: a\ndata: hello\n\n", "it sends events that are none of a service of this chain"),
        ("event: a\ndata: {\"at\":1}\n\n", "it sends events that are none of a service of this chain"),
        ("event: a\ndata: [1]\n\n", "it sends events that are none of a service of this chain"),
        // Not of the server that shows it.
        (
            "event: load\ndata: {\"service\":\"order\"}\n\n",
            "it sends events that are none of a service of this chain",
        ),
        (
            "event: service\ndata: {\"service\":\"order\"}\n\n",
            "it sends events that are none of a service of this chain",
        ),
        ("data: {\"service\":\"order\"}\n\n", "it sends events that are none of a service of this chain"),
    ] {
        let lost = hear(&mut follower(), &[piece], Duration::ZERO).await;
        assert_eq!(lost.to_string(), why, "{piece}");
    }
    let endless = "x".repeat(limits::EVENT + 1);
    let lost = hear(&mut follower(), &[&endless], Duration::ZERO).await;
    assert_eq!(lost.to_string(), "it sends an event of more than 65536 bytes");
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_from_the_last_event_that_was_good() {
    let mut follower = follower();
    let good = "id: 7\nevent: transition\ndata: {\"service\":\"order\"}\n\n";
    hear(&mut follower, &[good, "id: 8\ndata: bad\n\n"], Duration::ZERO).await;
    assert_eq!(follower.last, "7");
    // What cannot be sent back is not kept.
    let odd = "id: 9 ä\nevent: transition\ndata: {\"service\":\"order\"}\n\n";
    hear(&mut follower, &[odd], Duration::ZERO).await;
    assert_eq!(follower.last, "7");
}
