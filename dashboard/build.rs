//! A file that is new in `web` is embedded at the next build, though no source of ours has changed.

fn main() {
    println!("cargo:rerun-if-changed=web");
}
