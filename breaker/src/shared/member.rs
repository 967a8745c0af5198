//! One shared circuit: what there is to tell the fleet, and what follows from the fleet's answer.
//!
//! The circuit lives its own life; nothing here is in the way of a call. From time to time it is compared with what it
//! was when it and the fleet last agreed. What it has changed since then is told; what the fleet has changed is done
//! here too, unless the circuit has just changed again: then that is told first.
//!
//! An open circuit half-opens by its own clock. One that is shared is kept from it: the end of its opening is moved on
//! with every exchange, until the fleet gives it the right to probe. Where the exchanges stay away, the end comes, and
//! the circuit goes its own way.

use super::status::lock;
use super::wire::{Answer, Ask, Keys, shared_mode};
use crate::breaker::Breaker;
use crate::random;
use crate::reason::{Reason, Transition};
use crate::settings::{Figures, Judged, OnClose, RateOf, Settings, WarmUp, Window};
use crate::snapshot::{Counts, Mode, State, Status};
use crate::waiters::Waiter;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::Duration;
use tokio::sync::Notify;

/// No circuit has changed its state so often.
const NEVER: u64 = u64::MAX;

/// More buckets than that are not worth their places in Redis.
const BUCKETS: u32 = 20;

#[derive(Debug)]
pub(super) struct Member {
    pub(super) breaker: Breaker,
    pub(super) keys: Keys,
    /// The name of this instance of the circuit.
    pub(super) me: String,
    view: Mutex<View>,
    ended: AtomicBool,
    nudge: Arc<Nudge>,
    /// Its place among those who are woken by the circuit.
    waiter: Waiter,
}

/// What wakes the task that makes the exchanges.
#[derive(Debug)]
struct Nudge {
    /// Whether the circuit has changed, here or in the fleet, and is to be looked at.
    stirred: AtomicBool,
    task: Arc<Notify>,
}

impl Wake for Nudge {
    fn wake(self: Arc<Self>) {
        self.stirred.store(true, Ordering::Release);
        self.task.notify_one();
    }
}

/// What the circuit and the fleet last agreed on.
#[derive(Debug, Clone)]
struct View {
    /// The fleet's number of its state; 0 for none.
    base: u64,
    /// The circuit's own number of that state.
    turns: u64,
    openings: u32,
    mode_base: u64,
    mode: Mode,
    /// Whether the circuit was in a mode that is not shared.
    apart: bool,
    /// What has been counted and told. `None` where nothing is to be told of what was before.
    told: Option<Counts>,
    /// Open circuits: the end of the opening, or of another's lease, without what is added to it.
    end: Option<Duration>,
    /// The rule that fired on the fleet's figures, until that is told.
    found: Option<Reason>,
    trouble: Option<String>,
}

/// What came of an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Came {
    Nothing,
    /// The circuit has done as the fleet does.
    Followed(State),
    /// The fleet's figures have opened it.
    Tripped(Reason),
}

impl Member {
    pub(super) fn new(breaker: &Breaker, keys: Keys, me: String, task: Arc<Notify>) -> Self {
        let nudge = Arc::new(Nudge { stirred: AtomicBool::new(true), task });
        let waiter = breaker.waiters().enter(&Waker::from(Arc::clone(&nudge)));
        let status = breaker.status();
        // A circuit that is closed has nothing to tell; another begins with telling it.
        let turns = if status.state == State::Closed { status.turns } else { NEVER };
        let view = View {
            base: 0,
            turns,
            openings: 0,
            mode_base: 0,
            mode: Mode::Auto,
            apart: false,
            told: None,
            end: None,
            found: None,
            trouble: None,
        };
        Self {
            breaker: breaker.clone(),
            keys,
            me,
            view: Mutex::new(view),
            ended: AtomicBool::new(false),
            nudge,
            waiter,
        }
    }

    /// Has it looked at with the next exchange.
    pub(super) fn stir(&self) {
        self.nudge.stirred.store(true, Ordering::Release);
    }

    /// What was counted while the fleet was away is not told any more: nobody knows when it was.
    pub(super) fn begin_anew(&self) {
        lock(&self.view).told = None;
    }

