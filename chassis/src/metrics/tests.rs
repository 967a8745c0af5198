//! What cannot be seen from outside: that there is an end to labels, and the two forms.

use super::{Metrics, render};
use axum::http::Method;
use prometheus_client::encoding::text;
use std::time::Duration;

fn text_of(metrics: &Metrics) -> String {
    let mut open = String::new();
    text::encode(&mut open, &metrics.registry).expect("a text takes all");
    open
}

#[test]
fn there_is_an_end_to_labels() {
    let metrics = Metrics::new("a", "as");
    for i in 0..1000 {
        let method = Method::from_bytes(format!("M{i}").as_bytes()).expect("a method");
        metrics.request(&method, None, 404, Duration::ZERO);
    }
    let text = text_of(&metrics);
    let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    let strange = "http_server_request_duration_seconds_count{http_request_method=\"_OTHER\"";
    assert_eq!(count(strange), 1, "a client cannot make a series of its own");
}

#[test]
fn the_older_form_names_a_counters_family_by_its_series() {
    let open = "# HELP a_b What.\n# TYPE a_b counter\na_b_total{x=\"1\"} 2\n# HELP c D.\n# TYPE c gauge\nc 1\n# EOF\n";
    let classic = "# HELP a_b_total What.\n# TYPE a_b_total counter\na_b_total{x=\"1\"} 2\n# HELP c D.\n# TYPE c gauge\nc 1\n";
    assert_eq!(render::classic(open), classic);
}
