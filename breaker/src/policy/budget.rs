//! How many retries and hedges there may be: a share of the calls, and a little more.
//!
//! Where everything fails, every call would be made `attempts` times, and what is down gets three times its load just
//! when it can bear it least. So each first call deposits a part of a token, each further attempt withdraws a whole one,
//! and both are forgotten after a window: the token bucket of Finagle's `RetryBudget` and tower's `TpsBudget`.
//!
//! The rule is exact, also among many threads: within any window there are never more withdrawals than `ratio` of the
//! deposits and `per_second` of the seconds. Deposits are one atomic add to a slot that carries the number of its interval (every call
//! makes one); withdrawals are rare, and share a lock held for some instructions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Into how many slots the window is cut; the oldest is forgotten as a whole.
const SLOTS: usize = 10;
/// A withdrawal is one token; a deposit is the ratio in millionths of one.
const TOKEN: u64 = 1_000_000;

/// How much a [`Budget`] allows.
///
/// ```
/// use breaker::{Budget, BudgetSettings};
///
/// // Of 100 calls 10 more may be made; and one a second, for those who call seldom.
/// let budget = Budget::new(BudgetSettings { ratio: 0.1, per_second: 1, ..BudgetSettings::default() })?;
/// # Ok::<(), breaker::BudgetError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetSettings {
    /// Further attempts for each first call, from 0 to 1,000. Default 0.2: one for every five calls.
    pub ratio: f64,
    /// Further attempts for each second, come as many calls as may; those of a whole window may be made at once.
    /// Default 10. With this and `ratio` at 0, there are none at all.
    pub per_second: u32,
    /// After this time, calls and further attempts are forgotten, a tenth of them at a time. 1 s to 60 s, default 10 s.
    pub window: Duration,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self { ratio: 0.2, per_second: 10, window: Duration::from_secs(10) }
    }
}

/// A budget that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// A share is none or more, and there is an end to it.
    #[error("budget ratio is {0}: it is the further attempts for each call, from 0 to 1000")]
    Ratio(f64),
    /// Shorter, the slots are too fine for the clock; longer, an overload would be paid for by calls long gone.
    #[error("budget window is {0:?}: it is 1 s to 60 s")]
    Window(Duration),
}

/// A store of further attempts that retries and hedges draw on. Clones are handles to the same store: give one to all
/// [`Policy`](crate::Policy)s that call the same service.
///
/// ```
/// use breaker::{Budget, BudgetSettings};
///
/// let budget = Budget::new(BudgetSettings { ratio: 0.5, per_second: 0, ..BudgetSettings::default() })?;
/// assert!(!budget.withdraw(), "nobody has called yet");
/// budget.deposit();
/// budget.deposit();
/// assert!(budget.withdraw(), "two calls, one retry");
/// assert!(!budget.withdraw());
/// # Ok::<(), breaker::BudgetError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Budget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    born: Instant,
    bucket: Bucket,
}

impl Budget {
    /// A budget that nothing was drawn from yet.
    ///
    /// # Errors
    ///
    /// The first rule broken, in the order of the fields.
    pub fn new(settings: BudgetSettings) -> Result<Self, BudgetError> {
        let BudgetSettings { ratio, window, .. } = settings;
        if !(0.0..=1_000.0).contains(&ratio) {
            return Err(BudgetError::Ratio(ratio));
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(60)).contains(&window) {
            return Err(BudgetError::Window(window));
        }
        Ok(Self { shared: Arc::new(Shared { born: Instant::now(), bucket: Bucket::new(settings) }) })
    }

    /// A call is made for the first time. A [`Policy`](crate::Policy) says so itself; this is for retries of your own.
    pub fn deposit(&self) {
        self.shared.bucket.deposit(self.now());
    }

    /// Asks for one further attempt: true where it may be made, and is then paid for.
    #[must_use = "what is withdrawn is spent"]
    pub fn withdraw(&self) -> bool {
        self.shared.bucket.withdraw(self.now())
    }

