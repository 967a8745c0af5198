//! What a run is of: the machine, and what was not built from this folder.

use crate::options::Options;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Processor and cores.
pub(crate) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores of {model}")
}

/// Of what was not built from this folder.
pub(crate) fn versions(options: &Options) -> Vec<String> {
    let first = |program: &Path, name: &str| {
        let output = Command::new(program).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned();
        Some(if text.contains(char::is_whitespace) { text } else { format!("{name} {text}") })
    };
    let mongod = first(&options.mongod, "MongoDB").map(|text| text.replace("db version", "MongoDB"));
    let node = options.node.as_ref().and_then(|_| first(Path::new("node"), "Node"));
    [first(Path::new("rustc"), "rustc"), mongod, node].into_iter().flatten().collect()
}