    /// What there is to tell or to ask, if there is anything.
    pub(super) fn prepare(&self) -> Option<Ask> {
        let stirred = self.nudge.stirred.swap(false, Ordering::AcqRel);
        if stirred {
            // First this, then the look: no change is missed.
            self.waiter.renew(&Waker::from(Arc::clone(&self.nudge)));
        }
        self.tick();
        let status = self.breaker.status();
        let totals = self.breaker.circuit().totals();
        let settings = self.breaker.settings();
        let mut view = lock(&self.view);
        let more = counted_since(view.told.replace(totals), totals);
        let mode = shared_mode(status.mode);
        let changed = status.turns != view.turns;
        let modes = [status.mode, view.mode];
        let idle = status.state == State::Closed && modes == [Mode::Auto; 2] && !view.apart;
        if idle && !stirred && !changed && more == Counts::default() {
            return None;
        }
        let ask = Ask {
            base: view.base,
            changed,
            state: status.state,
            turns: status.turns,
            left: view.left(changed, &status, &settings, self.breaker.now()),
            wanted: more.fires > 0,
            probing: status.state == State::HalfOpen && self.is_probing(),
            clear: settings.on_close == OnClose::Clear,
            why: if changed { self.why(view.found.as_ref()) } else { String::new() },
            mode_base: view.mode_base,
            mode_changed: !view.apart && mode.is_some_and(|mode| mode != view.mode),
            mode,
            window: window(&settings),
            judged: !changed && is_judged(&settings, &status, &more, self.breaker.now()),
            more,
        };
        Some(ask)
    }

    /// Does what the clock has done by now.
    fn tick(&self) {
        while self.breaker.turn(|circuit, now| circuit.tick(now)).is_some() {}
    }

    fn open_until(&self, until: Duration) -> Option<Arc<Transition>> {
        self.breaker.turn(|circuit, now| circuit.open_until(until, Reason::Shared, now))
    }

    fn is_probing(&self) -> bool {
        let snapshot = self.breaker.snapshot();
        snapshot.probes > 0 || snapshot.ramp.is_some()
    }

    fn why(&self, found: Option<&Reason>) -> String {
        let last = || self.breaker.snapshot().last.map(|last| last.reason.to_string());
        found.map(Reason::to_string).or_else(last).unwrap_or_default()
    }

    /// Does what follows from an answer. `hold` is how long the circuit waits for the next one.
    pub(super) fn apply(&self, ask: &Ask, answer: &Answer, hold: Duration) -> Came {
        if self.ended.load(Ordering::Acquire) {
            return Came::Nothing;
        }
        let mut view = lock(&self.view).clone();
        view.trouble = None;
        self.apply_mode(&mut view, ask, answer);
        let came = if self.breaker.circuit().turns() == ask.turns {
            view.base = answer.turn;
            view.openings = answer.openings;
            view.found = None;
            self.reconcile(&mut view, ask, answer, hold)
        } else {
            // It has changed again. What was taken up of what it said stands.
            if answer.wrote {
                (view.base, view.turns, view.openings) = (answer.turn, ask.turns, answer.openings);
            }
            self.stir();
            Came::Nothing
        };
        let mut kept = lock(&self.view);
        *kept = View { told: kept.told, ..view };
        came
    }

    /// What was forced by hand.
    fn apply_mode(&self, view: &mut View, ask: &Ask, answer: &Answer) {
        let now = shared_mode(self.breaker.circuit().mode());
        view.apart = ask.mode.is_none();
        if !view.apart && now == ask.mode {
            if now != Some(answer.mode) {
                self.breaker.set_mode(answer.mode);
            }
            (view.mode, view.mode_base) = (answer.mode, answer.mode_turn);
        }
    }

