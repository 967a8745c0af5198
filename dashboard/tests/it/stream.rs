//! The stream of events that a page reads.

use crate::place::{LIMIT, Page, Running, until};
use crate::teller::Teller;
use serde_json::json;
use std::time::Duration;
use testkit::{Behaviour, Peer, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

#[tokio::test]
async fn events_of_all_services_come_in_their_order_and_the_last_snapshot_at_once() {
    let (order, payment) = (Teller::start().await, Teller::start().await);
    let dashboard =
        Running::dashboard(&format!("order={},payment={}", order.url(), payment.url()), &[]).await;
    let mut page = Page::open(&dashboard).await;
    let first = page.next().await.expect("an event");
    assert_eq!((first.name.as_str(), &first.data["service"]), ("service", &json!("order")));
    assert_eq!(first.data["url"], order.url());
    assert_eq!((&first.data["reachable"], &first.data["why"]), (&json!(null), &json!(null)), "not asked yet");
    assert_eq!(page.next().await.expect("an event").data["service"], "payment");
    assert_eq!(page.next().await.expect("an event").name, "load");

    until("both are listened to", async || order.listeners() + payment.listeners() == 2).await;
    for number in 0..100 {
        order.tell(number + 1, "request", "order", usize::try_from(number).expect("small"));
        payment.tell(number + 1, "transition", "payment", usize::try_from(number).expect("small"));
    }
    order.tell(101, "snapshot", "order", 7);
    payment.tell(101, "snapshot", "payment", 8);
    let (mut requests, mut transitions, mut ids) = (0, 0, Vec::new());
    let mut snapshots = 0;
    while snapshots < 2 || requests < 100 || transitions < 100 {
        let told = page.next().await.expect("an event");
        match told.name.as_str() {
            "request" => {
                assert_eq!(told.data, json!({ "service": "order", "number": requests }), "as it was told");
                requests += 1;
                ids.push(told.id);
            }
            "transition" => {
                assert_eq!(told.data["number"], transitions);
                transitions += 1;
                ids.push(told.id);
            }
            "snapshot" => snapshots += 1,
            _ => {}
        }
    }
    assert!(ids.is_sorted_by(|one, next| one < next), "the numbers are the dashboard's own");

    let mut other = Page::open(&dashboard).await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        let told = other.next().await.expect("an event");
        seen.push((told.name, told.data["service"].clone(), told.data["reachable"].clone()));
    }
    let event = |name: &str, service| (name.to_owned(), service, json!(null));
    let service = |service| ("service".to_owned(), service, json!(true));
    assert_eq!(
        seen,
        [
            service(json!("order")),
            event("snapshot", json!("order")),
            service(json!("payment")),
            event("snapshot", json!("payment")),
            event("load", json!(null))
        ]
    );
    assert_eq!((order.requests().len(), payment.requests().len()), (1, 1), "one connection for both pages");

    // One that comes back has what it missed.
    let mut back = Page::back(&dashboard, Some(ids[197])).await;
    let missed = back.next().await.expect("an event");
    assert_eq!(missed.id, ids[198]);
    dashboard.stop().await;
}

#[tokio::test]
async fn nobody_is_listened_to_while_no_page_is_open() {
    let order = Teller::start().await;
    let dashboard = Running::dashboard(&format!("order={}", order.url()), &[]).await;
    let mut page = Page::open(&dashboard).await;
    order.until_heard(1).await;
    order.tell(1, "snapshot", "order", 1);
    page.until_reachable("order", true).await;
    drop(page);
    until("it is left alone", async || order.listeners() == 0).await;
    let services = dashboard.get("/api/services").await.json();
    assert_eq!(services[0]["reachable"], json!(null), "nobody asks, so nobody knows");

    let mut page = Page::open(&dashboard).await;
    page.until("snapshot", |data| data["number"] == 1).await;
    order.until_heard(2).await;
    let requests = order.requests();
    assert!(requests.iter().all(|head| !head.contains("last-event-id")), "{requests:?}");
    dashboard.stop().await;
}

#[tokio::test]
async fn a_service_that_is_away_is_told_and_found_again() {
    let order = Teller::start().await;
    let dashboard = Running::dashboard(&format!("order={}", order.url()), &[]).await;
    let mut page = Page::open(&dashboard).await;
    order.until_heard(1).await;
    order.tell(41, "transition", "order", 1);
    page.until_reachable("order", true).await;
    let address = order.vanish().await;
    let away = page.until_reachable("order", false).await;
    assert!(away.data["why"].is_string() && away.data["since"].is_string(), "{}", away.data);
    page.until("service", |data| data["why"] == "it cannot be reached").await;

    let order = Teller::at(address).await;
    order.until_heard(1).await;
    order.tell(42, "transition", "order", 2);
    page.until_reachable("order", true).await;
    let head = order.requests()[0].to_lowercase();
    assert!(head.contains("last-event-id: 41"), "it goes on after the last event: {head}");
    dashboard.stop().await;
}

