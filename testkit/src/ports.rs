//! Ports on loopback: one that is free to use, one that refuses.
//!
//! The usual way, to bind port 0 and let go, leaves a gap in which the kernel may hand the same port to another test.
//! Both functions close that gap, each in its own way.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};

use tokio::net::TcpSocket;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Sockets that are bound but do not listen: the kernel refuses connections to them and gives their port to nobody.
static HELD: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());

/// An address on 127.0.0.1 that refuses connections, for as long as this process lives.
pub fn refused_addr() -> SocketAddr {
    let socket = TcpSocket::new_v4().expect("a TCP socket");
    socket.bind(ANY_PORT).expect("a port on loopback");
    let addr = socket.local_addr().expect("a bound socket has an address");
    HELD.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
    addr
}

/// A port on 127.0.0.1 that a program started soon can listen on.
///
/// A connection is made and closed from the listening side, which leaves the port in TIME-WAIT for a minute: the
/// kernel does not hand it out then, but a server that asks for it with `SO_REUSEADDR`, as they all do, gets it.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(ANY_PORT).expect("a port on loopback");
    let addr = listener.local_addr().expect("a bound socket has an address");
    let client = TcpStream::connect(addr).expect("a connection to our own listener");
    let (server, _) = listener.accept().expect("the connection just made");
    drop(server);
    drop(client);
    addr.port()
}
