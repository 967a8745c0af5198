//! The README's commands, tables and answers: what is written for readers is true.

use crate::programs::{Stack, create, program, root, stack_program};
use crate::settings::help;
use std::collections::BTreeMap;
use std::path::Path;
use testkit::Process;

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("there is a README")
}

/// The blocks that are fenced as shell commands.
fn commands() -> Vec<String> {
    let readme = readme();
    let blocks = readme.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn every_command_is_one_that_is_tested() {
    let known = [
        ("cargo run", "stack.rs"),
        ("curl ", "the test below"),
        ("curl -X POST http://localhost:3002/chaos/presets/outage\n", "the test of breaking it below"),
        ("docker compose up", "compose.rs, and by hand with an engine"),
        ("INJECT_ERR_PERCENT=100 cargo run", "stack.rs"),
        (
            "PORT=3001 cargo run -p payment\nCHAIN_SVC=http://localhost:3001/create cargo run -p order",
            "chain.rs",
        ),
        ("scripts/test", "what runs this"),
        ("scripts/bench --quick", "bench.rs"),
    ];
    let commands = commands();
    for command in &commands {
        assert!(known.iter().any(|(start, _)| command.starts_with(start)), "nobody tests {command:?}");
    }
    assert_eq!(commands.len(), known.len(), "{commands:#?}");
}

#[test]
fn cargo_run_starts_the_stack() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("there is a manifest");
    assert!(manifest.contains("default-members = [\"stack\"]"));
}

#[tokio::test]
async fn the_order_that_it_sends_is_taken() {
    let stack = Stack::start(&[("INJECT_ERR", "0")]).await;
    let curl = commands().into_iter().find(|command| command.starts_with("curl")).expect("a curl command");
    let curl = curl.replace("http://localhost:3000", &stack.order) + " --silent --show-error";
    let mut process = Process::spawn("sh", &["-c", &curl], &[]);
    assert_eq!(process.wait().await.code(), Some(0), "{:?}", process.lines());
    let said = process.lines().join("\n");
    assert!(said.starts_with("\nThis is order @") && said.contains("Ended Transaction"), "{said}");
}

/// A line of the log without its time, and without what is different each time.
fn shape(line: &str) -> Option<String> {
    let start = line.find("INFO ").or_else(|| line.find("WARN "))?;
    let known = |word: &str| !word.starts_with("trace=") && !word.starts_with("key=");
    Some(line[start..].split_whitespace().filter(|word| known(word)).collect::<Vec<_>>().join(" "))
}

#[tokio::test]
async fn the_log_says_what_the_sample_shows() {
    let readme = readme();
    let (_, sample) = readme.split_once("```text\nINFO ").expect("a sample");
    let (sample, _) = sample.split_once("```").expect("its end");
    let sample: Vec<_> = format!("INFO {sample}").lines().filter_map(shape).collect();
    assert!(sample.len() >= 5, "{sample:?}");

    let stack = Stack::start(&[("INJECT_ERR", "1"), ("INJECT_ERR_PERCENT", "100")]).await;
    create(
        &stack.order,
        r#"{"id":"1","items":[],"payment":{"id":"1","amount":0,"shipment":{"id":"1","directions":"home"}}}"#,
    )
    .await;
    stack.process.wait_for_line(|line| line.contains("success") && line.contains("order→payment")).await;
    let said: Vec<_> = stack.process.lines().iter().filter_map(|line| shape(line)).collect();
    assert!(said.windows(sample.len()).any(|lines| lines == sample), "{sample:#?} in {said:#?}");
}

