//! `scripts/bench` measures: builds of its own workspace, two candidates, a few hundred orders, a table.
//!
//! The figures of such a run mean nothing, and none of them is held to anything here but that it is there.

use crate::programs::root;
use serde_json::Value;
use std::process::Command;

#[test]
fn a_few_hundred_orders_of_two_candidates_give_a_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("run.json");
    let mut bench = Command::new(root().join("scripts/bench"));
    bench.args(["--smoke", "--json"]).arg(&json);
    let output = bench.output().expect("a shell");
    let (table, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{table}");

    let report = std::fs::read(&json).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("a report in JSON");
    assert!(report["caveat"].as_str().is_some_and(|caveat| caveat.contains("mean nothing")), "{report:#}");
    for (candidate, title) in [("bare", "bare chain"), ("embedded", "this stack, embedded")] {
        assert!(table.lines().any(|line| line.starts_with(title)), "no row of {title} in\n{table}");
        let lines = report["lines"].as_array().expect("lines");
        let line = lines.iter().find(|line| line["candidate"] == candidate).expect("a line of the candidate");
        let median = |figure: &str| line["figures"][figure]["median"].as_f64();
        for figure in ["orders_per_second", "p99_ms", "services_cpu_ms", "load_cpu_ms"] {
            assert!(median(figure).is_some_and(|value| value > 0.0), "{figure} of {candidate}: {line:#}");
        }
        assert_eq!((median("errors"), median("missing")), (Some(0.0), Some(0.0)), "{line:#}");
        let memory = report["memory"].as_array().expect("memory of the services");
        let memory = memory.iter().find(|memory| memory["candidate"] == candidate);
        assert_eq!(
            memory.and_then(|memory| memory["services"].as_array()).map(Vec::len),
            Some(3),
            "{report:#}"
        );
        let starts = report["starts"].as_array().expect("cold starts");
        let start = starts.iter().find(|start| start["candidate"] == candidate).expect("a cold start");
        assert!(start["all_ms"]["median"].as_f64().is_some_and(|ms| ms > 0.0), "{start:#}");
    }
}
