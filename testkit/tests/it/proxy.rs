//! An echo behind a line, and what of it comes back.
//!
//! What must not arrive is given a tenth of a second not to; everything else is waited for.

use std::io::ErrorKind;
use std::time::Duration;

use testkit::{Proxy, eventually, refused_addr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_millis(100);

/// A line to a server that sends back what it gets, and closes when its client does.
async fn echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    Proxy::start(addr).await
}

async fn client(line: &Proxy) -> TcpStream {
    TcpStream::connect(line.addr()).await.expect("the line accepts")
}

async fn said(stream: &mut TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.expect("the line takes it");
    heard(stream, text.len()).await
}

async fn heard(stream: &mut TcpStream, length: usize) -> String {
    let mut bytes = vec![0; length];
    timeout(LIMIT, stream.read_exact(&mut bytes)).await.expect("in time").expect("an echo");
    String::from_utf8(bytes).expect("text")
}

async fn silent(stream: &mut TcpStream) -> bool {
    timeout(SILENCE, stream.read_u8()).await.is_err()
}

async fn broken(stream: &mut TcpStream) -> ErrorKind {
    timeout(LIMIT, stream.read_u8()).await.expect("in time").expect_err("no byte").kind()
}

#[tokio::test]
async fn carries_both_ways_to_the_end() {
    let line = echo().await;
    let mut stream = client(&line).await;
    let sent: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_be_bytes).collect();
    let expected = sent.clone();
    let (mut from, mut to) = stream.split();
    let send = async {
        to.write_all(&sent).await.expect("the line takes it");
        to.shutdown().await.expect("an end");
    };
    let mut back = Vec::new();
    let (_, read) = tokio::join!(send, timeout(LIMIT, from.read_to_end(&mut back)));
    read.expect("in time").unwrap();
    assert!(back == expected, "{} bytes of {}", back.len(), expected.len());
    assert_eq!(line.connections(), 1);
}

#[tokio::test]
async fn a_cut_resets_what_is_there_and_what_comes() {
    let line = echo().await;
    let mut old = client(&line).await;
    assert_eq!(said(&mut old, "hello").await, "hello");

    line.cut();
    assert_eq!(broken(&mut old).await, ErrorKind::ConnectionReset);
    let mut new = client(&line).await;
    assert_eq!(broken(&mut new).await, ErrorKind::ConnectionReset);

    line.mend();
    assert_eq!(said(&mut client(&line).await, "again").await, "again");
    assert_eq!(line.connections(), 3);
}

#[tokio::test]
async fn the_server_behind_a_cut_is_reset_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = Proxy::start(listener.local_addr().unwrap()).await;
    let server: JoinHandle<_> = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        assert_eq!(stream.read_u8().await.expect("a byte"), b'x');
        stream.write_all(b"y").await.expect("an answer");
        broken(&mut stream).await
    });
    assert_eq!(said(&mut client(&line).await, "x").await, "y");
    line.cut();
    assert_eq!(server.await.unwrap(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_cut_mended_at_once_has_cut() {
    let line = echo().await;
    let mut old = client(&line).await;
    assert_eq!(said(&mut old, "hello").await, "hello");
    line.cut();
    line.mend();
    assert_eq!(broken(&mut old).await, ErrorKind::ConnectionReset);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frost_holds_everything_and_loses_nothing() {
    let line = echo().await;
    let mut old = client(&line).await;
    assert_eq!(said(&mut old, "hello").await, "hello");

    line.freeze();
    let mut new = client(&line).await;
    old.write_all(b"held").await.unwrap();
    new.write_all(b"too").await.unwrap();
    assert!(silent(&mut old).await && silent(&mut new).await);
    assert_eq!(line.connections(), 2);

    line.mend();
    assert_eq!(heard(&mut old, 4).await, "held");
    assert_eq!(heard(&mut new, 3).await, "too");
    assert_eq!(said(&mut old, "on").await, "on");
}

#[tokio::test]
async fn frost_holds_an_end_back() {
    let line = echo().await;
    let mut stream = client(&line).await;
    assert_eq!(said(&mut stream, "hello").await, "hello");
    line.freeze();
    stream.shutdown().await.unwrap();
    assert!(silent(&mut stream).await);
    line.mend();
    assert_eq!(broken(&mut stream).await, ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_frozen_line_can_be_cut() {
    let line = echo().await;
    line.freeze();
    let mut stream = client(&line).await;
    assert!(silent(&mut stream).await);
    line.cut();
    assert_eq!(broken(&mut stream).await, ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn where_nobody_is_the_line_resets() {
    let line = Proxy::start(refused_addr()).await;
    assert_eq!(broken(&mut client(&line).await).await, ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn dropped_it_is_gone() {
    let line = echo().await;
    let addr = line.addr();
    let mut stream = client(&line).await;
    assert_eq!(said(&mut stream, "hello").await, "hello");
    drop(line);
    broken(&mut stream).await;
    eventually("a closed port", LIMIT, async || TcpStream::connect(addr).await.err()).await;
}

#[tokio::test]
async fn a_slow_line_loses_nothing() {
    let line = echo().await;
    line.slow(SILENCE * 3);
    let mut stream = client(&line).await;
    stream.write_all(b"late").await.unwrap();
    assert!(silent(&mut stream).await);
    assert_eq!(heard(&mut stream, 4).await, "late");
}

#[tokio::test]
async fn a_torn_line_lets_the_beginning_through() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = Proxy::start(listener.local_addr().unwrap()).await;
    let server: JoinHandle<_> = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let beginning = heard(&mut stream, 5).await;
        (beginning, broken(&mut stream).await)
    });
    line.tear(5);
    let mut stream = client(&line).await;
    stream.write_all(b"hello, world").await.unwrap();
    assert_eq!(broken(&mut stream).await, ErrorKind::ConnectionReset);
    assert_eq!(server.await.unwrap(), ("hello".to_owned(), ErrorKind::ConnectionReset));
}
