//! The load: so many connections, each of which sends an order, waits for the answer, and sends the next.
//!
//! It runs in a process of its own on one thread, and does as little as it can: the request is the same bytes each time,
//! and of an answer only the head is parsed. What it cost is in its report.

mod connection;

use connection::{Answer, Connection};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// The first argument of the process that makes the load.
pub(crate) const CHILD: &str = "load";

/// The order of the original's `test.http`.
pub(crate) const ORDER: &str =
    r#"{"id":"1","items":[],"payment":{"amount":0,"id":"1","shipment":{"id":"1","directions":"home"}}}"#;

/// Between a connection that broke and the next.
const PAUSE: Duration = Duration::from_millis(20);

/// What is to be sent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) to: SocketAddr,
    pub(crate) connections: u32,
    pub(crate) seconds: f64,
    /// How long answers are awaited that have not come by then.
    pub(crate) grace_s: f64,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// From the first order to the last answer.
    pub(crate) seconds: f64,
    /// Orders answered with 2xx.
    pub(crate) answered: u64,
    /// Of these, those that went the whole way.
    pub(crate) whole: u64,
    /// Orders answered with another status, and connections that broke.
    pub(crate) errors: u64,
    /// Orders answered with 503: refused before they were taken.
    pub(crate) turned_away: u64,
    /// Orders that had no answer in the end.
    pub(crate) unanswered: u64,
    /// Nothing where nothing was answered, as the others.
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) p999_ms: Option<f64>,
    /// Processor time that the load itself took.
    pub(crate) cpu_ms: f64,
    /// The first thing that went wrong.
    pub(crate) first_error: Option<String>,
}

/// A load that runs.
#[derive(Debug)]
pub(crate) struct Loading(Child);

impl Load {
    /// Starts it in a process of its own.
    pub(crate) fn start(&self) -> Result<Loading, String> {
        let program = std::env::current_exe().map_err(|error| format!("no program for the load: {error}"))?;
        let load = serde_json::to_string(self).map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.args([CHILD, &load]).stdin(Stdio::null()).stdout(Stdio::piped());
        command.spawn().map(Loading).map_err(|error| format!("the load cannot be started: {error}"))
    }
}

impl Loading {
    /// Waits for it to end.
    pub(crate) fn outcome(self) -> Result<Outcome, String> {
        let output = self.0.wait_with_output().map_err(|error| format!("the load is lost: {error}"))?;
        serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("the load ended with {} and told nothing: {error}", output.status))
    }
}

/// Makes the load that the argument describes, and prints what came of it.
pub(crate) fn child(load: Option<&str>) -> Result<(), String> {
    let load: Load = serde_json::from_str(load.unwrap_or_default()).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(|error| error.to_string())?.block_on(make(load));
    println!("{}", serde_json::to_string(&outcome).map_err(|error| error.to_string())?);
    Ok(())
}

async fn make(load: Load) -> Outcome {
    let request = Arc::new(connection::request(load.to, ORDER));
    let begin = Instant::now();
    let until = begin + Duration::from_secs_f64(load.seconds);
    let at_last = until + Duration::from_secs_f64(load.grace_s);
    let tasks: Vec<_> = (0..load.connections)
        .map(|_| tokio::spawn(send(load.to, Arc::clone(&request), until, at_last)))
        .collect();
    let mut all = Sent::default();
    for task in tasks {
        if let Ok(sent) = task.await {
            all.add(sent);
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    all.outcome(seconds)
}

/// What one connection, or all of them, saw.
#[derive(Debug, Default)]
struct Sent {
    took: Vec<Duration>,
    outcome: Outcome,
}

async fn send(to: SocketAddr, request: Arc<Vec<u8>>, until: Instant, at_last: Instant) -> Sent {
    let mut sent = Sent::default();
    let mut connection = None;
    while Instant::now() < until {
        let begin = Instant::now();
        let answer = timeout_at(at_last, async {
            let mut open = match connection.take() {
                Some(open) => open,
                None => Connection::to(to).await?,
            };
            let answer = open.exchange(&request).await?;
            connection = Some(open);
            Ok::<_, std::io::Error>(answer)
        });
        match answer.await {
            Ok(Ok(answer)) => sent.count(answer, begin.elapsed()),
            Ok(Err(error)) => {
                sent.fail(error.to_string());
                sleep(PAUSE).await;
            }
            Err(_) => sent.outcome.unanswered += 1,
        }
    }
    sent
}

impl Sent {
    fn count(&mut self, answer: Answer, took: Duration) {
        self.took.push(took);
        match answer.status {
            200..300 => {
                self.outcome.answered += 1;
                self.outcome.whole += u64::from(answer.whole);
            }
            status => {
                self.outcome.turned_away += u64::from(status == 503);
                self.fail(format!("answered {status}"));
            }
        }
    }

    fn fail(&mut self, why: String) {
        self.outcome.errors += 1;
        self.outcome.first_error.get_or_insert(why);
    }

    fn add(&mut self, other: Self) {
        self.took.extend(other.took);
        let (all, one) = (&mut self.outcome, other.outcome);
        all.answered += one.answered;
        all.whole += one.whole;
        all.errors += one.errors;
        all.turned_away += one.turned_away;
        all.unanswered += one.unanswered;
        all.first_error = all.first_error.take().or(one.first_error);
    }

    fn outcome(mut self, seconds: f64) -> Outcome {
        self.took.sort_unstable();
        let last = self.took.len().saturating_sub(1);
        let quantile = |share: f64| {
            let took = self.took.get((last as f64 * share).round() as usize);
            took.map(|took| took.as_secs_f64() * 1e3)
        };
        let cpu_ms = crate::proc::Cpu::of(std::process::id()).total();
        Outcome {
            seconds,
            p50_ms: quantile(0.5),
            p99_ms: quantile(0.99),
            p999_ms: quantile(0.999),
            cpu_ms,
            ..self.outcome
        }
    }
}