    /// The circuit is as it was when it asked.
    fn reconcile(&self, view: &mut View, ask: &Ask, answer: &Answer, hold: Duration) -> Came {
        let now = self.breaker.now();
        let wanted = match answer.state {
            State::HalfOpen if answer.by != self.me => State::Open,
            state => state,
        };
        let end = now.saturating_add(answer.left);
        view.end = (wanted == State::Open).then_some(end);
        // What callers are told of the time to wait is right until shortly before the end.
        let until = if answer.left > hold { end } else { end.saturating_add(hold) };
        let transition = match wanted {
            State::Open => self.open_until(until),
            State::Closed => self.breaker.turn(|circuit, now| circuit.close_for(Reason::Shared, now)),
            State::HalfOpen => self.breaker.turn(|circuit, now| circuit.half_open(Reason::ResetOver, now)),
        };
        view.turns = transition.as_ref().map_or(ask.turns, |transition| transition.turns);
        if transition.is_some() {
            return Came::Followed(wanted);
        }
        if let Some(reason) = self.judge(ask, answer) {
            self.breaker.open_for(Reason::Shared);
            view.found = Some(reason.clone());
            return Came::Tripped(reason);
        }
        Came::Nothing
    }

    /// Whether the fleet's figures open the circuit.
    fn judge(&self, ask: &Ask, answer: &Answer) -> Option<Reason> {
        let [asked, succeeded, failures, slow] =
            answer.sums.filter(|_| ask.judged && answer.state == State::Closed)?;
        let settings = self.breaker.settings();
        let ended = succeeded.saturating_add(failures);
        let calls = if settings.rate_of == RateOf::Asked { asked } else { ended };
        let volume = settings.volume;
        // Rows and piles are not added up: there is no order among the instances.
        let figures = Figures { calls, failures, ended, slow, consecutive: 0, under_way: 0, volume };
        settings.trip.judge(&figures)
    }

    /// Redis had no use for it. Whether that is news.
    pub(super) fn troubled(&self, error: &str) -> bool {
        let mut view = lock(&self.view);
        let is_news = view.trouble.as_deref() != Some(error);
        view.trouble = Some(error.to_owned());
        is_news
    }

    pub(super) fn is_troubled(&self) -> bool {
        lock(&self.view).trouble.is_some()
    }

    /// The circuit is shared no more, and waits for nobody.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        let end = lock(&self.view).end;
        if let Some(end) = end.filter(|_| self.breaker.state() == State::Open) {
            self.open_until(end);
        }
    }
}

impl View {
    /// For how long the circuit is open yet.
    fn left(&self, changed: bool, status: &Status, settings: &Settings, now: Duration) -> Duration {
        let own = status.probe_in.unwrap_or_default();
        if let (Some(end), false) = (self.end, changed) {
            return end.saturating_sub(now);
        }
        // The probes before may have been those of others: the waits grow by the openings of all.
        match settings.backoff.filter(|_| status.state == State::Open && self.openings > 0) {
            Some(_) => Duration::from_nanos(settings.open_for(self.openings, chance())),
            None => own,
        }
    }
}

/// What is to be told of it: nothing the first time.
fn counted_since(told: Option<Counts>, totals: Counts) -> Counts {
    let Some(told) = told else { return Counts::default() };
    Counts {
        fires: totals.fires.saturating_sub(told.fires),
        successes: totals.successes.saturating_sub(told.successes),
        failures: totals.failures.saturating_sub(told.failures),
        slow: totals.slow.saturating_sub(told.slow),
        ..Counts::default()
    }
}

/// The window that the fleet counts over, and one bucket of it.
fn window(settings: &Settings) -> (Duration, Duration) {
    let window = if let Window::Time { .. } = settings.window { settings.window } else { Window::default() };
    let Window::Time { length, buckets } = window else { return Default::default() };
    (length, length / buckets.clamp(1, BUCKETS))
}

/// Whether the fleet's figures are to be judged after these calls: where the circuit's own would be.
fn is_judged(settings: &Settings, status: &Status, more: &Counts, now: Duration) -> bool {
    let is_warm = match settings.warm_up {
        WarmUp::Off => true,
        WarmUp::For(length) | WarmUp::AsOpossum(length) => now >= length,
    };
    let on_every_end = settings.judged == Judged::OnEveryEnd && more.successes > 0;
    is_warm
        && status.state == State::Closed
        && matches!(status.mode, Mode::Auto | Mode::MetricsOnly)
        && matches!(settings.window, Window::Time { .. })
        && (more.failures > 0 || more.slow > 0 || on_every_end)
}

/// From 0 to 1.
pub(super) fn chance() -> f64 {
    random::of(RandomState::new().hash_one(0_u8))
}
