//! What becomes of ends that are not written. What a server writes is tested on one.

use super::{Settler, Unnoted, refused};
use crate::store::End;
use mongodb::bson::{RawDocumentBuf, doc};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

#[tokio::test]
async fn a_panic_costs_its_batch_and_not_the_store() {
    let written = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&written);
    let settler = Settler::with("parcels", move |ends: Vec<RawDocumentBuf>| {
        let counted = Arc::clone(&counted);
        async move {
            assert!(ends.len() != 3, "three are too many");
            counted.fetch_add(ends.len(), Ordering::Relaxed);
            Ok(())
        }
    });
    for count in [3, 2] {
        for _ in 0..count {
            settler.settle(Uuid::nil(), End::Taken(None)).await.expect("there is a place");
        }
        settler.flush().await;
    }
    assert_eq!((settler.unnoted(), written.load(Ordering::Relaxed)), (3, 2));
}

#[test]
fn an_answer_names_what_was_not_written() {
    let unnoted = |count, why: &str| Some(Unnoted { count, why: why.to_owned() });
    assert_eq!(refused(3, &doc! { "ok": 1.0, "n": 2, "nModified": 2 }), None);
    let errors = doc! { "ok": 1.0, "writeErrors": [
        { "index": 0, "code": 121, "errmsg": "Document failed validation" },
        { "index": 2, "code": 1, "errmsg": "another" },
    ] };
    assert_eq!(refused(3, &errors), unnoted(2, "Document failed validation"));
    let mut concern = errors;
    concern.insert("writeConcernError", doc! { "code": 91, "errmsg": "shutting down" });
    assert_eq!(refused(3, &concern), unnoted(3, "shutting down"), "nobody knows what of it will stay");
}
