//! What `SERVICES` may be.

use super::{Peers, SERVICES};
use proptest::prelude::*;

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

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![
        any::<String>(),
        "([a-z_-]{0,4}=?(http|https)?:?/{0,3}[a-z0-9.:@/?#\\[\\]]{0,12},?){0,4}",
    ]) {
        match text.parse::<Peers>() {
            Ok(peers) => {
                let plain = |peer: &super::Peer| {
                    !peer.name.is_empty() && peer.url.scheme() == "http" && peer.url.path() == "/"
                };
                prop_assert!(!peers.as_slice().is_empty() && peers.as_slice().iter().all(plain));
            }
            Err(told) => prop_assert!(told.contains("expected "), "{}", told),
        }
    }

    #[test]
    fn what_is_written_is_read_again(names in prop::collection::hash_set("[A-Za-z0-9_-]{1,8}", 1..6), port in 1_u16..) {
        let text: Vec<_> = names.iter().map(|name| format!("{name}=http://{name}.example:{port}")).collect();
        let text = text.join(",").replace('_', "-");
        let read = text.parse::<Peers>();
        if let Ok(peers) = &read {
            let again = peers.as_slice().iter().map(|peer| format!("{}={}", peer.name, peer.url));
            prop_assert_eq!(&again.collect::<Vec<_>>().join(",").parse::<Peers>(), &read);
        }
        let folded: std::collections::HashSet<_> = names.iter().map(|name| name.replace('_', "-")).collect();
        prop_assert_eq!(read.is_ok(), folded.len() == names.len(), "{}", text);
    }
}
