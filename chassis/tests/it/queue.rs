//! Orders that cannot be handed on are remembered and delivered, once, whatever dies or freezes in between.

use crate::parcel::{Answer, NESTED, PARCEL, Parcel, get, post, post_for_text, post_with, service, settings};
use crate::running::Running;
use chassis::Service;
use serde_json::Value;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use testkit::{Behaviour, Mongod, Peer, Proxy, eventually, free_port};

const LIMIT: Duration = Duration::from_secs(30);
const QUICK: [&str; 4] = ["--chain-name", "next", "--breaker-reset-ms", "100"];

pub(crate) async fn ask(url: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    client.get(url).send().await.expect("an answer").json().await.expect("JSON")
}

pub(crate) async fn create(running: &Running, body: &'static str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(running.url("/create")).header("accept", "application/json");
    let request = request.header("content-type", "application/json").body(body);
    request.send().await.expect("an answer").json().await.expect("JSON")
}

pub(crate) async fn queue(running: &Running) -> Value {
    ask(&running.url("/queue")).await
}

pub(crate) async fn parcels(running: &Running) -> usize {
    ask(&running.url("/parcels?limit=100")).await["parcels"].as_array().expect("a page").len()
}

pub(crate) async fn drained(running: &Running) {
    eventually("the queue is empty", LIMIT, async || {
        let queue = queue(running).await;
        (queue["waiting"] == 0 && queue["queue"].as_array().is_some_and(Vec::is_empty)).then_some(())
    })
    .await;
}

pub(crate) async fn delivered(running: &Running) -> u64 {
    queue(running).await["delivered"].as_u64().expect("a number")
}

fn nobody() -> (SocketAddr, String) {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    (address, format!("http://{address}/create"))
}

async fn at(address: SocketAddr, folder: &Path) -> Running {
    Running::at(address, service(folder, &[]).await).await
}

