//! The stream of the Hystrix dashboard, over a socket. What its records hold is tested where they are made.

use crate::parcel::PARCEL;
use crate::running::{Running, Stream, client};
use testkit::{Behaviour, Peer};

/// What the dashboard's page asserts of a command (`hystrixCommand.js`); where one is missing, it draws nothing.
const COMMAND: [&str; 37] = [
    "reportingHosts",
    "type",
    "name",
    "group",
    "isCircuitBreakerOpen",
    "errorPercentage",
    "errorCount",
    "requestCount",
    "rollingCountCollapsedRequests",
    "rollingCountExceptionsThrown",
    "rollingCountFailure",
    "rollingCountFallbackFailure",
    "rollingCountFallbackRejection",
    "rollingCountFallbackSuccess",
    "rollingCountResponsesFromCache",
    "rollingCountSemaphoreRejected",
    "rollingCountShortCircuited",
    "rollingCountSuccess",
    "rollingCountThreadPoolRejected",
    "rollingCountTimeout",
    "rollingCountBadRequests",
    "currentConcurrentExecutionCount",
    "latencyExecute_mean",
    "latencyExecute",
    "propertyValue_circuitBreakerRequestVolumeThreshold",
    "propertyValue_circuitBreakerSleepWindowInMilliseconds",
    "propertyValue_circuitBreakerErrorThresholdPercentage",
    "propertyValue_circuitBreakerForceOpen",
    "propertyValue_circuitBreakerForceClosed",
    "propertyValue_executionIsolationStrategy",
    "propertyValue_executionIsolationThreadTimeoutInMilliseconds",
    "propertyValue_executionIsolationThreadInterruptOnTimeout",
    "propertyValue_executionIsolationSemaphoreMaxConcurrentRequests",
    "propertyValue_fallbackIsolationSemaphoreMaxConcurrentRequests",
    "propertyValue_requestCacheEnabled",
    "propertyValue_requestLogEnabled",
    "propertyValue_metricsRollingStatisticalWindowInMilliseconds",
];

#[tokio::test]
async fn the_circuit_is_told_again_and_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(Behaviour::json(500, "{}")).await;
    let flags = ["--chain-svc", &peer.url("/"), "--chain-name", "next", "--breaker-reset-ms", "3600000"];
    let running = Running::start(folder.path(), &flags).await;

    let mut stream = Stream::open(&running.url("/hystrix.stream"), None).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream;charset=UTF-8");
    let caching = "no-cache, no-store, max-age=0, must-revalidate";
    assert_eq!(stream.headers()["cache-control"], caching);

    let command = stream.next().await.expect("a record").data;
    assert_eq!(command["type"], "HystrixCommand");
    assert_eq!(command["name"], "parcel→next");
    for field in COMMAND {
        assert!(command.get(field).is_some(), "{field} is missing");
    }
    assert_eq!((&command["isCircuitBreakerOpen"], &command["errorCount"]), (&false.into(), &0.into()));
    let pool = stream.next().await.expect("its thread pool").data;
    assert_eq!((&pool["type"], &pool["name"]), (&"HystrixThreadPool".into(), &"parcel→next".into()));

    let posted = client().post(running.url("/create")).header("content-type", "application/json");
    posted.body(PARCEL).send().await.expect("an answer");
    loop {
        let command = stream.next().await.expect("a record").data;
        if command["isCircuitBreakerOpen"] == true {
            assert_eq!((&command["errorCount"], &command["errorPercentage"]), (&1.into(), &100.into()));
            break;
        }
    }
    running.stop.cancel();
    while stream.next().await.is_some() {}
    running.stopped().await;
}

#[tokio::test]
async fn where_there_is_no_circuit_the_stream_stays_alive() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(folder.path(), &[]).await;
    let mut stream = Stream::open(&running.url("/hystrix.stream"), None).await;
    for _ in 0..2 {
        assert_eq!(stream.next().await.expect("a ping").raw, "ping: ");
    }
    running.stopped().await;
}
