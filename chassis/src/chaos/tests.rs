//! Rules and what they do, without a socket, on a clock that is moved. Over HTTP: `tests/it/chaos.rs`.

/// What the environment sets.
mod environment;
/// Whoever is held up goes on when it is time.
mod held;
/// Texts that are read: no text makes them panic, and what is written is read again.
mod parsers;
/// What each preset does.
mod presets;
/// What each field of a rule does.
mod rules;

use super::environment::Environment;
use super::inject::{Ending, Target};
use super::rule::{Phase, Rule};
use super::{Chaos, Told};
use crate::cut::Cut;
use crate::trace::TraceId;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use std::num::NonZeroU128;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// The faults of a service that has these rules, and what was told of them.
struct Bench {
    chaos: Arc<Chaos>,
    told: Arc<Mutex<Vec<String>>>,
}

/// What became of a request.
#[derive(Debug, PartialEq)]
struct Fate {
    ending: Option<Ending>,
    mark: String,
    took: Duration,
}

const TRACE: TraceId = TraceId(NonZeroU128::MAX);
const UNAVAILABLE: Option<Ending> = Some(Ending::Status(StatusCode::SERVICE_UNAVAILABLE));
const BAD_GATEWAY: Option<Ending> = Some(Ending::Status(StatusCode::BAD_GATEWAY));
const CLOSED: Option<Ending> = Some(Ending::Cut(Cut::Close));

impl Bench {
    fn of(environment: Environment) -> Self {
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let tell = Arc::clone(&told);
        let chaos = Chaos::new("parcel", environment, move |told| {
            let text = match told {
                Told::Fault { rule, kind, status, trace, .. } => {
                    format!("{rule} {} {status:?} {trace}", kind.name())
                }
                Told::Changed(text) => text.to_owned(),
            };
            tell.lock().expect("not poisoned").push(text);
        });
        Self { chaos: Arc::new(chaos), told }
    }

    fn with(rules: &[Value]) -> Self {
        let bench = Self::of(Environment::default());
        for rule in rules {
            bench.put(rule);
        }
        bench
    }

    fn put(&self, rule: &Value) {
        let rule: Rule = serde_json::from_value(rule.clone()).expect("a rule");
        self.chaos.put(rule).expect("a rule that is right");
    }

    fn replace(&self, whole: &Value) {
        let whole = serde_json::from_value(whole.clone()).expect("a set");
        self.chaos.replace(whole).expect("a set that is right");
    }

    /// One order, before its document is saved.
    async fn order(&self) -> Fate {
        self.request("POST", "/create", &[], Phase::Before).await
    }

    /// The ends of so many orders.
    async fn orders(&self, count: usize) -> Vec<Option<Ending>> {
        let mut endings = Vec::new();
        for _ in 0..count {
            endings.push(self.order().await.ending);
        }
        endings
    }

    async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, &str)],
        phase: Phase,
    ) -> Fate {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a value"));
        }
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let uri: Uri = path.parse().expect("a path");
        let mut target = Target::new(&self.chaos, (method, uri, map), TRACE);
        let begun = Instant::now();
        let ending = target.meet(phase).await;
        let mut response = ().into_response();
        target.mark(&mut response);
        let mark = response.headers().get("x-chaos-fault").map_or("", |mark| mark.to_str().expect("ASCII"));
        Fate { ending, mark: mark.to_owned(), took: begun.elapsed() }
    }

    fn view(&self) -> Value {
        json!(self.chaos.view())
    }

    /// What is told of a rule now.
    fn now(&self, name: &str) -> Value {
        let view = self.view();
        let rules = view["rules"].as_array().expect("rules");
        let rule = rules.iter().find(|rule| rule["name"] == name).expect("a rule of this name");
        rule["now"].clone()
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().expect("not poisoned"))
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