#[tokio::test]
async fn what_could_not_be_handed_on_is_delivered_once_the_next_one_is_back() {
    let (ours, theirs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (address, url) = nobody();
    let flags = [&QUICK[..], &["--chain-svc", &url]].concat();
    let front = Running::start(ours.path(), &flags).await;
    let answer = create(&front, NESTED).await;
    assert_eq!((&answer["queued"], &answer["error"]["code"]), (&true.into(), &"ECONNECT".into()));
    create(&front, NESTED).await;

    let listed = eventually("both wait", LIMIT, async || {
        let queue = queue(&front).await;
        (queue["waiting"] == 2).then_some(queue)
    });
    let listed = listed.await;
    let first = &listed["queue"][0];
    assert_eq!((&first["key"], &first["state"]), (&answer["data"]["key"], &"waiting".into()));
    assert!(first["attempts"].as_u64() >= Some(1) && first["error"]["code"].is_string(), "{first}");
    assert!(listed["oldest_ms"].is_u64() && listed["set_aside"] == 0, "{listed}");
    let shown = eventually("the circuit shows it, too", LIMIT, async || {
        let circuit = ask(&front.url("/circuit")).await;
        (circuit["queue"]["waiting"] == 2).then(|| circuit["queue"].clone())
    });
    let shown = shown.await;
    assert!(shown["oldest_ms"].is_u64(), "{shown}");
    assert_eq!((&shown["set_aside"], &shown["delivered"]), (&0.into(), &0.into()));

    // It is on disk: another process goes on.
    front.stopped().await;
    let front = Running::start(ours.path(), &flags).await;
    assert_eq!(queue(&front).await["waiting"], 2);
    let next = at(address, theirs.path()).await;
    drained(&front).await;
    assert_eq!((parcels(&front).await, parcels(&next).await), (2, 2));
    assert_eq!(delivered(&front).await, 2);
    assert_eq!(queue(&front).await["oldest_ms"], Value::Null);

    // All is well again, without a client who would have tried it out.
    assert!(create(&front, NESTED).await["data"]["response"].is_object());
    assert_eq!(parcels(&next).await, 3);
    front.stopped().await;
    next.stopped().await;
}

#[tokio::test]
async fn a_time_out_does_not_mean_that_nothing_happened() {
    let (ours, theirs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let next = Running::start(theirs.path(), &[]).await;
    let line = Proxy::start(next.address).await;
    let url = format!("http://{}/create", line.addr());
    let flags = [&QUICK[..], &["--chain-svc", &url, "--breaker-timeout-ms", "200"]].concat();
    let front = Running::start(ours.path(), &flags).await;
    line.freeze();
    let answer = create(&front, NESTED).await;
    assert_eq!((&answer["queued"], &answer["error"]["code"]), (&true.into(), &"ETIMEDOUT".into()));
    eventually("the relay has tried it, too, in vain", LIMIT, async || {
        (queue(&front).await["queue"][0]["attempts"].as_u64() >= Some(2)).then_some(())
    })
    .await;
    assert_eq!(parcels(&next).await, 0);
    // Now all that was sent arrives, the first request and those of the relay.
    line.mend();
    drained(&front).await;
    assert!(line.connections() >= 2, "more than one request was sent");
    assert_eq!(parcels(&next).await, 1, "and one was taken");
    front.stopped().await;
    next.stopped().await;
}

#[tokio::test]
async fn two_instances_on_one_database_share_the_queue() {
    let mongod = Mongod::start().await;
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let line = Proxy::start(peer.addr()).await;
    let url = format!("http://{}/create", line.addr());
    let database = mongod.url();
    let flags = [&QUICK[..], &["--chain-svc", &url, "--mongo-url", &database]].concat();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let start = async || {
        let service = Service::new::<Parcel>(&settings(&flags)).await.expect("these settings are right");
        Running::at(any, service).await
    };
    let (one, other) = (start().await, start().await);
    line.cut();
    for _ in 0..15 {
        create(&one, NESTED).await;
        create(&other, NESTED).await;
    }
    // What the other one has just noted is not its own.
    eventually("one sees them all", LIMIT, async || (queue(&one).await["waiting"] == 30).then_some(())).await;
    line.mend();
    drained(&one).await;
    drained(&other).await;
    let requests = peer.requests();
    let keys: HashSet<_> = requests.iter().map(|request| request.header("idempotency-key")).collect();
    assert_eq!((keys.len(), requests.len()), (30, 30), "each was sent, and none twice");
    let (one_delivered, other_delivered) = (delivered(&one).await, delivered(&other).await);
    assert_eq!(one_delivered + other_delivered, 30);
    one.stopped().await;
    other.stopped().await;
}

#[tokio::test]
async fn what_the_next_one_finds_fault_with_is_set_aside_and_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(422, r#"{"field":"weight"}"#)).await;
    let url = peer.url("/");
    let flags = [&QUICK[..], &["--chain-svc", &url]].concat();
    let front = Running::start(folder.path(), &flags).await;
    let answer = create(&front, NESTED).await;
    assert_eq!((answer.get("queued"), &answer["error"]["status"]), (None, &422.into()), "told at once");
    create(&front, NESTED).await;

    let listed = ask(&front.url("/queue?state=set_aside&limit=1")).await;
    assert_eq!((&listed["waiting"], &listed["set_aside"]), (&0.into(), &2.into()));
    let first = &listed["queue"][0];
    assert_eq!((&first["key"], &first["state"]), (&answer["data"]["key"], &"set_aside".into()));
    assert_eq!(first["error"]["response"]["field"], "weight", "with its reason");
    assert_eq!(first["due_at"], Value::Null);
    let next = ask(&front.url(listed["next"].as_str().expect("a second page"))).await;
    assert_eq!(next["queue"].as_array().map(Vec::len), Some(1));
    assert_ne!(next["queue"][0]["key"], first["key"]);
    assert_eq!(ask(&front.url("/queue?state=waiting")).await["queue"], Value::Array(Vec::new()));
    assert_eq!(peer.count(), 2, "nobody tries it again");
    front.stopped().await;
}

async fn by_hand(running: &Running, method: reqwest::Method, path: &str, token: Option<&str>) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut request = client.request(method, running.url(path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn what_was_set_aside_is_tried_again_or_dropped_by_hand() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(422, "{}")).await;
    let url = peer.url("/");
    let flags = [&QUICK[..], &["--chain-svc", &url, "--admin-token", "secret"]].concat();
    let front = Running::start(folder.path(), &flags).await;
    let key = |answer: &Value| answer["data"]["key"].as_str().expect("a key").to_owned();
    let (one, other) = (key(&create(&front, NESTED).await), key(&create(&front, NESTED).await));
    let (retry, discard) = (format!("/queue/{one}/retry"), format!("/queue/{other}"));
    let (post, delete) = (reqwest::Method::POST, reqwest::Method::DELETE);
    assert_eq!(by_hand(&front, post.clone(), &retry, None).await, 401);
    assert_eq!(by_hand(&front, delete.clone(), &discard, Some("wrong")).await, 401);
    assert_eq!(queue(&front).await["set_aside"], 2, "not for everybody");

    peer.set(Behaviour::json(200, "{}"));
    let token = Some("secret");
    assert_eq!(by_hand(&front, post.clone(), &retry, token).await, 202);
    assert_eq!(by_hand(&front, delete.clone(), &discard, token).await, 204);
    drained(&front).await;
    assert_eq!(peer.count(), 3, "two that were refused, and the one that was tried again");
    for (method, path) in [(post, &retry), (delete, &discard)] {
        assert_eq!(by_hand(&front, method.clone(), path, token).await, 404, "it is gone");
        assert_eq!(by_hand(&front, method, &path.replace('-', ""), token).await, 404, "a key all the same");
    }
    assert_eq!(by_hand(&front, reqwest::Method::DELETE, "/queue/7", token).await, 400);
    assert_eq!(parcels(&front).await, 2, "the documents stay");
    front.stopped().await;
}

#[tokio::test]
async fn the_answer_says_that_it_is_queued() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, url) = nobody();
    let flags = [&QUICK[..], &["--chain-svc", &url]].concat();
    let lenient = service(folder.path(), &flags).await.router();
    let strict = service(folder.path(), &[&flags[..], &["--strict-status"]].concat()).await.router();
    let told = |answer: &Answer| {
        let (status, queued) = (answer.status.as_u16(), answer.header("x-queued").to_owned());
        (status, queued, answer.header("x-degraded").to_owned())
    };
    let queued = |status| (status, "1".to_owned(), "next".to_owned());
    for (router, status) in [(&lenient, 200), (&strict, 202)] {
        let answer = post(router, "/create", PARCEL).await;
        assert_eq!(told(&answer), queued(status));
        assert_eq!(answer.header("content-type"), "application/json");
        let json = answer.json();
        assert_eq!((&json["queued"], &json["error"]["code"]), (&true.into(), &"ECONNECT".into()));
        assert_eq!(json["data"]["id"], "1");
        let text = post_for_text(router, "/create", PARCEL).await;
        assert_eq!(told(&text), queued(status));
        assert!(text.text.contains(" -> Next {\"code\":\"E"), "the text names the error: {}", text.text);
        assert!(!text.text.contains("queued"), "and is the original's otherwise: {}", text.text);
    }
}

