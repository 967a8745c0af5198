//! A line to Redis that can be cut, and counts who comes.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub(super) struct Proxy {
    port: u16,
    line: Arc<Line>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Line {
    is_cut: AtomicBool,
    cut: Notify,
    came: AtomicUsize,
}

impl Proxy {
    pub(super) async fn to(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let own = listener.local_addr()?.port();
        let line = Arc::<Line>::default();
        let task = tokio::spawn(run(listener, port, Arc::clone(&line)));
        Ok(Self { port: own, line, task })
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Ends all connections, and every new one at once.
    pub(super) fn cut(&self) {
        self.line.is_cut.store(true, Ordering::SeqCst);
        self.line.cut.notify_waiters();
    }

    pub(super) fn mend(&self) {
        self.line.is_cut.store(false, Ordering::SeqCst);
    }

    /// How many connections were made.
    pub(super) fn came(&self) -> usize {
        self.line.came.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(listener: TcpListener, to: u16, line: Arc<Line>) {
    while let Ok((stream, _)) = listener.accept().await {
        line.came.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(carry(stream, to, Arc::clone(&line)));
    }
}

async fn carry(mut stream: TcpStream, to: u16, line: Arc<Line>) {
    let cut = line.cut.notified();
    if line.is_cut.load(Ordering::SeqCst) {
        return;
    }
    let Ok(mut redis) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { return };
    tokio::select! {
        () = cut => {}
        _ = copy_bidirectional(&mut stream, &mut redis) => {}
    }
}
