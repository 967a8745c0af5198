//! A `redis-server` for one test: on a port of its own, and gone with the test.

use redis::{Client, Cmd, FromRedisValue, aio::MultiplexedConnection};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub(super) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    pub(super) async fn start() -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let server = Self { process: spawn(port), port };
        server.answers().await;
        server
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// As by `kill -9`: it loses all it knows.
    pub(super) fn kill(&mut self) {
        self.process.kill().expect("it was there");
        self.process.wait().expect("it was our own");
    }

    pub(super) async fn start_again(&mut self) {
        self.process = spawn(self.port);
        self.answers().await;
    }

    /// Makes it hang: it takes connections, and answers nothing.
    pub(super) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(super) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status().expect("there is a `kill`");
        assert!(status.success(), "kill {signal}");
    }

    /// Asks it something.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &[&str]) -> T {
        self.try_ask(command).await.expect("Redis answers")
    }

    async fn try_ask<T: FromRedisValue>(&self, command: &[&str]) -> redis::RedisResult<T> {
        let client = Client::open(self.url())?;
        let mut connection: MultiplexedConnection = client.get_multiplexed_async_connection().await?;
        let mut asked = Cmd::new();
        command.iter().for_each(|word| {
            asked.arg(*word);
        });
        asked.query_async(&mut connection).await
    }

    async fn answers(&self) {
        let begun = Instant::now();
        while self.try_ask::<String>(&["PING"]).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "redis-server answers on port {}", self.port);
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(port: u16) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("there is no redis-server on PATH: install it (Debian: apt-get install redis-server)")
}
