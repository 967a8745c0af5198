//! `/openapi.json` says what there is: no more, no less.

use crate::parcel::{PARCEL, get, post, service};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use serde_json::Value;
use std::collections::BTreeSet;
use tower::ServiceExt as _;

async fn description() -> (axum::Router, Value, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(folder.path(), &[]).await.router();
    let answer = get(&router, "/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    (router, answer.json(), folder)
}

#[tokio::test]
async fn it_describes_the_document_by_its_type() {
    let (_router, description, _folder) = description().await;
    assert_eq!(description["openapi"], "3.1.0");
    assert_eq!(description["info"]["title"], "The retail services: parcel");
    let document = &description["components"]["schemas"]["Document"];
    assert_eq!(document["properties"]["id"]["type"], "string");
    assert_eq!(document["properties"]["inner"]["type"], "object");
    let required: Vec<_> = document["required"].as_array().expect("a list").iter().collect();
    assert_eq!(required, ["id", "weight", "inner"]);
}

#[tokio::test]
async fn every_route_that_is_described_is_there() {
    let (router, description, _folder) = description().await;
    let key =
        post(&router, "/create", PARCEL).await.json()["data"]["key"].as_str().expect("a key").to_owned();
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let request = Request::builder().method(method).uri(path.replace("{key}", &key));
            let request = request.body(Body::empty()).expect("a request");
            let answer = router.clone().oneshot(request).await.expect("an answer");
            assert_ne!(answer.status(), 405, "{path}");
            // The others may be streams, which have no end.
            if answer.status() == 404 {
                let text = to_bytes(answer.into_body(), 10_000).await.expect("a sentence");
                assert!(!String::from_utf8_lossy(&text).contains("there is nothing at"), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn every_route_that_is_there_is_described() {
    let (_router, description, _folder) = description().await;
    let described: BTreeSet<_> = description["paths"].as_object().expect("paths").keys().cloned().collect();
    // The paths, as the source has them; two are made of the plural of the record's name.
    let source = include_str!("../../src/routes.rs");
    let literal = source.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let routed = literal.map(str::to_owned).chain(["/parcels".to_owned(), "/parcels/{key}".to_owned()]);
    assert_eq!(described, routed.collect());
}

#[tokio::test]
async fn what_refers_leads_somewhere() {
    let (_router, description, _folder) = description().await;
    let mut waiting = vec![&description];
    let mut seen = 0;
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(fields) => waiting.extend(fields.values()),
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').expect("within the description");
            assert!(description.pointer(pointer).is_some(), "{target} leads nowhere");
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} references");
}
