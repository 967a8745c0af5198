//! Looks at a file from time to time, and gives a registry what it says when it has changed.
//!
//! The whole file is read with each look, and compared: it is small, and times and lengths of files miss a change now
//! and then. What looks torn is looked at again before it is believed.

use super::tree::Format;
use super::{Config, ConfigError, read};
use crate::registry::{Registry, Updated};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{self, AbortHandle};
use tokio::time::{self, MissedTickBehavior};

/// Between two looks there is no less than that.
const LEAST: Duration = Duration::from_millis(10);
/// A file that has changed must stay the same for so long, or to the next look where that is sooner: whoever writes it
/// may not be done.
const SETTLED: Duration = Duration::from_millis(50);

/// What came of a change of the file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reload<'a> {
    /// The circuits go by it now.
    Applied {
        /// What it says.
        config: &'a Config,
        /// The circuits that there were.
        updated: &'a Updated,
    },
    /// It cannot be used. All circuits go by what they went by before. Told once, until the file changes again.
    Refused(&'a ConfigError),
}

/// Stops the watching when it is dropped.
#[derive(Debug)]
#[must_use = "dropped, it stops"]
pub struct Watcher {
    task: AbortHandle,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Gives `registry` what the file at `path` says, now and whenever it has changed, until the [`Watcher`] is dropped or
/// the registry is. Circuits keep their state and what they have counted.
///
/// The file is looked at `every` so often (a second is a good choice; less than 10 ms is taken for 10 ms), and what has
/// changed is used once it has stayed the same for up to 50 ms. `told` hears of each change; it runs on the task, so
/// keep it short. A file that is away, cannot be used or is half written changes nothing, and is told once.
///
/// ```
/// use breaker::Registry;
/// use breaker::config::{self, Config, Reload};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("circuits.toml");
/// # std::fs::write(&path, "[circuits.payment]\ntimeout = '2s'")?;
/// let config = Config::load(&path)?; // a bad file is an error at the start,
/// let registry = Registry::builder().plans(move |name| config.plan(name)).build();
/// let watcher = config::watch(&path, &registry, Duration::from_secs(1), |reload| match reload {
///     Reload::Applied { updated, .. } => println!("{} circuits go by the new file", updated.updated),
///     Reload::Refused(error) => println!("the old settings stay: {error}"), // and harmless later
///     _ => {}
/// });
/// # drop(watcher);
/// # Ok(()) }
/// ```
///
/// # Panics
///
/// Outside of a tokio runtime. The task needs one with its time enabled.
pub fn watch(
    path: impl Into<PathBuf>,
    registry: &Registry,
    every: Duration,
    told: impl FnMut(Reload<'_>) + Send + 'static,
) -> Watcher {
    let (path, weak) = (Arc::new(path.into()), registry.downgrade());
    let mut watch = Watch { path, seen: None, told };
    let task = tokio::spawn(async move {
        let mut looks = time::interval(every.max(LEAST));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let look = watch.look(SETTLED.min(every)).await;
            // Held only while there is something to do.
            let Some(registry) = Registry::upgrade(&weak) else { return };
            if let Some(found) = look {
                watch.apply(&registry, found);
            }
        }
    });
    Watcher { task: task.abort_handle() }
}

struct Watch<F> {
    path: Arc<PathBuf>,
    /// What stood there when it was last used or refused.
    seen: Option<Look>,
    told: F,
}

/// What stands there: a text, or in words why there is none.
type Look = Result<String, String>;

impl<F: FnMut(Reload<'_>)> Watch<F> {
    /// What the file says, if it has changed and then stayed the same.
    async fn look(&mut self, settled: Duration) -> Option<Result<Config, ConfigError>> {
        let (first, _) = look_at(Arc::clone(&self.path), false).await?;
        if self.seen.as_ref() == Some(&first) {
            return None;
        }
        time::sleep(settled).await;
        let (second, found) = look_at(Arc::clone(&self.path), true).await?;
        if first != second {
            return None;
        }
        self.seen = Some(second);
        found
    }

    fn apply(&mut self, registry: &Registry, found: Result<Config, ConfigError>) {
        let told = &mut self.told;
        // The panic hook has told of a listener's panic; the next change is another matter.
        let mut tell = |reload: Reload<'_>| drop(panic::catch_unwind(AssertUnwindSafe(|| told(reload))));
        match found {
            Ok(config) => {
                let config = Arc::new(config);
                let plans = Arc::clone(&config);
                let updated = registry.update_plans(move |name| plans.plan(name));
                tell(Reload::Applied { config: &config, updated: &updated });
            }
            Err(error) => tell(Reload::Refused(&error)),
        }
    }
}

/// Reads the file where that may block, and there makes of it what it says, if that is wanted. `None` where the runtime
/// goes down.
async fn look_at(path: Arc<PathBuf>, parse: bool) -> Option<(Look, Option<Result<Config, ConfigError>>)> {
    let read = task::spawn_blocking(move || match read(&path) {
        Ok(text) => {
            let found = parse.then(|| Config::parse(&text, Format::of(&path)?));
            (Ok(text), found)
        }
        Err(error) => (Err(error.to_string()), Some(Err(error))),
    });
    read.await.ok()
}

impl<F> fmt::Debug for Watch<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("path", &self.path).finish_non_exhaustive()
    }
}