#[tokio::test]
async fn it_is_broken_and_mended_as_the_commands_say() {
    let stack = Stack::start(&[("INJECT_ERR", "0")]).await;
    let block = commands().into_iter().find(|command| command.contains("/chaos/")).expect("a block");
    // A line that ends in a backslash goes on.
    let block = block.replace("http://localhost:3002", &stack.shipment).replace("\\\n", "");
    let steps: Vec<_> = block.lines().collect();
    let said = async |step: &str| {
        let mut process = Process::spawn("sh", &["-c", &format!("{step} --silent --show-error")], &[]);
        assert_eq!(process.wait().await.code(), Some(0), "{:?}", process.lines());
        serde_json::from_str::<serde_json::Value>(&process.lines().join("\n")).expect("JSON")
    };
    let shipment = async || create(&stack.shipment, r#"{"id":"1","directions":"home"}"#).await.status;

    assert_eq!(said(steps[0]).await["preset"], "outage");
    assert_eq!(shipment().await, 503);
    let rule = said(steps[1]).await;
    assert_eq!((&rule["name"], &rule["now"]["active"]), (&"slow".into(), &true.into()), "{rule}");
    let view = said(steps[2]).await;
    let rules = view["rules"].as_array().expect("rules").iter().map(|rule| rule["name"].clone());
    assert_eq!(rules.collect::<Vec<_>>(), ["outage", "slow"]);
    assert_eq!(said(steps[3]).await["preset"], "calm");
    assert_eq!(shipment().await, 200);
    assert_eq!(said(steps[4]).await["rules"], serde_json::json!([]), "it was started without");
    assert_eq!(steps.len(), 5);
    stack.process.wait_for_line(|line| line.contains("🐒 abort=503") && line.contains("outage")).await;
}

#[tokio::test]
async fn the_order_that_the_stack_suggests_is_taken() {
    let stack = Stack::start(&[("INJECT_ERR", "0")]).await;
    let said = stack.process.lines();
    let start = said.iter().position(|line| line.contains("curl")).expect("a curl command");
    let curl = format!("{}\n{} --silent --show-error", said[start], said[start + 1]);
    let mut process = Process::spawn("sh", &["-c", &curl], &[]);
    assert_eq!(process.wait().await.code(), Some(0), "{:?}", process.lines());
    assert!(process.lines().join("\n").contains("Ended Transaction"));
}

/// Name and default of every variable of the settings table.
fn table() -> BTreeMap<String, String> {
    let readme = readme();
    let settings =
        readme.split("## Settings").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a chapter");
    let rows = settings.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.split('|').map(|cell| cell.trim().replace('`', "")).collect::<Vec<_>>());
    cells.map(|cells| (cells[1].clone(), cells[2].clone())).collect()
}

/// Name and default of every variable of a program's help.
fn variables(help: &str) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let mut last = String::new();
    for line in help.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("[env: ").and_then(|rest| rest.strip_suffix(']')) {
            last = name.trim_end_matches('=').to_owned();
            variables.insert(last.clone(), String::new());
        } else if let Some(default) = line.strip_prefix("[default: ").and_then(|rest| rest.strip_suffix(']'))
        {
            variables.insert(last.clone(), default.to_owned());
        }
    }
    variables
}

#[tokio::test]
async fn the_settings_table_is_that_of_help() {
    let mut told = table();
    let mut helped = variables(&help(&program("order")).await);
    assert_eq!(helped.insert("ID".to_owned(), told["ID"].clone()).as_deref(), Some("order"));
    assert_eq!(
        told.insert("CHAIN_NAME".to_owned(), String::new()).as_deref(),
        Some("host and port of CHAIN_SVC")
    );
    assert_eq!(told, helped);
}

#[tokio::test]
async fn the_stack_differs_in_what_the_readme_says() {
    let service = variables(&help(&program("order")).await);
    let mut expected: BTreeMap<_, _> = service.into_iter().collect();
    for name in ["ID", "PORT", "CHAIN_SVC", "CHAIN_NAME"] {
        expected.remove(name).expect("a setting of a service");
    }
    for (name, default) in [
        ("DASHBOARD_PORT", "9002"),
        ("ORDER_PORT", "3000"),
        ("PAYMENT_PORT", "3001"),
        ("SHIPMENT_PORT", "3002"),
        ("JUMPS", "4"),
        ("INJECT_ERR", "1"),
    ] {
        expected.insert(name.to_owned(), default.to_owned());
    }
    let helped = variables(&help(stack_program()).await);
    let differ = |one: &BTreeMap<_, _>, other: &BTreeMap<String, String>| -> Vec<(String, String)> {
        let rows = one.iter().filter(|(name, default)| other.get(*name) != Some(default));
        rows.map(|(name, default)| (String::clone(name), String::clone(default))).collect()
    };
    let (told, there) = (differ(&expected, &helped), differ(&helped, &expected));
    assert!(told.is_empty() && there.is_empty(), "the README says {told:?}, --help says {there:?}");
}

/// Whether a line is the heading that such a link leads to.
fn is_heading(line: &str, anchor: &str) -> bool {
    let Some(heading) = line.strip_prefix("## ") else { return false };
    let words: String = heading.chars().filter(|c| c.is_alphanumeric() || " -".contains(*c)).collect();
    words.to_lowercase().replace(' ', "-") == anchor
}

#[test]
fn every_file_that_it_links_to_is_there() {
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "breaker/README.md",
        "chassis/README.md",
        "dashboard/README.md",
    ] {
        let path = root().join(document);
        let text = std::fs::read_to_string(&path).expect("a document");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if let Some(anchor) = link.strip_prefix('#') {
                assert!(text.lines().any(|line| is_heading(line, anchor)), "{document} links to #{anchor}");
            } else if !link.starts_with("http") {
                let target = path.parent().unwrap_or(Path::new("")).join(link);
                assert!(target.exists(), "{document} links to {link}");
            }
        }
    }
}
