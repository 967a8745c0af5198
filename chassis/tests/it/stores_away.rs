//! Stores that are away, seen through the routes: 503 in good time, and all well again when they are back.

use crate::parcel::{PARCEL, Parcel, get, post, settings};
use axum::Router;
use axum::http::StatusCode;
use chassis::Service;
use std::time::Duration;
use testkit::{Mongod, Proxy, eventually, refused_addr};

const LIMIT: Duration = Duration::from_secs(20);

async fn service_at(url: &str) -> Router {
    let settings = settings(&["--mongo-url", url]);
    Service::new::<Parcel>(&settings).await.expect("a URL of ours").router()
}

async fn away(router: &Router) {
    let answer = post(router, "/create", PARCEL).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.json()["detail"], "the store cannot be reached: the document was not acknowledged");
    for path in ["/readyz", "/parcels", "/parcels/019a0000-0000-7000-8000-000000000000"] {
        assert_eq!(get(router, path).await.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    assert_eq!(get(router, "/livez").await.status, StatusCode::OK, "the process itself is well");
}

async fn back(router: &Router) {
    eventually("the service is ready again", LIMIT, async || {
        (get(router, "/readyz").await.status == StatusCode::OK).then_some(())
    })
    .await;
    assert_eq!(post(router, "/create?count=9", PARCEL).await.status, StatusCode::OK);
}

async fn saved(router: &Router) -> usize {
    get(router, "/parcels?limit=100").await.json()["parcels"].as_array().expect("a page").len()
}

#[tokio::test]
async fn a_server_that_was_never_there() {
    away(&service_at(&format!("mongodb://{}", refused_addr())).await).await;
}

#[tokio::test]
async fn a_server_that_comes_late() {
    let mut mongod = Mongod::start().await;
    mongod.kill().await;
    let router = service_at(&mongod.url()).await;
    away(&router).await;
    mongod.restart().await;
    back(&router).await;
}

#[tokio::test]
async fn a_line_that_is_cut_and_mended() {
    let mongod = Mongod::start().await;
    let line = Proxy::start(mongod.addr()).await;
    let router = service_at(&format!("mongodb://{}", line.addr())).await;
    back(&router).await;
    line.cut();
    away(&router).await;
    line.mend();
    back(&router).await;
    assert_eq!(saved(&router).await, 2, "what was refused was not saved");
}

#[tokio::test]
async fn a_line_that_freezes_and_thaws() {
    let mongod = Mongod::start().await;
    let line = Proxy::start(mongod.addr()).await;
    let router = service_at(&format!("mongodb://{}", line.addr())).await;
    back(&router).await;
    line.freeze();
    away(&router).await;
    line.mend();
    back(&router).await;
    // Nothing was acknowledged while it was frozen; whether that one was saved in the end nobody was told.
    assert!((2..=3).contains(&saved(&router).await));
}

#[tokio::test]
async fn a_server_that_goes_away_under_load() {
    let mut mongod = Mongod::start().await;
    let router = service_at(&mongod.url()).await;
    back(&router).await;
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let router = router.clone();
        load.spawn(async move {
            let (mut acknowledged, mut refused) = (0, 0);
            while refused < 3 {
                match post(&router, "/create?count=9", PARCEL).await.status {
                    StatusCode::OK => acknowledged += 1,
                    StatusCode::SERVICE_UNAVAILABLE => refused += 1,
                    other => panic!("{other} is no answer to a store that is away"),
                }
            }
            acknowledged
        });
    }
    eventually("the load is under way", LIMIT, async || (saved(&router).await >= 50).then_some(())).await;
    mongod.kill().await;
    let mut acknowledged = 1;
    while let Some(loader) = load.join_next().await {
        acknowledged += loader.expect("no panic");
    }
    mongod.restart().await;
    back(&router).await;
    let mut kept = 0;
    let mut path = "/parcels?limit=100".to_owned();
    loop {
        let page = get(&router, &path).await.json();
        kept += page["parcels"].as_array().expect("a page").len();
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut path),
            None => break,
        }
    }
    assert!(kept > acknowledged, "{kept} are there of {acknowledged} that were acknowledged, and the last");
}
