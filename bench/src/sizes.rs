//! What a candidate takes up on disk: what an image of one service holds over its base.

use crate::candidate::Candidate;
use crate::fleet::{Kit, SERVICES};
use serde::Serialize;
use std::fs;
use std::path::Path;

/// Bytes of one service.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Size {
    pub(crate) candidate: Candidate,
    pub(crate) mib: f64,
}

/// Of each candidate that runs programs of its own; of several programs, the largest.
pub(crate) fn measure(kit: &Kit) -> Vec<Size> {
    let ours = SERVICES.iter().map(|service| bytes(&kit.ours.join(service))).max();
    let node = kit.node.as_deref().map(bytes);
    [(Candidate::Stack, ours), (Candidate::Bare, Some(bytes(&kit.bare))), (Candidate::Node, node)]
        .into_iter()
        .filter_map(|(candidate, bytes)| Some(Size { candidate, mib: bytes? as f64 / 1024.0 / 1024.0 }))
        .collect()
}

/// Of a file, or of all files in a folder.
fn bytes(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    if !metadata.is_dir() {
        return metadata.len();
    }
    fs::read_dir(path).into_iter().flatten().flatten().map(|entry| bytes(&entry.path())).sum()
}
