//! A listener on loopback that gives each connection a task of its own.
//!
//! All of it hangs on one value: dropping that closes the port and ends every connection, so that a test that has
//! failed leaves nothing behind for the next.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinSet, yield_now};

#[derive(Debug)]
pub(crate) struct Listening {
    addr: SocketAddr,
    _task: JoinSet<()>,
}

impl Listening {
    /// Listens on a free port. `serve` is called as a connection is accepted; what it returns runs beside the others.
    pub(crate) async fn start<S>(mut serve: impl FnMut(TcpStream) -> S + Send + 'static) -> Self
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port on loopback");
        let addr = listener.local_addr().expect("a listener has an address");
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut served = JoinSet::new();
            loop {
                while served.try_join_next().is_some() {}
                match listener.accept().await {
                    Ok((stream, _)) => drop(served.spawn(serve(stream))),
                    // The client was quicker to go, or files have run out: the next one may do.
                    Err(_) => yield_now().await,
                }
            }
        });
        Self { addr, _task: task }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}
