//! What `SERVICES` may be.

use super::{Peers, SERVICES};

#[test]
fn services_are_read_in_the_order_of_the_chain() {
    let peers: Peers = SERVICES.parse().expect("the default");
    let names: Vec<_> = peers.as_slice().iter().map(|peer| &*peer.name).collect();
    assert_eq!(names, ["order", "payment", "shipment"]);
    assert_eq!(peers.first().url.as_str(), "http://127.0.0.1:3000/");
    assert!("order = http://order:3000 , payment=http://[::1]:1".parse::<Peers>().is_ok());
}

#[test]
fn what_cannot_be_used_is_told_with_what_would_be_right() {
    for wrong in [
        "",
        "order",
        "order=",
        "=http://order:3000",
        "order=order:3000",
        "order=https://order:3000",
        "order=http://",
        "order=http://order:3000/create",
        "order=http://order:3000/?a=b",
        "order=http://order:3000/#a",
        "order=http://me:secret@order:3000",
        "or/der=http://order:3000",
        "order=http://order:3000,",
    ] {
        let error = wrong.parse::<Peers>().expect_err(wrong);
        assert!(error.contains("like order=http://order:3000"), "{wrong}: {error}");
    }
    let twice = "order=http://a,payment=http://b,order=http://c".parse::<Peers>();
    assert_eq!(twice, Err("order is there twice: expected each service once".to_owned()));
    assert!(Peers::new(Vec::new()).is_err());
}
