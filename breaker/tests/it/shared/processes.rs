//! Processes, in earnest: this test runs itself again, twice.

use super::server::Server;
use super::{Instance, builder, eventually};
use breaker::State;
use std::process::{Child, Command, Stdio};

/// Set for the process that is to share: where Redis is.
const URL: &str = "BREAKER_TEST_SHARE";

/// Ends well when the circuit has opened, which somebody else has to do.
async fn share(url: &str) {
    let here = Instance::with(url, builder());
    eventually("it has joined", || here.has_joined()).await;
    eventually("another process has opened it", || here.state() == State::Open).await;
    assert!(here.succeed().await.is_err());
}

fn start(url: &str) -> Child {
    Command::new(std::env::current_exe().expect("this is a program"))
        .args(["--exact", "shared::processes::one_opens_for_the_others"])
        .env(URL, url)
        .stdout(Stdio::null())
        .spawn()
        .expect("it runs already")
}

#[tokio::test]
async fn one_opens_for_the_others() {
    if let Ok(url) = std::env::var(URL) {
        return share(&url).await;
    }
    let server = Server::start().await;
    let mut others = [start(&server.url()), start(&server.url())];
    let here = Instance::with(&server.url(), builder());
    let channel = ["PUBSUB", "NUMSUB", "test:breaker:changes"];
    while server.ask::<(String, usize)>(&channel).await.1 < 3 {
        tokio::task::yield_now().await;
    }
    assert!(here.fail().await.is_err());
    for other in &mut others {
        let mut ended = None;
        eventually("it has opened too", || {
            ended = other.try_wait().expect("it is our own");
            ended.is_some()
        })
        .await;
        assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
    }
}
