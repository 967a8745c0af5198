//! Finds Prometheus' own checker of metrics and configurations.

use std::path::{Path, PathBuf};

/// The `promtool` on `PATH`, else `target/tools/promtool` of the workspace.
///
/// # Panics
///
/// Where there is none.
pub fn promtool() -> PathBuf {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/promtool");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|dir| dir.join("promtool"));
    on_path.chain([fetched]).find(|program| program.is_file()).expect(
        "these tests need a promtool, and there is none on PATH or in target/tools: run `scripts/test`, which fetches one",
    )
}
