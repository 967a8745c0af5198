//! What can be set on a fleet, and the rules that a setting must keep.

use crate::backoff::{Backoff, BackoffError};
use std::fmt;
use std::time::Duration;

/// How circuits are shared. Write what differs and take the rest from [`FleetSettings::default`].
#[derive(Clone, PartialEq)]
pub struct FleetSettings {
    /// Where Redis is: `redis://[user:password@]host[:port][/database]`, or `unix:/path`. `rediss://` needs one of the TLS
    /// features of the crate `redis`, switched on by you. Default `redis://127.0.0.1/`.
    pub url: String,
    /// What this fleet's keys begin with: circuits are shared by those who use one namespace, and one name. Default
    /// empty.
    pub namespace: String,
    /// The time from one exchange with Redis to the next, a fifth more or less. What happens is told at once, besides;
    /// this is for the counts, and for what was missed. Default 250 ms.
    pub every: Duration,
    /// The longest time that Redis may take to answer; then it is away. To connect it may take twice as long. Default
    /// 500 ms.
    pub patience: Duration,
    /// How long the right to probe is good for without a word from the instance that has it. It is renewed while a probe
    /// is under way, so this is how long the fleet waits where an instance dies with its probe. Default 2 s.
    pub lease: Duration,
    /// How long to wait before Redis is tried again. Default: 250 ms, twice as long each time, up to 5 s, half of it left
    /// to chance. The first wait is [`every`](Self::every).
    pub retry: Backoff,
}

impl Default for FleetSettings {
    fn default() -> Self {
        Self {
            url: "redis://127.0.0.1/".into(),
            namespace: String::new(),
            every: Duration::from_millis(250),
            patience: Duration::from_millis(500),
            lease: Duration::from_secs(2),
            retry: Backoff { factor: 2.0, ceiling: Duration::from_secs(5), jitter: 0.5 },
        }
    }
}

/// A fleet that cannot work.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// The address makes no sense. It is not repeated here, as there may be a password in it.
    #[error("the Redis URL cannot be used: {0}")]
    Url(String),
    /// Without a pause there would be nothing but exchanges.
    #[error("fleet every is {0:?}: it is the pause between two exchanges, 1 ms or more")]
    Every(Duration),
    /// An answer takes some time.
    #[error("fleet patience is {0:?}: Redis could never answer in time, 1 ms or more")]
    Patience(Duration),
    /// The lease would be over before it could be renewed.
    #[error(
        "fleet lease is {lease:?}: it is renewed only after {renewed:?} (every, and patience), and has to last longer"
    )]
    Lease {
        /// The lease.
        lease: Duration,
        /// The longest time from one exchange to the next.
        renewed: Duration,
    },
    /// The waits between two attempts to connect.
    #[error("fleet retry: {0}")]
    Retry(#[from] BackoffError),
    /// The exchange is made by a task.
    #[error("no tokio runtime: a fleet is a task, connect it within one")]
    NoRuntime,
}

impl FleetSettings {
    /// Says which rule is broken, if one is.
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn check(&self) -> Result<(), FleetError> {
        let least = Duration::from_millis(1);
        if self.every < least {
            return Err(FleetError::Every(self.every));
        }
        if self.patience < least {
            return Err(FleetError::Patience(self.patience));
        }
        let renewed = self.every.saturating_add(self.every / 5).saturating_add(self.patience);
        if self.lease <= renewed {
            return Err(FleetError::Lease { lease: self.lease, renewed });
        }
        Ok(self.retry.check()?)
    }

    /// The longest time without an exchange, twice: for so long an instance waits for its fleet before it goes its own
    /// way.
    pub(super) fn hold(&self) -> Duration {
        self.every.saturating_add(self.patience).saturating_mul(2)
    }
}

impl fmt::Debug for FleetSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetSettings")
            .field("url", &"(not shown: there may be a password in it)")
            .field("namespace", &self.namespace)
            .field("every", &self.every)
            .field("patience", &self.patience)
            .field("lease", &self.lease)
            .field("retry", &self.retry)
            .finish()
    }
}