#[tokio::test]
async fn who_is_asked_by_another_service_says_so_up_the_chain() {
    let (ours, theirs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (_, nowhere) = nobody();
    let middle = Running::start(theirs.path(), &["--chain-svc", &nowhere, "--chain-name", "last"]).await;
    let url = middle.url("/create");
    let front = service(ours.path(), &["--chain-svc", &url, "--chain-name", "middle"]).await.router();
    let answer = post(&front, "/create", NESTED).await;
    assert_eq!((answer.header("x-degraded"), answer.header("x-queued")), ("last", "1"));
    let json = answer.json();
    assert_eq!((json.get("queued"), &json["data"]["response"]["queued"]), (None, &true.into()));
    let folder = tempfile::tempdir().expect("a folder");
    let strict = ["--chain-svc", &url, "--chain-name", "middle", "--strict-status"];
    let answer = post(&service(folder.path(), &strict).await.router(), "/create", NESTED).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-queued")), (202, "1"), "it is not done yet");
    middle.stopped().await;
}

#[tokio::test]
async fn a_fault_after_the_save_loses_nothing() {
    let (ours, theirs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let faulty = ["--chain-svc", &peer.url("/"), "--inject-err", "--inject-err-percent", "100"];
    let middle = Running::start(theirs.path(), &faulty).await;
    let url = middle.url("/create");
    let flags = [&QUICK[..], &["--chain-svc", &url]].concat();
    let front = Running::start(ours.path(), &flags).await;
    let answer = create(&front, NESTED).await;
    assert_eq!((&answer["queued"], &answer["error"]["status"]), (&true.into(), &502.into()));
    drained(&middle).await;
    assert_eq!((peer.count(), parcels(&middle).await), (1, 1), "what was saved is handed on");
    assert_ne!(
        queue(&front).await["queue"],
        Value::Array(Vec::new()),
        "and asked for until there is an answer"
    );

    let address = middle.address;
    middle.stopped().await;
    let mended = service(theirs.path(), &["--chain-svc", &peer.url("/")]).await;
    let middle = Running::at(address, mended).await;
    drained(&front).await;
    assert_eq!((peer.count(), parcels(&middle).await), (1, 1), "once in all");
    front.stopped().await;
    middle.stopped().await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_means_that_it_was_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let body = "<html>".to_owned();
    let peer = Peer::start(Behaviour::Answer { status: 200, content_type: "text/html", body }).await;
    let router = service(folder.path(), &["--chain-svc", &peer.url("/")]).await.router();
    let answer = post(&router, "/create", PARCEL).await;
    assert_eq!((answer.header("x-degraded").is_empty(), answer.header("x-queued")), (false, ""));
    assert_eq!(get(&router, "/queue").await.json()["queue"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn without_a_queue_nothing_is_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, url) = nobody();
    let flags = ["--chain-svc", &url, "--chain-name", "next", "--fallback", "none"];
    let router = service(folder.path(), &flags).await.router();
    let answer = post(&router, "/create", PARCEL).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-queued")), (200, ""));
    assert_eq!(answer.json().get("queued"), None);
    assert_eq!(get(&router, "/queue").await.json()["queue"], Value::Array(Vec::new()));
    assert_eq!(get(&router, "/circuit").await.json().get("queue"), Some(&Value::Null));
}

#[tokio::test]
async fn what_is_asked_of_the_queue_wrongly_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, url) = nobody();
    let router = service(folder.path(), &["--chain-svc", &url]).await.router();
    for (query, parameter) in [("limit=0", "limit"), ("after=x", "after"), ("state=lost", "state")] {
        let refused = get(&router, &format!("/queue?{query}")).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["parameter"]), (400, &parameter.into()));
    }
    let last = service(folder.path(), &[]).await.router();
    let absent = get(&last, "/queue").await;
    assert_eq!(absent.status, 404);
    assert!(absent.text.contains("no service comes after this one"), "{}", absent.text);
    assert_eq!(
        post_with(&last, "/queue", "{}", &[]).await.status,
        403,
        "who may change nothing is told so first"
    );
}

