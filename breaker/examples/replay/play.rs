//! Plays one script against a breaker, on a clock that jumps from one thing to the next.

use super::trace::{Check, Ended, Ends, Op, Record, Script, Seen, state_name};
use breaker::{Breaker, CallError, Mode, SettingsError};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// How long a trace is watched after its last step.
const AFTERMATH: u64 = 20_000;

/// What the action of a call fails with.
#[derive(Debug)]
struct Failed {
    filtered: bool,
}

/// What a call is answered with.
enum Answer {
    Result,
    Fallback,
}

/// Plays a script from beginning to end.
pub(crate) fn play(script: &Script) -> Result<Record, SettingsError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread needs nothing that could be missing");
    runtime.block_on(run(script))
}

async fn run(script: &Script) -> Result<Record, SettingsError> {
    let seen = Arc::new(Mutex::new(Record { name: script.name.clone(), ..Record::default() }));
    let born = Instant::now();

    let events = Arc::clone(&seen);
    let breaker = Breaker::builder(&script.name)
        .settings(script.options.settings())
        .on_event(move |event| {
            lock(&events).events.push(Seen { at: since(born), event: event.kind.name().to_owned() });
        })
        .build()?;

    for step in &script.script {
        sleep_until(born + Duration::from_millis(step.at)).await;
        match step.op {
            Op::Fire { call, takes, outcome } => {
                let (breaker, seen) = (breaker.clone(), Arc::clone(&seen));
                let fallback = script.options.fallback;
                tokio::spawn(async move {
                    let result = fire(&breaker, takes, outcome, fallback).await;
                    lock(&seen).calls.push(Ended { call, at: since(born), result: result.to_owned() });
                });
                tokio::task::yield_now().await;
            }
            Op::Open => breaker.open(),
            Op::Close => breaker.close(),
            Op::Enable => breaker.enable(),
            Op::Disable => breaker.disable(),
            Op::Check => lock(&seen).checks.push(check(&breaker, since(born))),
        }
    }

    let end = since(born) + AFTERMATH;
    sleep_until(born + Duration::from_millis(end + 1)).await;
    let mut record = lock(&seen).clone();
    record.events.retain(|event| event.at <= end);
    record.calls.retain(|call| call.at <= end);
    Ok(record)
}

async fn fire(breaker: &Breaker, takes: u64, outcome: Ends, fallback: bool) -> &'static str {
    let work = async {
        sleep(Duration::from_millis(takes)).await;
        match outcome {
            Ends::Ok => Ok(Answer::Result),
            Ends::Error => Err(Failed { filtered: false }),
            Ends::Filtered => Err(Failed { filtered: true }),
        }
    };
    let call = breaker.call(work).failure_if(|failed: &Failed| !failed.filtered);
    let answer = if fallback { call.or_else(async |_| Ok(Answer::Fallback)).await } else { call.await };
    match answer {
        Ok(Answer::Result) => "ok",
        Ok(Answer::Fallback) => "fallback",
        Err(CallError::Open { .. }) => "open",
        Err(CallError::Full { .. }) => "semaphore",
        Err(CallError::TimedOut { .. }) => "timeout",
        Err(CallError::Failed(_)) => "error",
    }
}

fn check(breaker: &Breaker, at: u64) -> Check {
    let snapshot = breaker.snapshot();
    let counts = snapshot.counts;
    Check {
        at,
        state: state_name(snapshot.state).to_owned(),
        enabled: snapshot.mode != Mode::Disabled,
        fires: counts.fires,
        successes: counts.successes,
        failures: counts.failures,
        timeouts: counts.timeouts,
        rejects: counts.rejects,
        fallbacks: counts.fallbacks,
        semaphore_rejections: counts.semaphore_rejections,
    }
}

fn since(born: Instant) -> u64 {
    u64::try_from(born.elapsed().as_millis()).expect("a trace lasts minutes")
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().expect("nothing panics while it writes down what it saw")
}
