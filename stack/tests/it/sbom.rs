//! The list of what a program is made of.

use crate::programs::root;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

fn sbom(program: &str) -> Value {
    let output = Command::new(root().join("scripts/sbom")).arg(program).output().expect("python3 is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn it_names_every_crate_that_is_compiled_in_and_no_other() {
    let order = sbom("order");
    assert_eq!(
        (&order["bomFormat"], &order["metadata"]["component"]["name"]),
        (&"CycloneDX".into(), &"order".into())
    );
    let components = order["components"].as_array().expect("a list");
    let names: BTreeSet<_> = components.iter().map(|it| it["name"].as_str().expect("a name")).collect();
    for wanted in ["axum", "breaker", "chassis", "mongodb", "reqwest", "rustls", "serde", "tokio", "tracing"]
    {
        assert!(names.contains(wanted), "{wanted} is missing from {names:?}");
    }
    for unwanted in ["order", "payment", "stack", "testkit", "proptest", "tempfile"] {
        assert!(!names.contains(unwanted), "{unwanted} is not compiled into order");
    }
    for component in components {
        assert!(component["licenses"][0]["expression"].is_string(), "no licence: {component}");
        let foreign = component["purl"].is_string();
        assert_eq!(foreign, component["hashes"][0]["content"].is_string(), "no checksum: {component}");
    }
}

#[test]
fn what_it_says_of_dependencies_leads_to_components() {
    let order = sbom("order");
    let known: BTreeSet<_> = [&order["metadata"]["component"]]
        .into_iter()
        .chain(order["components"].as_array().expect("a list"))
        .map(|it| it["bom-ref"].as_str().expect("a reference"))
        .collect();
    for dependency in order["dependencies"].as_array().expect("a list") {
        for used in dependency["dependsOn"].as_array().expect("a list") {
            assert!(known.contains(used.as_str().expect("a reference")), "{used} is not listed");
        }
    }
}