/// An order that is watched, in a trace of its client's; the next one takes it when it is there again.
async fn delivered_late_in_its_trace(flags: &[&str], folder: &Path) {
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let peer = Peer::start(Behaviour::json(503, "{}")).await;
    let url = peer.url("/");
    let front = Running::start(folder, &[&QUICK[..], &["--chain-svc", &url], flags].concat()).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(front.url("/create")).header("content-type", "application/json");
    let request = request.header("traceparent", format!("00-{trace}-{parent}-01")).body(NESTED);
    let answer = request.header("tracestate", "retail=watch,other=1").send().await.expect("an answer");
    assert_eq!(answer.headers()["x-queued"], "1");
    assert_eq!(answer.headers()["x-trace-id"], trace);
    peer.set(Behaviour::json(200, "{}"));
    drained(&front).await;
    let requests = peer.requests();
    assert!(requests.len() >= 2, "at once and late");
    let mut parents = HashSet::new();
    for request in &requests {
        let sent = request.header("traceparent").expect("always sent");
        assert!(sent.starts_with(&format!("00-{trace}-")) && sent.ends_with("-01"), "{sent}");
        assert_eq!(request.header("tracestate"), Some("retail=watch,other=1"));
        parents.insert(sent);
    }
    assert_eq!(parents.len(), requests.len(), "each is a span of its own");
    front.stopped().await;
}

#[tokio::test]
async fn a_late_delivery_is_part_of_its_orders_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    delivered_late_in_its_trace(&[], folder.path()).await;
}

#[tokio::test]
async fn a_late_delivery_out_of_mongodb_is_too() {
    let mongod = Mongod::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    delivered_late_in_its_trace(&["--mongo-url", &mongod.url()], folder.path()).await;
}