#[tokio::test]
async fn a_service_that_tells_what_cannot_be_read_is_away_and_asked_again() {
    let (order, payment) = (Teller::start().await, Teller::start().await);
    let dashboard =
        Running::dashboard(&format!("order={},payment={}", order.url(), payment.url()), &[]).await;
    let mut page = Page::open(&dashboard).await;
    for (times, (garbage, why)) in [
        ("data: \u{1}garbage\n\n".to_owned(), "it sends events that are none of a service of this chain"),
        ("x".repeat(100_000), "it sends an event of more than 65536 bytes"),
        (
            "event: a\ndata: {\"service\":\"shipment\"}\n\n".to_owned(),
            "it calls itself \"shipment\": correct SERVICES",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        order.until_heard(times + 1).await;
        order.say(garbage);
        page.until("service", |data| data["service"] == "order" && data["why"] == why).await;
    }
    // The others are heard all the same.
    payment.tell(1, "snapshot", "payment", 5);
    page.until("snapshot", |data| data["number"] == 5).await;
    order.until_heard(4).await;
    order.tell(1, "snapshot", "order", 6);
    page.until("snapshot", |data| data["number"] == 6).await;
    dashboard.stop().await;
}

#[tokio::test]
async fn a_peer_that_is_no_service_is_away() {
    let order = Peer::start(Behaviour::Garbage).await;
    let dashboard = Running::dashboard(&format!("order={}", order.url("")), &[]).await;
    let mut page = Page::open(&dashboard).await;
    for (behaviour, why) in [
        (Behaviour::Garbage, "it cannot be reached"),
        (Behaviour::CloseBeforeAnswer, "it cannot be reached"),
        (Behaviour::json(200, "{}"), "what it sends at /events is no stream of events"),
        (Behaviour::Endless, "what it sends at /events is no stream of events"),
        (Behaviour::json(503, "{}"), "it answers 503 Service Unavailable to a request for its events"),
        (
            Behaviour::Answer { status: 200, content_type: "text/event-stream", body: "data: 1".to_owned() },
            "its stream ended",
        ),
    ] {
        order.set(behaviour);
        if dashboard.get("/api/services").await.json()[0]["why"] != why {
            page.until("service", |data| data["why"] == why).await;
        }
    }
    dashboard.stop().await;
}

#[tokio::test]
async fn a_page_that_reads_slowly_loses_the_oldest_and_holds_up_nobody() {
    let order = Teller::start().await;
    let dashboard = Running::dashboard(&format!("order={}", order.url()), &[]).await;
    let slow = TcpSocket::new_v4().expect("a socket");
    slow.set_recv_buffer_size(256 * 1024).expect("a small one");
    let mut slow = slow.connect(dashboard.address).await.expect("connected");
    slow.write_all(b"GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    let mut quick = Page::open(&dashboard).await;
    order.until_heard(1).await;

    // More than the kernel keeps for a connection, and the dashboard for those who come back.
    const EVENTS: u64 = 900;
    let padding = "x".repeat(30_000);
    for id in 1..=EVENTS {
        order.say(format!(
            "id: {id}\nevent: request\ndata: {{\"service\":\"order\",\"padding\":\"{padding}\"}}\n\n"
        ));
    }
    order.tell(EVENTS + 1, "snapshot", "order", 77);
    quick.until("snapshot", |data| data["number"] == 77).await;

    let (mut read, mut piece) = (String::new(), vec![0; 1 << 20]);
    eventually("the slow one has the newest snapshot", LIMIT, async || {
        let length = slow.read(&mut piece).await.expect("it is still served");
        read.push_str(std::str::from_utf8(&piece[..length]).expect("ASCII"));
        read.contains("\"number\":77").then_some(())
    })
    .await;
    let requests = u64::try_from(read.matches("event: request").count()).expect("few");
    assert!(requests < EVENTS, "{requests} were kept for it");
    dashboard.stop().await;
}

#[tokio::test]
async fn many_pages_read_and_the_next_is_refused_until_one_leaves() {
    let order = Teller::start().await;
    let dashboard = Running::dashboard(&format!("order={}", order.url()), &[]).await;
    let mut pages = Vec::new();
    for _ in 0..32 {
        pages.push(Page::open(&dashboard).await);
    }
    order.until_heard(1).await;
    let refused = dashboard.get("/api/events").await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(!refused.header("retry-after").is_empty());
    order.tell(1, "config", "order", 3);
    for page in &mut pages {
        page.until("config", |data| data["number"] == 3).await;
    }
    assert_eq!(order.requests().len(), 1, "one connection for all of them");
    pages.pop();
    until("the place is free", async || {
        let request = dashboard.request(reqwest::Method::GET, "/api/events");
        request.timeout(Duration::from_secs(1)).send().await.is_ok_and(|response| response.status() == 200)
    })
    .await;
    dashboard.stop().await;
}

#[tokio::test]
async fn a_stop_ends_every_stream_and_leaves_the_services_alone() {
    let order = Teller::start().await;
    let dashboard = Running::dashboard(&format!("order={}", order.url()), &[]).await;
    let mut pages = vec![Page::open(&dashboard).await, Page::open(&dashboard).await];
    order.until_heard(1).await;
    order.tell(1, "config", "order", 3);
    for page in &mut pages {
        page.until("config", |_| true).await;
    }
    dashboard.stop().await;
    for page in &mut pages {
        while page.next().await.is_some() {}
    }
    until("nobody listens", async || order.listeners() == 0).await;
}
