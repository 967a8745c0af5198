//! A peer that answers, and each way of not doing so.
//!
//! Bytes are written and read by hand, so that no client's manners stand between the test and the peer.

use std::time::Duration;

use testkit::{Behaviour, Peer, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_millis(100);
const GET: &str = "GET /things?count=2 HTTP/1.1\r\nHost: x\r\nX-Twice: a\r\nX-Twice: b\r\n\r\n";

async fn asked(peer: &Peer, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(peer.addr()).await.expect("the peer listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    stream
}

/// All that comes before the peer closes.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut bytes)).await.expect("in time").expect("an orderly end");
    bytes
}

async fn text(peer: &Peer, request: &str) -> String {
    String::from_utf8(rest(asked(peer, request).await).await).expect("text")
}

#[tokio::test]
async fn answers_and_remembers() {
    let peer = Peer::start(Behaviour::json(201, r#"{"id":7}"#)).await;
    let post = "POST /create HTTP/1.1\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    let head =
        "HTTP/1.1 201 \r\nContent-Type: application/json\r\nContent-Length: 8\r\nConnection: close\r\n\r\n";
    assert_eq!(text(&peer, post).await, format!("{head}{{\"id\":7}}"));

    let request = peer.requests().remove(0);
    assert_eq!(
        (request.method.as_str(), request.path.as_str(), request.body.as_str()),
        ("POST", "/create", "hello")
    );
    assert_eq!(request.header("content-length"), Some("5"));
    assert_eq!(request.header("x-absent"), None);
    assert_eq!(peer.url("/create"), format!("http://{}/create", peer.addr()));
}

#[tokio::test]
async fn keeps_the_connection_and_reads_chunks() {
    let peer =
        Peer::start(Behaviour::Answer { status: 200, content_type: "text/plain", body: "one".into() }).await;
    let mut stream = asked(&peer, GET).await;
    let mut first =
        vec![0; "HTTP/1.1 200 \r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\none".len()];
    timeout(LIMIT, stream.read_exact(&mut first)).await.unwrap().unwrap();
    assert!(first.ends_with(b"one"));

    peer.set(Behaviour::json(500, "two"));
    let chunked = "PUT /b HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\nhello\r\n6;note=x\r\n world\r\n0\r\nTrailer: t\r\n\r\n";
    stream.write_all(chunked.as_bytes()).await.unwrap();
    let second = String::from_utf8(rest(stream).await).unwrap();
    assert!(second.starts_with("HTTP/1.1 500 ") && second.ends_with("\r\n\r\ntwo"), "{second}");

    assert_eq!(peer.count(), 2);
    let [get, put] = &peer.requests()[..] else { panic!("two requests") };
    assert_eq!(get.path, "/things?count=2");
    let twice = [("X-Twice".to_owned(), "a".to_owned()), ("X-Twice".to_owned(), "b".to_owned())];
    assert_eq!(get.headers[1..], twice);
    assert_eq!(put.body, "hello world");
}

#[tokio::test]
async fn leaves_the_body_out_where_there_is_none() {
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let head = text(&peer, "HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert!(head.contains("Content-Length: 2\r\n") && head.ends_with("\r\n\r\n"), "{head}");

    peer.set(Behaviour::json(204, "{}"));
    assert_eq!(text(&peer, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await, "HTTP/1.1 204 \r\n\r\n");
}

#[tokio::test]
async fn sends_garbage() {
    let peer = Peer::start(Behaviour::Garbage).await;
    let bytes = rest(asked(&peer, GET).await).await;
    assert!(!bytes.is_empty() && !bytes.starts_with(b"HTTP/"));
    assert_eq!(peer.count(), 1);
}

#[tokio::test]
async fn hangs() {
    let peer = Peer::start(Behaviour::Hang).await;
    let mut stream = asked(&peer, GET).await;
    eventually("the request", LIMIT, async || (peer.count() == 1).then_some(())).await;
    peer.set(Behaviour::json(200, "{}"));
    assert!(timeout(SILENCE, stream.read_u8()).await.is_err());
}

#[tokio::test]
async fn closes_before_the_answer() {
    let peer = Peer::start(Behaviour::CloseBeforeAnswer).await;
    assert_eq!(text(&peer, GET).await, "");
    assert_eq!(peer.count(), 1);
}

#[tokio::test]
async fn closes_half_way() {
    let peer = Peer::start(Behaviour::CloseHalfWay).await;
    let answer = text(&peer, GET).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("Content-Length: 100"), "{head}");
    assert_eq!(body.len(), 10);
}

#[tokio::test]
async fn does_not_end() {
    let peer = Peer::start(Behaviour::Endless).await;
    let mut stream = asked(&peer, GET).await;
    let mut bytes = vec![0; 1024 * 1024];
    timeout(LIMIT, stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert!(String::from_utf8(bytes).unwrap().contains("chunked\r\n\r\nC\r\n{\"endless\":\"\r\n2000\r\nxxx"));
}

#[tokio::test]
async fn refuses_what_it_cannot_read() {
    let peer = Peer::start(Behaviour::json(200, "{}")).await;
    let odd = [
        "PRI * HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.1\r\nno header\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\n\n",
        "POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    for request in odd {
        let mut first = [0; 13];
        let mut stream = asked(&peer, request).await;
        timeout(LIMIT, stream.read_exact(&mut first)).await.unwrap().unwrap();
        assert_eq!(&first, b"HTTP/1.1 400 ", "{request:?}");
    }
    assert_eq!(peer.count(), 0);
}

#[tokio::test]
async fn dropped_it_is_gone() {
    let peer = Peer::start(Behaviour::Hang).await;
    let addr = peer.addr();
    let stream = asked(&peer, GET).await;
    eventually("the request", LIMIT, async || (peer.count() == 1).then_some(())).await;
    drop(peer);
    assert_eq!(rest(stream).await, b"");
    eventually("a closed port", LIMIT, async || TcpStream::connect(addr).await.err()).await;
}
