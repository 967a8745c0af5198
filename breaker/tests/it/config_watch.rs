//! A file that changes while a registry goes by it: what is right is used, what is not changes nothing and is told.

use breaker::config::{self, Reload, Watcher};
use breaker::{Registry, State};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time;

const SECOND: Duration = Duration::from_secs(1);

struct Stage {
    _folder: TempDir,
    path: PathBuf,
    registry: Registry,
    told: UnboundedReceiver<String>,
    watcher: Option<Watcher>,
}

fn volume(volume: u64) -> String {
    format!("[circuits.payment]\nvolume = {volume}\n")
}

impl Stage {
    fn set(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("circuits.toml");
        fs::write(&path, text).expect("written");
        let registry = Registry::builder().build();
        let (tell, told) = mpsc::unbounded_channel();
        let watcher = config::watch(&path, &registry, SECOND, move |reload| {
            let words = match reload {
                Reload::Applied { config, .. } => {
                    format!("volume {}", config.for_circuit("payment").settings.volume)
                }
                Reload::Refused(error) => error.to_string(),
                other => panic!("{other:?}"),
            };
            tell.send(words).expect("the test listens");
        });
        Self { _folder: folder, path, registry, told, watcher: Some(watcher) }
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).expect("written");
    }

    /// What was told meanwhile.
    async fn after(&mut self, wait: Duration) -> Vec<String> {
        time::sleep(wait).await;
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }

    fn volume(&self) -> u64 {
        self.registry.try_get(&format!("new {}", self.registry.len())).expect("right");
        self.registry.remove("payment");
        self.registry.get("payment").settings().volume
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_file_says_holds_from_the_first_look_and_after_each_change() {
    let mut stage = Stage::set(&volume(1));
    assert_eq!(stage.after(SECOND / 2).await, ["volume 1"]);
    assert_eq!(stage.volume(), 1);
    // The same length, perhaps the same time: it is told by what stands there.
    stage.write(&volume(2));
    assert_eq!(stage.after(SECOND).await, ["volume 2"]);
    assert_eq!(stage.volume(), 2);
    assert!(stage.after(10 * SECOND).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn circuits_keep_their_state_and_their_counts() {
    let mut stage = Stage::set(&volume(1));
    let (open, quiet) = (stage.registry.get("open"), stage.registry.get("payment"));
    open.open();
    stage.after(SECOND / 2).await;
    let _ = quiet.call(async { Ok::<(), ()>(()) }).await;
    stage.write(&volume(2));
    assert_eq!(stage.after(SECOND).await, ["volume 2"]);
    assert_eq!(open.state(), State::Open);
    assert_eq!(quiet.snapshot().counts.successes, 1);
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_changes_nothing_and_is_told_once() {
    let mut stage = Stage::set(&volume(1));
    stage.after(SECOND / 2).await;
    stage.write("[circuits.payment]\nvolumes = 2\n");
    let told = stage.after(5 * SECOND).await;
    assert_eq!(told, ["circuits.payment.volumes: unknown key; did you mean `volume`?"]);
    assert_eq!(stage.volume(), 1);
    stage.write("");
    assert_eq!(stage.after(5 * SECOND).await.len(), 1);
    assert_eq!(stage.volume(), 1);
    fs::remove_file(&stage.path).expect("removed");
    let told = stage.after(5 * SECOND).await;
    assert!(told.len() == 1 && told[0].contains("cannot be read"), "{told:?}");
    assert_eq!(stage.volume(), 1);
    // Back as it was before, it is told again: the bad one is over.
    stage.write(&volume(1));
    assert_eq!(stage.after(SECOND).await, ["volume 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_half_written_is_not_believed() {
    let mut stage = Stage::set(&volume(1));
    // The look at 1 s finds the first piece, the second look 50 ms later some more of it. Each by itself makes sense.
    stage.after(Duration::from_millis(500)).await;
    stage.write("[defaults]\n");
    assert!(stage.after(Duration::from_millis(525)).await.is_empty());
    stage.write("[defaults]\n[circuits]\n");
    assert!(stage.after(Duration::from_millis(50)).await.is_empty());
    stage.write(&volume(3));
    assert_eq!(stage.after(5 * SECOND).await, ["volume 3"]);
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_its_guard_and_with_the_registry() {
    let mut stage = Stage::set(&volume(1));
    stage.after(SECOND / 2).await;
    drop(stage.watcher.take());
    stage.write(&volume(2));
    assert!(stage.after(5 * SECOND).await.is_empty());
    assert!(stage.told.is_closed(), "the task and what it holds are gone");

    let mut stage = Stage::set(&volume(1));
    stage.after(SECOND / 2).await;
    stage.registry = Registry::builder().build();
    assert!(stage.after(2 * SECOND).await.is_empty());
    assert!(stage.told.is_closed(), "nobody is left who would go by the file");
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_does_not_end_it() {
    let stage = Stage::set(&volume(1));
    let registry = Registry::builder().build();
    let _watcher = config::watch(&stage.path, &registry, SECOND, |_| panic!("as if by mistake"));
    time::sleep(SECOND / 2).await;
    stage.write(&volume(2));
    time::sleep(SECOND).await;
    assert_eq!(registry.get("payment").settings().volume, 2);
}
