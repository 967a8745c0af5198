//! The rules of the house, as far as a machine can see them.

use crate::programs::root;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const MOST_LINES: usize = 400;

/// Which crate may use which of ours.
const ARROWS: [(&str, &[&str]); 8] = [
    ("breaker", &[]),
    ("testkit", &[]),
    ("chassis", &["breaker", "testkit"]),
    ("order", &["chassis"]),
    ("payment", &["chassis"]),
    ("shipment", &["chassis"]),
    ("dashboard", &["breaker", "chassis", "testkit"]),
    ("stack", &["chassis", "dashboard", "order", "payment", "shipment", "testkit"]),
];

/// The crates that are services: those that know the chassis and nothing else.
pub(crate) fn services() -> impl Iterator<Item = &'static str> {
    ARROWS.iter().filter(|(_, may_use)| may_use == &["chassis"]).map(|(name, _)| *name)
}

/// All Rust files of the project.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for (member, _) in ARROWS {
        collect(&root().join(member), &mut found);
    }
    assert!(found.len() > 50, "only {} files found", found.len());
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder of ours") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("node_modules") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source is UTF-8");
            found.push((path, text));
        }
    }
}

#[test]
fn arrows_point_one_way() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let members = manifest.lines().find(|line| line.starts_with("members")).expect("a list of members");
    let members: Vec<_> = members.split('"').skip(1).step_by(2).collect();
    assert_eq!(
        members,
        ARROWS.map(|(member, _)| member),
        "ARROWS in stack/tests/it/tidy.rs lists other members than Cargo.toml"
    );
    for (member, may_use) in ARROWS {
        let manifest = std::fs::read_to_string(root().join(member).join("Cargo.toml")).expect("a manifest");
        let uses: BTreeSet<_> = manifest
            .lines()
            .filter_map(|line| line.split_once('=').map(|(name, _)| name.trim()))
            .filter(|name| members.contains(name))
            .collect();
        for used in uses {
            assert!(may_use.contains(&used), "{member} may not use {used}");
        }
    }
}

#[test]
fn chassis_knows_no_service_by_name() {
    for (path, text) in sources().iter().filter(|(path, _)| path.starts_with(root().join("chassis/src"))) {
        for service in services() {
            // In the help, for example. In code it would be a use or a text of its own.
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let names = code.filter(|line| {
                line.contains(&format!("\"{service}\"")) || line.contains(&format!("{service}::"))
            });
            assert_eq!(names.count(), 0, "{} names {service}", path.display());
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut sources = sources();
    // A workspace of its own. It measures, so it may wait.
    collect(&root().join("bench"), &mut sources);
    for (path, text) in sources {
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines, more than {MOST_LINES}", path.display());
        let opens = text.starts_with("//!") || text.starts_with("#![doc = include_str!(");
        assert!(opens, "{} does not open with //!", path.display());
    }
}

#[test]
fn no_test_is_ignored_or_sleeps() {
    // In two parts each, so that this file is not found.
    let banned =
        [("#[ign", "ore"), ("thread::", "sleep"), ("todo", "!("), ("unimplem", "ented!("), ("dbg", "!(")];
    for (path, text) in sources() {
        for (start, end) in banned {
            assert!(!text.contains(&format!("{start}{end}")), "{} has {start}{end}", path.display());
        }
    }
}

#[test]
fn every_workspace_dependency_is_used() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let dependencies =
        manifest.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    let names =
        dependencies.expect("a list").lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name));
    let manifests: Vec<_> = ARROWS
        .map(|(member, _)| {
            std::fs::read_to_string(root().join(member).join("Cargo.toml")).expect("a manifest")
        })
        .into();
    for name in names {
        let used =
            manifests.iter().any(|manifest| manifest.contains(&format!("\n{name} = {{ workspace = true")));
        assert!(used, "{name} is used by no member");
    }
}
