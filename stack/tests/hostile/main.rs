//! Twenty thousand requests that nobody should send, and connections that nobody should hold: no 5xx that is not meant, no
//! panic, nothing that grows, and between them an order is taken as ever.
//!
//! `HOSTILE_SEED` draws the same requests again.

/// The programs, built and started.
#[path = "../it/programs.rs"]
#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
mod programs;

/// Requests that are nearly right, and such as are not.
mod garbage;
/// A victim, and what it holds.
mod victim;
/// HTTP by hand.
mod wire;

use garbage::Garbage;
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use std::time::Duration;
use testkit::eventually;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use victim::Victim;
use wire::Connection;

/// A connection may be silent for 10 s, and the machine may be busy.
const LIMIT: Duration = Duration::from_secs(60);
const REQUESTS: usize = 20_000;
const CLIENTS: usize = 8;
/// Connections that a service keeps open, and those that it tells at once that there is no place.
const CONNECTIONS: usize = 4096;
const TURNED_AWAY: usize = 256;
/// What allocators and databases keep for themselves.
const GROWTH: u64 = 12 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_refused_and_leaves_nothing_behind() {
    let seed =
        std::env::var("HOSTILE_SEED").ok().map_or_else(rand::random, |seed| seed.parse().expect("a number"));
    tell(&format!("HOSTILE_SEED={seed}"));
    let victim = Victim::start().await;
    // Caches fill in the first quarter; after that nothing may grow.
    send(&victim, seed, REQUESTS / 4).await;
    let before = victim.memory();
    send(&victim, seed.wrapping_add(1), REQUESTS * 3 / 4).await;
    let after = victim.memory();
    assert!(after < before + GROWTH, "memory grew from {before} to {after}");
    victim.unharmed().await;
}

async fn send(victim: &Victim, seed: u64, requests: usize) {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let address = victim.address(client);
        let mut garbage =
            Garbage::new(SmallRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(client as u64)));
        clients.spawn(async move {
            let mut connection = Connection::open(address).await;
            for _ in 0..requests / CLIENTS {
                let request = garbage.request();
                let Some(answer) = connection.exchange(&request).await else { continue };
                let shown = || String::from_utf8_lossy(&request[..request.len().min(600)]).into_owned();
                assert!(answer.is_meant(), "{answer:?} to:\n{}", shown());
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.expect("every answer is meant");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_headers_and_silence_are_cut_off() {
    let victim = Victim::start().await;
    let mut slow = JoinSet::new();
    for _ in 0..300 {
        let stream = TcpStream::connect(victim.address(0)).await.expect("a connection");
        slow.spawn(async move {
            let mut connection = Connection::of(stream);
            // A byte now and then, and never the end of the head.
            for byte in b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'z')) {
                if connection.write(&[*byte]).await.is_err()
                    || connection.closed_within(Duration::from_millis(200)).await
                {
                    return;
                }
            }
        });
    }
    victim.takes_an_order().await;
    eventually("all are cut off", LIMIT, async || {
        while slow.try_join_next().is_some() {}
        slow.is_empty().then_some(())
    })
    .await;
    victim.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let victim = Victim::start().await;
    let before = victim.memory();
    let mut random = SmallRng::seed_from_u64(1);
    for _ in 0..20 {
        // More is said to come than may; it is not waited for.
        let mut connection = Connection::open(victim.address(0)).await;
        let head = format!(
            "POST /create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            random.random_range(300_000..u32::MAX)
        );
        assert_eq!(connection.exchange(head.as_bytes()).await.expect("an answer").status, 413);
        // A head without an end.
        let mut connection = Connection::open(victim.address(0)).await;
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(1 << 20));
        let answer = connection.exchange(head.as_bytes()).await;
        assert!(answer.as_ref().is_none_or(|answer| answer.status == 431), "{answer:?}");
    }
    let after = victim.memory();
    assert!(after < before + GROWTH, "memory grew from {before} to {after}");
    victim.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_are_borne_and_let_go() {
    rlimit::increase_nofile_limit(30_000).expect("more files");
    let victim = Victim::start().await;
    let (files, memory) = (victim.files(), victim.memory());
    let mut idle = Vec::new();
    for _ in 0..10_000 {
        idle.push(TcpStream::connect(victim.address(0)).await.expect("the kernel accepts"));
    }
    // Those for whom there was no place were told so at once, or when too many were to be told, shut out without a word.
    let mut told = 0;
    for stream in idle.split_off(CONNECTIONS) {
        if let Some(answer) = Connection::of(stream).heard().await {
            assert!(answer.status == 503 && answer.is_meant(), "{answer:?}");
            told += 1;
        }
    }
    assert!(told >= TURNED_AWAY, "only {told} were told that there is no place");
    // The others have theirs: nothing was said to them.
    for stream in &idle {
        let said = stream.try_read(&mut [0; 512]).unwrap_or(0);
        assert_eq!(said, 0, "a connection below the limit was turned away");
    }
    assert!(victim.memory() < memory + (96 << 20), "{} to {}", memory, victim.memory());

    // They are let go for their silence; nobody has to wait for their end.
    eventually("an order is taken", LIMIT, async || victim.try_order().await.then_some(())).await;
    for mut stream in idle {
        let _ = stream.shutdown().await;
    }
    eventually("the files are given back", LIMIT, async || (victim.files() <= files + 16).then_some(()))
        .await;
    victim.unharmed().await;
}

/// Says it where a test that fails shows it.
#[expect(clippy::print_stderr, reason = "a seed that nobody sees repeats nothing")]
fn tell(text: &str) {
    eprintln!("{text}");
}
