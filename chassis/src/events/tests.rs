//! What readers leave behind: nothing. Here and not in `tests/it`, since it looks at what is inside.

use crate::record::Record;
use crate::service::Service;
use crate::settings::Settings;
use clap::Parser as _;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use testkit::eventually;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
struct Parcel {}

impl Record for Parcel {
    const NAME: &'static str = "parcel";

    fn next(&self) -> Option<&Value> {
        None
    }
}

#[tokio::test]
async fn a_thousand_readers_come_and_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().to_str().expect("UTF-8");
    let settings =
        Settings::try_parse_from(["parcel", "--data-dir", data_dir, "--chain-svc", "http://127.0.0.1:1/"])
            .expect("these flags are right");
    let service = Service::new::<Parcel>(&settings).await.expect("these settings are right");
    let app = service.app();
    let handles = Arc::strong_count(&app);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let stop = CancellationToken::new();
    let served = tokio::spawn(service.serve(listener, stop.clone()));

    for round in 0..20 {
        let mut readers = JoinSet::new();
        for number in 0..50 {
            let path = if number % 5 == 0 { "hystrix.stream" } else { "events" };
            let url = format!("http://{address}/{path}");
            readers.spawn(async move {
                let client = Client::builder().no_proxy().build().expect("a client");
                let mut answer = client.get(url).send().await.expect("an answer");
                assert_eq!(answer.status(), 200);
                // Some go at once, some read first.
                if number % 2 == 0 {
                    answer.chunk().await.expect("whole").expect("something");
                }
            });
        }
        while let Some(reader) = readers.join_next().await {
            reader.expect("it was answered");
        }
        let what = format!("in round {round}, all have gone");
        eventually(&what, LIMIT, async || (app.events.hub.readers() == 0).then_some(())).await;
    }
    let ticks = app.events.ticker.lock().expect("no panic in here").upgrade();
    assert!(ticks.is_none(), "no beat while nobody reads");
    stop.cancel();
    served.await.expect("it stops");
    assert!(Arc::strong_count(&app) <= handles, "nobody holds the service any more");
}
