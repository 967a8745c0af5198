//! A TCP line to a target, which can be cut, frozen, slowed, torn and mended.
//!
//! It stands between a client and a real server, so that a test can break the network without touching either. What
//! was cut stays cut: each connection remembers how many cuts there had been when it came, so that a `cut` followed at
//! once by `mend` still resets it, though its task may never see the state in between.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::listening::Listening;

/// A TCP line to a target. Dropping it closes all its connections.
#[derive(Debug)]
pub struct Proxy {
    listening: Listening,
    line: watch::Sender<Line>,
    accepted: Arc<AtomicUsize>,
}

impl Proxy {
    /// Opens a line to `target`, which need not be there yet: it is called once for each connection.
    /// Where it refuses, the client's connection is reset.
    pub async fn start(target: SocketAddr) -> Self {
        let line = watch::Sender::new(Line { state: State::Flows, cuts: 0 });
        let accepted = Arc::new(AtomicUsize::new(0));
        let (far_end, counted) = (line.subscribe(), accepted.clone());
        let listening = Listening::start(move |client| {
            counted.fetch_add(1, Ordering::Relaxed);
            let cuts_before = far_end.borrow().cuts;
            carry(client, target, far_end.clone(), cuts_before)
        });
        Self { listening: listening.await, line, accepted }
    }

    /// Where clients connect to.
    pub fn addr(&self) -> SocketAddr {
        self.listening.addr()
    }

    /// Cuts the line: the connections there are get reset on both sides, new ones are reset at once.
    pub fn cut(&self) {
        self.line.send_modify(|line| *line = Line { state: State::Cut, cuts: line.cuts + 1 });
    }

    /// Stops the flow: connections stay and new ones are accepted, but no byte and no end passes either way until
    /// the line is mended. Nothing is lost. A line that was cut comes back in this state.
    pub fn freeze(&self) {
        self.line.send_modify(|line| line.state = State::Frozen);
    }

    /// Has all that passes, either way, come later by so much. A line that was cut or frozen flows again.
    pub fn slow(&self, by: Duration) {
        self.line.send_modify(|line| line.state = State::Slow(by));
    }

    /// Lets the first `bytes` of what is sent next in one go through, either way, and resets the connection then: in
    /// the midst of a head or a body. A line that was cut or frozen flows again, as far as that.
    pub fn tear(&self, bytes: usize) {
        self.line.send_modify(|line| line.state = State::Torn(bytes));
    }

    /// Lets everything through again. Connections that were cut stay cut.
    pub fn mend(&self) {
        self.line.send_modify(|line| line.state = State::Flows);
    }

    /// How many connections were accepted so far, those reset at once included.
    pub fn connections(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Clone, Copy)]
struct Line {
    state: State,
    cuts: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Flows,
    Slow(Duration),
    Torn(usize),
    Frozen,
    Cut,
}

/// Carries one connection to its end. The cut is looked at first, so that nothing sent after it gets through.
async fn carry(mut client: TcpStream, target: SocketAddr, line: watch::Receiver<Line>, cuts_before: u64) {
    let mut cut = line.clone();
    let mut cut = std::pin::pin!(cut.wait_for(|line| line.state == State::Cut || line.cuts != cuts_before));
    let connected = tokio::select! {
        biased;
        _ = &mut cut => return reset(&client),
        connected = connect(target, line.clone()) => connected,
    };
    let Ok(mut server) = connected else { return reset(&client) };
    let carried = tokio::select! {
        biased;
        _ = &mut cut => Err(io::ErrorKind::ConnectionReset.into()),
        carried = both_ways(&mut client, &mut server, line) => carried,
    };
    if carried.is_err() {
        reset(&client);
        reset(&server);
    }
}

async fn connect(target: SocketAddr, mut line: watch::Receiver<Line>) -> io::Result<TcpStream> {
    flowing(&mut line).await?;
    let server = TcpStream::connect(target).await?;
    server.set_nodelay(true)?;
    Ok(server)
}

async fn both_ways(
    client: &mut TcpStream,
    server: &mut TcpStream,
    line: watch::Receiver<Line>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let there = one_way(from_client, to_server, line.clone());
    let back = one_way(from_server, to_client, line);
    tokio::try_join!(there, back).map(|_| ())
}

/// Reads first and asks then: what arrives while the line is frozen waits here.
async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut line: watch::Receiver<Line>,
) -> io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut bytes).await?;
        let state = flowing(&mut line).await?;
        if let State::Slow(by) = state {
            sleep(by).await;
        }
        if read == 0 {
            return to.shutdown().await;
        }
        if let State::Torn(after) = state
            && after < read
        {
            to.write_all(&bytes[..after]).await?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        to.write_all(&bytes[..read]).await?;
    }
}

/// Waits until bytes may pass; says how.
async fn flowing(line: &mut watch::Receiver<Line>) -> io::Result<State> {
    match line.wait_for(|line| !matches!(line.state, State::Frozen | State::Cut)).await {
        Ok(line) => Ok(line.state),
        Err(_proxy_dropped) => Err(io::ErrorKind::ConnectionReset.into()),
    }
}

/// Makes the close that follows a reset. It fails only where the connection is gone already.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}
