//! Every request of `tests.http`, sent in its order to a running stack, and its answer.

use crate::programs::{Answer, Chain, Stack, client, keys, root};
use serde_json::Value;
use std::time::Duration;
use testkit::eventually;
use testkit::http_file::{HttpRequest, parse_with};

fn tour(order: &str, payment: &str, shipment: &str) -> Vec<HttpRequest> {
    read(&[("order_url", order), ("payment_url", payment), ("shipment_url", shipment)])
}

fn read(variables: &[(&str, &str)]) -> Vec<HttpRequest> {
    let text = std::fs::read_to_string(root().join("tests.http")).expect("there is a tour");
    parse_with(&text, variables)
}

fn named<'a>(tour: &'a [HttpRequest], name: &str) -> &'a HttpRequest {
    let found = tour.iter().find(|request| request.name.as_deref() == Some(name));
    found.unwrap_or_else(|| panic!("the tour has no request named {name}"))
}

async fn send(request: &HttpRequest) -> Answer {
    let method = request.method.parse().expect("a method");
    let mut builder = client().request(method, &request.url).body(request.body.clone());
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    Answer::of(builder).await.expect("the stack answers")
}

/// The requests that the tour sends to a stack as it comes, and what each is to answer.
const WORKS: [(&str, u16, &str); 21] = [
    ("greeting", 200, "hello from order"),
    ("order", 200, "\nThis is order @"),
    ("order_json", 200, "\"date\":\"2026-11-21T00:00:00Z\""),
    ("payment", 200, "\"location\":\"This is payment @"),
    ("shipment", 200, "\"msg\":\"Ended Transaction\""),
    ("below_the_limit", 200, "\"data\":\"Last\""),
    ("at_the_limit", 200, "\"data\":\"Last\""),
    ("past_the_limit", 200, "\nLast"),
    ("bad_count", 400, "count is \\\"abc\\\""),
    ("bad_json", 400, "the body cannot be read as JSON"),
    ("missing_field", 422, "\"field\":\"payment\""),
    ("bad_payment", 200, "\"code\":\"EUPSTREAM\""),
    ("set_aside", 200, "\"field\":\"amount\""),
    ("retry", 404, "/queue has nothing with this key"),
    ("keyed", 200, "\"msg\":\"Ended Transaction\""),
    ("keyed_again", 200, "\"msg\":\"Ended Transaction\""),
    ("keyed_otherwise", 422, "Idempotency-Key"),
    ("orders", 200, "\"orders\":["),
    ("payments", 200, "\"next\":\"/payments?limit=2&before="),
    ("shipments", 200, "\"shipments\":["),
    ("ready", 200, "ok"),
];

/// Those by which it breaks something, and mends it.
const BREAKS: [&str; 10] =
    ["outage", "impatient", "breaks", "open", "waiting", "calm", "healed", "drained", "reset", "patient"];

#[tokio::test]
async fn it_works() {
    let stack = Stack::start(&[("INJECT_ERR", "0")]).await;
    let tour = tour(&stack.order, &stack.payment, &stack.shipment);
    for (request, (name, status, holds)) in tour.iter().zip(WORKS) {
        if BREAKS.contains(&request.name.as_deref().unwrap_or_default()) {
            break;
        }
        assert_eq!(request.name.as_deref(), Some(name), "{}", request.title);
        let answer = send(request).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        assert!(answer.text.contains(holds), "{name} holds {holds:?}: {}", answer.text);
        assert_eq!(answer.replayed, name == "keyed_again", "{name}: {}", answer.text);
    }
    let names: Vec<_> =
        tour.iter().map(|request| request.name.as_deref().expect("every request has a name")).collect();
    let tested: Vec<_> = WORKS.iter().map(|(name, ..)| *name).chain(BREAKS).collect();
    assert_eq!(names, tested, "every request is sent by a test");

    // In one go, after so many calls that went well.
    for name in ["outage", "impatient", "breaks"] {
        assert_eq!(send(named(&tour, name)).await.status, 200, "{name}");
    }
    let open = send(named(&tour, "open")).await.json();
    assert_eq!(open["error"]["code"], "EOPENBREAKER", "{open}");

    let at_the_limit: Value = send(named(&tour, "below_the_limit")).await.json();
    assert!(at_the_limit["data"]["response"]["data"] == "Last", "payment is the last hop: {at_the_limit}");
    assert_eq!(send(named(&tour, "bad_payment")).await.degraded, "payment");

    let set_aside = send(named(&tour, "set_aside")).await.json();
    let key = set_aside["queue"][0]["key"].as_str().expect("a key");
    let tour = read(&[("order_url", &stack.order), ("key", key)]);
    assert_eq!(send(named(&tour, "retry")).await.status, 202, "as for a reader who puts in a key");
}

#[tokio::test]
async fn it_breaks_opens_and_heals() {
    let faults = [("INJECT_ERR", "1"), ("INJECT_ERR_PERCENT", "100")];
    let chain = Chain::start(&[("JUMPS", "4"), ("BREAKER_RESET_MS", "5000")], &faults).await;
    let tour = tour(&chain.order.url, &chain.payment.url, &chain.shipment.url);

    assert_eq!(send(named(&tour, "outage")).await.json()["preset"], "outage");
    let settings = send(named(&tour, "impatient")).await.json()["settings"].clone();
    assert_eq!(settings["error_threshold"], 0.0);
    let breaks = send(named(&tour, "breaks")).await;
    assert_eq!((breaks.status, breaks.degraded.as_str()), (200, "shipment"));
    assert_eq!(breaks.json()["error"]["status"], 503);
    let said = "🔌 status:: opened circuit=\"payment→shipment\"";
    chain.payment.process.wait_for_line(|line| line.contains(said)).await;

    let open = send(named(&tour, "open")).await;
    assert_eq!(open.json()["error"]["code"], "EOPENBREAKER", "{}", open.text);
    assert!(open.json()["error"]["retry_after_ms"].is_u64());
    chain.shipment.process.wait_for_line(|line| line.contains("🐒 abort=503 rule=\"outage\"")).await;
    assert_eq!(keys(&chain.shipment.url, "shipments").await.len(), 0, "it fails before the save");

    let waiting = send(named(&tour, "waiting")).await.json();
    assert_eq!((&waiting["waiting"], waiting["queue"].as_array().map(Vec::len)), (&2.into(), Some(2)));

    assert_eq!(send(named(&tour, "calm")).await.json()["preset"], "calm");
    eventually("the circuit heals", Duration::from_secs(30), async || {
        send(named(&tour, "healed")).await.degraded.is_empty().then_some(())
    })
    .await;
    let said = "🔌 status:: closed circuit=\"payment→shipment\"";
    chain.payment.process.wait_for_line(|line| line.contains(said)).await;
    eventually("what waited is delivered", Duration::from_secs(30), async || {
        (send(named(&tour, "drained")).await.json()["waiting"] == 0).then_some(())
    })
    .await;
    let reset = send(named(&tour, "reset")).await.json();
    assert_eq!(
        (&reset["rules"][0]["name"], &reset["rules"][0]["enabled"]),
        (&"inject-err".into(), &true.into())
    );
    let settings = send(named(&tour, "patient")).await.json()["settings"].clone();
    assert_eq!(settings["error_threshold"], 50.0);
}
