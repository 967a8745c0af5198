//! What cannot be set.

use super::settings;
use breaker::Backoff;
use breaker::shared::{Fleet, FleetError, FleetSettings};
use std::time::Duration;

fn refused(settings: FleetSettings) -> String {
    Fleet::connect(settings).expect_err("it breaks a rule").to_string()
}

#[tokio::test]
async fn every_rule_has_its_sentence() {
    let right = || settings("redis://127.0.0.1:1/");
    assert!(right().check().is_ok());
    assert!(FleetSettings::default().check().is_ok());
    assert_eq!(
        refused(FleetSettings { every: Duration::ZERO, ..right() }),
        "fleet every is 0ns: it is the pause between two exchanges, 1 ms or more"
    );
    assert_eq!(
        refused(FleetSettings { patience: Duration::ZERO, ..right() }),
        "fleet patience is 0ns: Redis could never answer in time, 1 ms or more"
    );
    assert_eq!(
        refused(FleetSettings { lease: Duration::from_millis(100), ..right() }),
        "fleet lease is 100ms: it is renewed only after 448ms (every, and patience), and has to last longer"
    );
    let endless = FleetSettings { every: Duration::MAX, lease: Duration::MAX, ..right() };
    assert!(refused(endless).starts_with("fleet lease is"));
    let retry = Backoff { factor: 0.5, ..Backoff::default() };
    assert!(refused(FleetSettings { retry, ..right() }).starts_with("fleet retry: backoff factor is 0.5"));
}

#[tokio::test]
async fn a_password_is_shown_to_nobody() {
    let secret = FleetSettings { url: "redis://me:hunter2@[bad/".into(), ..FleetSettings::default() };
    assert!(!format!("{secret:?}").contains("hunter2"));
    let error = refused(secret);
    assert!(error.starts_with("the Redis URL cannot be used") && !error.contains("hunter2"), "{error}");
}

#[test]
fn it_needs_a_runtime() {
    assert_eq!(Fleet::connect(FleetSettings::default()).err(), Some(FleetError::NoRuntime));
}
