//! What Prometheus and Grafana are given: every metric that is named there is one that the services have.

use crate::programs::{Stack, get, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// The words that an expression is made of, beside metrics and labels.
const WORDS: [&str; 4] = ["by", "sum", "on", "ignoring"];

/// The series that a running stack has, as `name{labels}`.
async fn series(stack: &Stack) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for service in [&stack.order, &stack.payment, &stack.shipment] {
        let answer = get(&format!("{service}/metrics")).await;
        assert_eq!(answer.status, 200);
        let lines = answer.text.lines().filter(|line| !line.starts_with('#'));
        all.extend(lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())));
    }
    all
}

fn dashboard() -> Value {
    let text = std::fs::read_to_string(root().join("deploy/grafana/dashboards/retail.json"));
    serde_json::from_str(&text.expect("there is a dashboard")).expect("JSON")
}

/// Every expression of the dashboard and of the rules.
fn expressions() -> Vec<String> {
    let mut found = Vec::new();
    for panel in dashboard()["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().expect("targets") {
            found.push(target["expr"].as_str().expect("an expression").to_owned());
        }
    }
    let rules = std::fs::read_to_string(root().join("deploy/rules.yml")).expect("there are rules");
    let mut lines = rules.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(expression) = line.trim().strip_prefix("expr:") else { continue };
        let mut expression = expression.trim().trim_start_matches('|').to_owned();
        while expression.is_empty() || lines.peek().is_some_and(|next| next.trim().starts_with('/')) {
            expression += lines.next().expect("an expression does not end the file");
        }
        found.push(expression);
    }
    found
}

/// A metric, and the labels that are asked of it, as `label="value"`.
type Selector = (String, Vec<String>);

/// The metrics of an expression, and the labels that it groups by.
fn read(expression: &str) -> (Vec<Selector>, Vec<String>) {
    let (mut selectors, mut groups) = (Vec::new(), Vec::new());
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = expression;
    while let Some(start) = rest.find(is_word) {
        let word: String = rest[start..].chars().take_while(|c| is_word(*c)).collect();
        rest = rest[start + word.len()..].trim_start();
        let inside = |open: char, close: char| {
            let (inside, after) = rest.strip_prefix(open)?.split_once(close)?;
            let items = inside.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>();
            Some((items, after))
        };
        if word == "by" {
            let (labels, after) = inside('(', ')').expect("labels in parentheses");
            groups.extend(labels);
            rest = after;
        } else if word.starts_with(|c: char| c.is_ascii_digit())
            || WORDS.contains(&&*word)
            || rest.starts_with('(')
        {
            // A number, an operator, a function.
        } else {
            let (labels, after) = inside('{', '}').unwrap_or((Vec::new(), rest));
            selectors.push((word, labels));
            // A range may follow.
            rest = after.strip_prefix('[').and_then(|range| Some(range.split_once(']')?.1)).unwrap_or(after);
        }
    }
    (selectors, groups)
}

#[tokio::test]
async fn every_metric_that_is_named_is_there() {
    let stack = Stack::start(&[]).await;
    let series = series(&stack).await;
    let expressions = expressions();
    assert!(expressions.len() > 20, "only {} found", expressions.len());
    for expression in &expressions {
        let (selectors, groups) = read(expression);
        assert!(!selectors.is_empty(), "no metric in {expression}");
        for (name, labels) in selectors {
            // Made by Prometheus itself.
            if name == "up" {
                continue;
            }
            let of_name = || series.iter().filter(|one| one.split('{').next() == Some(&name));
            assert!(of_name().next().is_some(), "{name} is no metric: {expression}");
            assert!(
                of_name().any(|one| labels.iter().all(|label| one.contains(label))),
                "{name} has no series with {labels:?}: {expression}"
            );
            // Prometheus says itself whom it asked.
            for group in groups.iter().filter(|group| *group != "instance") {
                let label = format!("{group}=\"");
                assert!(of_name().any(|one| one.contains(&label)), "{name} has no {group}: {expression}");
            }
        }
    }
}

#[test]
fn the_queue_is_shown() {
    let shown: BTreeSet<_> =
        expressions().iter().flat_map(|expression| read(expression).0).map(|(name, _)| name).collect();
    for name in ["queue_waiting", "queue_oldest_seconds", "queue_set_aside", "queue_delivered_total"] {
        assert!(shown.contains(name), "{name} in {shown:?}");
    }
}

#[test]
fn every_panel_is_fed_by_the_data_source_that_is_provisioned() {
    let sources =
        std::fs::read_to_string(root().join("deploy/grafana/provisioning/datasources/prometheus.yml"));
    let sources = sources.expect("there is a data source");
    for panel in dashboard()["panels"].as_array().expect("panels") {
        let uid = panel["datasource"]["uid"].as_str().expect("a data source");
        assert!(sources.contains(&format!("uid: {uid}\n")), "{}", panel["title"]);
    }
}

#[test]
fn prometheus_own_checker_takes_its_configuration() {
    let config = root().join("deploy/prometheus.yml");
    let output = Command::new(testkit::promtool()).args(["check", "config"]).arg(config).output();
    let output = output.expect("promtool runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_compose_mounts_is_there() {
    let compose = std::fs::read_to_string(root().join("docker-compose.yaml")).expect("a compose file");
    let mounts: Vec<_> =
        compose.split("\"./deploy").skip(1).filter_map(|rest| rest.split(':').next()).collect();
    assert!(mounts.len() >= 3, "{mounts:?}");
    for mount in mounts {
        assert!(root().join(format!("deploy{mount}")).exists(), "./deploy{mount}");
    }
}
