//! Saved documents, read back: newest first, a page at a time.

use crate::parcel::{get, post, service};
use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};

async fn fill(router: &Router, count: usize) {
    for number in 0..count {
        let body = json!({ "id": number.to_string(), "weight": 1, "inner": {} });
        assert_eq!(post(router, "/create", body.to_string()).await.status, StatusCode::OK);
    }
}

fn ids(page: &Value) -> Vec<usize> {
    let parcels = page["parcels"].as_array().expect("a page");
    parcels.iter().map(|parcel| parcel["id"].as_str().expect("an id").parse().expect("ours")).collect()
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_overlap() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    fill(&router, 45).await;

    let mut path = "/parcels".to_owned();
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = get(&router, &path).await.json();
        let ids = ids(&page);
        sizes.push(ids.len());
        seen.extend(ids);
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut path),
            None => break,
        }
    }
    assert_eq!(sizes, [20, 20, 5], "20 where nothing is asked");
    assert_eq!(seen, (0..45).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_may_be_larger_or_smaller() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    fill(&router, 3).await;
    assert_eq!(ids(&get(&router, "/parcels?limit=1").await.json()), [2]);
    let all = get(&router, "/parcels?limit=100").await.json();
    assert_eq!((ids(&all), &all["next"]), (vec![2, 1, 0], &Value::Null));
    for limit in ["0", "101", "-1", "many", ""] {
        let answer = get(&router, &format!("/parcels?limit={limit}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text.contains("from 1 to 100"), "{}", answer.text);
    }
    assert_eq!(get(&router, "/parcels?before=yesterday").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn one_document_is_read_by_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    fill(&router, 2).await;
    let page = get(&router, "/parcels").await.json();
    for document in page["parcels"].as_array().expect("a page") {
        let key = document["key"].as_str().expect("a key");
        assert_eq!(get(&router, &format!("/parcels/{key}")).await.json(), *document);
    }
}