    /// How many further attempts may be made at this moment. A pure read.
    #[must_use]
    pub fn balance(&self) -> u64 {
        self.shared.bucket.balance(self.now())
    }

    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.shared.born)
    }
}

impl Default for Budget {
    /// As [`BudgetSettings::default`] says.
    fn default() -> Self {
        Self::new(BudgetSettings::default()).expect("the defaults keep the rules")
    }
}

/// The rule: every method is told what time it is.
#[derive(Debug)]
struct Bucket {
    slot_nanos: u64,
    deposit: u64,
    reserve: u64,
    /// The number of the interval in the upper half, the deposits made in it in the lower: nobody makes 2^32 in 6 s.
    deposits: [AtomicU64; SLOTS],
    withdrawals: Mutex<[Withdrawals; SLOTS]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Withdrawals {
    interval: u64,
    count: u64,
}

impl Bucket {
    fn new(settings: BudgetSettings) -> Self {
        let per_window = settings.window.as_nanos() * u128::from(settings.per_second) / 1_000_000_000;
        Self {
            slot_nanos: nanos(settings.window) / SLOTS as u64,
            deposit: (settings.ratio * TOKEN as f64).round() as u64,
            reserve: u64::try_from(per_window).expect("60 s times 2^32"),
            deposits: Default::default(),
            withdrawals: Mutex::default(),
        }
    }

    fn deposit(&self, now: Duration) {
        let (interval, place) = self.place(now);
        let (slot, tag) = (&self.deposits[place], interval as u32);
        let mut seen = slot.load(Ordering::Relaxed);
        loop {
            let age = tag.wrapping_sub(tag_of(seen)) as i32;
            if age < 0 {
                return; // this thread slept for a window: its call is forgotten already
            }
            if age == 0 {
                slot.fetch_add(1, Ordering::Relaxed);
                return;
            }
            let fresh = u64::from(tag) << 32 | 1;
            match slot.compare_exchange_weak(seen, fresh, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => seen = other,
            }
        }
    }

    fn withdraw(&self, now: Duration) -> bool {
        let (interval, place) = self.place(now);
        let mut withdrawals = self.lock();
        if self.left(interval, &withdrawals) == 0 {
            return false;
        }
        let slot = &mut withdrawals[place];
        if slot.interval < interval {
            *slot = Withdrawals { interval, count: 0 };
        }
        slot.count += 1;
        true
    }

    fn balance(&self, now: Duration) -> u64 {
        self.left(self.place(now).0, &self.lock())
    }

    fn left(&self, interval: u64, withdrawals: &[Withdrawals; SLOTS]) -> u64 {
        let held = |slot: u64| (interval as u32).wrapping_sub(tag_of(slot)) as i32;
        let slots = self.deposits.iter().map(|slot| slot.load(Ordering::Relaxed));
        let deposited: u64 =
            slots.filter(|&slot| held(slot) < SLOTS as i32).map(|slot| slot & u64::from(u32::MAX)).sum();
        let allowed = u128::from(deposited) * u128::from(self.deposit) / u128::from(TOKEN);
        let held = |slot: &&Withdrawals| interval.saturating_sub(slot.interval) < SLOTS as u64;
        let withdrawn: u64 = withdrawals.iter().filter(held).map(|slot| slot.count).sum();
        u64::try_from(allowed).unwrap_or(u64::MAX).saturating_add(self.reserve).saturating_sub(withdrawn)
    }

    /// The number of the interval that `now` falls in, and its slot.
    fn place(&self, now: Duration) -> (u64, usize) {
        let interval = nanos(now) / self.slot_nanos;
        (interval, (interval % SLOTS as u64) as usize)
    }

    fn lock(&self) -> MutexGuard<'_, [Withdrawals; SLOTS]> {
        // Nothing that runs under the lock can panic half-way through a change.
        self.withdrawals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tag_of(slot: u64) -> u32 {
    (slot >> 32) as u32
}

/// Enough for 584 years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
