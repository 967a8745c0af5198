//! A free port can be listened on, a refusing one refuses, and neither is handed out twice.
//!
//! Many are taken at once, since it is parallel tests that they must serve.

use std::collections::HashSet;
use std::io::ErrorKind;

use testkit::{free_port, refused_addr};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn a_refusing_address_refuses_each_time() {
    let addr = refused_addr();
    for _ in 0..20 {
        let error = TcpStream::connect(addr).await.expect_err("nobody listens there");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn a_free_port_can_be_listened_on_and_reached() {
    let listener = TcpListener::bind(("127.0.0.1", free_port())).await.unwrap();
    let (client, server) =
        tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    client.unwrap();
    server.unwrap();
}

#[tokio::test]
async fn a_free_port_can_be_listened_on_at_every_address() {
    TcpListener::bind(("0.0.0.0", free_port())).await.unwrap();
}

#[test]
fn no_port_is_given_twice() {
    let free: HashSet<u16> = (0..200).map(|_| free_port()).collect();
    let refusing: HashSet<u16> = (0..200).map(|_| refused_addr().port()).collect();
    assert_eq!((free.len(), refusing.len()), (200, 200));
    assert!(free.is_disjoint(&refusing));
}
