//! A few of many: what is shown to people is not shown a thousand times a second.

use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// Lets so many through in a second, and no more.
#[derive(Debug)]
pub(crate) struct Sampler {
    most: u32,
    second: Mutex<Second>,
}

#[derive(Debug)]
struct Second {
    begun: Instant,
    taken: u32,
}

impl Sampler {
    pub(crate) fn per_second(most: u32) -> Self {
        Self { most, second: Mutex::new(Second { begun: Instant::now(), taken: 0 }) }
    }

    /// Whether the one at hand is among them. Waits for nobody: who comes while another asks is not.
    pub(crate) fn take(&self) -> bool {
        let Ok(mut second) = self.second.try_lock() else { return false };
        let now = Instant::now();
        if now.saturating_duration_since(second.begun) >= SECOND {
            *second = Second { begun: now, taken: 0 };
        }
        let taken = second.taken < self.most;
        second.taken += u32::from(taken);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::Sampler;
    use std::time::Duration;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn so_many_pass_each_second() {
        let sampler = Sampler::per_second(2);
        let taken = || [sampler.take(), sampler.take(), sampler.take()];
        assert_eq!(taken(), [true, true, false]);
        advance(Duration::from_millis(999)).await;
        assert!(!sampler.take(), "the second is not over");
        advance(Duration::from_millis(1)).await;
        assert_eq!(taken(), [true, true, false]);
    }

    #[tokio::test]
    async fn none_pass_where_none_may() {
        assert!(!Sampler::per_second(0).take());
    }
}
