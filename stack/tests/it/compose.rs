//! The compose file and the Dockerfile, as far as they can be checked without an engine: that they name what exists.

use crate::programs::{program, root};
use crate::settings::help;
use crate::tidy::services;

fn file(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).expect("the file is there")
}

/// The variables that the compose file sets, with their values.
fn set() -> Vec<(String, String)> {
    let compose = file("docker-compose.yaml");
    let pairs = compose.lines().filter_map(|line| line.trim().split_once(": "));
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    pairs.filter(|(name, _)| is_name(name)).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn every_variable_is_a_setting_and_can_be_overridden() {
    let dashboards = help(&program("dashboard")).await;
    let help = help(&program("order")).await;
    let set = set();
    for (name, value) in &set {
        let is_told = |help: &str| help.contains(&format!("[env: {name}]"));
        assert!(is_told(&help) || is_told(&dashboards), "{name} is no setting");
        if name != "HOST" && name != "SERVICE" {
            assert!(
                value.starts_with("${") && value.contains(":-"),
                "{name}: {value} cannot be set from the shell"
            );
        }
    }
    let names = |wanted: &str| set.iter().filter(|(name, _)| name == wanted).count();
    assert_eq!((names("ID"), names("CHAIN_SVC"), names("INJECT_ERR")), (3, 3, 1));
    for line in help.lines().chain(dashboards.lines()) {
        let Some(name) = line.trim().strip_prefix("[env: ").and_then(|rest| rest.strip_suffix(']')) else {
            continue;
        };
        // A container keeps no data, and its neighbours are named by their hosts.
        assert!(
            names(name) > 0 || ["DATA_DIR", "CHAIN_NAME"].contains(&name),
            "{name} cannot be set in compose"
        );
    }
}

#[test]
fn the_wiring_is_the_originals() {
    let set = set();
    let value = |wanted: &str| {
        set.iter().filter(|(name, _)| name == wanted).map(|(_, value)| &**value).collect::<Vec<_>>()
    };
    assert_eq!(value("JUMPS"), ["${JUMPS:-4}"]);
    assert_eq!(
        value("CHAIN_SVC"),
        [
            "${ORDER_CHAIN_SVC:-http://payment:3000/create}",
            "${PAYMENT_CHAIN_SVC:-http://shipment:3000/create}",
            "${SHIPMENT_CHAIN_SVC:-}"
        ]
    );
    assert_eq!(value("INJECT_ERR"), ["${INJECT_ERR:-1}"]);
    let compose = file("docker-compose.yaml");
    let published: Vec<_> = compose.lines().filter_map(|line| line.trim().strip_prefix("ports: ")).collect();
    // On this machine alone: whoever reaches a port may break the stack.
    for (outside, ports) in
        ["${DASHBOARD_PORT:-9002}", "${ORDER_PORT:-3000}", "${PAYMENT_PORT:-3001}", "${SHIPMENT_PORT:-3002}"]
            .iter()
            .zip(&published)
    {
        assert_eq!(*ports, format!("[\"127.0.0.1:{outside}:${{PORT:-3000}}\"]"));
    }
    assert!(published.iter().all(|ports| ports.starts_with("[\"127.0.0.1:")), "{published:?}");
    assert_eq!(published.len(), 6, "ours, and those of the profile metrics");
}

#[test]
fn the_dockerfile_knows_every_crate_and_builds_every_service() {
    let dockerfile = file("Dockerfile");
    let manifest = file("Cargo.toml");
    let members = manifest.lines().find(|line| line.starts_with("members")).expect("a list of members");
    let emptied = dockerfile.split("for crate in ").nth(1).and_then(|rest| rest.split("; do").next());
    let emptied: Vec<_> = emptied.expect("a loop that makes empty sources").split_whitespace().collect();
    for member in members.split('"').skip(1).step_by(2) {
        assert!(
            dockerfile.contains(&format!("COPY {member}/Cargo.toml {member}/")),
            "the Dockerfile does not copy {member}"
        );
        assert!(emptied.contains(&member), "the Dockerfile makes no empty sources for {member}");
    }
    for service in services().chain(["dashboard"]) {
        let builds = dockerfile.matches(&format!("-p {service}")).count();
        assert_eq!(
            builds, 2,
            "the Dockerfile builds {service} with its dependencies alone, and with its sources"
        );
    }
}

#[test]
fn every_service_has_a_container() {
    let compose = file("docker-compose.yaml");
    for service in services().chain(["dashboard"]) {
        assert!(
            compose.contains(&format!("args: {{ SERVICE: {service} }}")),
            "docker-compose.yaml does not build {service}"
        );
    }
}
