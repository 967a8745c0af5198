//! The programs, built and started.
//!
//! A package's tests can rely on its own binary only, so the three services are built here, once, by the cargo that runs
//! the tests.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use testkit::{Process, eventually, free_port};

/// The original's order.
pub(crate) const ORDER: &str =
    r#"{"id":"1","items":[],"payment":{"amount":0,"id":"1","shipment":{"id":"1","directions":"home"}}}"#;
/// The original's payment.
pub(crate) const PAYMENT: &str = r#"{"amount":0,"id":"1","shipment":{"id":"1","directions":"home"}}"#;

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("stack lies in the workspace")
}

/// The program that `cargo run` starts.
pub(crate) fn stack_program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_stack"))
}

/// The program of one service.
pub(crate) fn program(service: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    let folder = stack_program().parent().expect("a program lies in a folder");
    BUILT.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(root()).args([
            "build",
            "--quiet",
            "-p",
            "order",
            "-p",
            "payment",
            "-p",
            "shipment",
            "-p",
            "dashboard",
        ]);
        build.arg("--target-dir").arg(folder.parent().expect("in the target folder"));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs the tests").success(), "the services do not build");
    });
    folder.join(service)
}

/// The environment of a program, and the folder of its data.
pub(crate) struct Env {
    variables: Vec<(String, String)>,
    pub(crate) folder: TempDir,
}

impl Env {
    /// With a data folder of its own, a time-out that a busy machine does not run into, and these variables.
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut env = Self { variables: Vec::new(), folder };
        let data = env.folder.path().display().to_string();
        env.set("DATA_DIR", &data);
        env.set("BREAKER_TIMEOUT_MS", "20000");
        for (name, value) in variables {
            env.set(name, value);
        }
        env
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn spawn(&self, program: &Path) -> Process {
        let variables: Vec<_> = self.variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        Process::spawn(program, &[], &variables)
    }
}

/// One service as a process.
pub(crate) struct Service {
    pub(crate) process: Process,
    pub(crate) url: String,
    env: Env,
    name: &'static str,
}

impl Service {
    /// Starts it on a free port, and waits until it listens.
    pub(crate) async fn start(name: &'static str, variables: &[(&str, &str)]) -> Self {
        let port = free_port();
        let mut env = Env::of(variables);
        env.set("PORT", &port.to_string());
        let process = env.spawn(&program(name));
        listening(&process).await;
        Self { process, url: format!("http://127.0.0.1:{port}"), env, name }
    }

    /// Starts it again, on the same port and data, with these variables changed.
    pub(crate) async fn restart(&mut self, variables: &[(&str, &str)]) {
        self.process.kill().await;
        for (name, value) in variables {
            self.env.set(name, value);
        }
        self.process = self.env.spawn(&program(self.name));
        listening(&self.process).await;
    }
}

async fn listening(process: &Process) {
    process.wait_for_line(|line| line.contains("App listening on port")).await;
}

/// The three services as processes, each knowing the next.
pub(crate) struct Chain {
    pub(crate) order: Service,
    pub(crate) payment: Service,
    pub(crate) shipment: Service,
}

impl Chain {
    /// Starts them from the back. `all` are variables of all three, `last` of shipment alone.
    pub(crate) async fn start(all: &[(&str, &str)], last: &[(&str, &str)]) -> Self {
        let shipment = Service::start("shipment", &[all, last].concat()).await;
        let next = |url: &str| format!("{url}/create");
        let (to, named) = (next(&shipment.url), "shipment");
        let payment =
            Service::start("payment", &[all, &[("CHAIN_SVC", &to), ("CHAIN_NAME", named)]].concat()).await;
        let (to, named) = (next(&payment.url), "payment");
        let order =
            Service::start("order", &[all, &[("CHAIN_SVC", &to), ("CHAIN_NAME", named)]].concat()).await;
        Self { order, payment, shipment }
    }
}

/// Ports of the stack that are free.
pub(crate) const PORTS: [(&str, &str); 4] =
    [("DASHBOARD_PORT", "0"), ("ORDER_PORT", "0"), ("PAYMENT_PORT", "0"), ("SHIPMENT_PORT", "0")];

/// All three in one process, and the dashboard.
pub(crate) struct Stack {
    pub(crate) process: Process,
    pub(crate) dashboard: String,
    pub(crate) order: String,
    pub(crate) payment: String,
    pub(crate) shipment: String,
    pub(crate) env: Env,
}

impl Stack {
    /// Starts it on free ports, with these variables.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let mut env = Env::of(&PORTS);
        for (name, value) in variables {
            env.set(name, value);
        }
        let process = env.spawn(stack_program());
        let mut urls = Vec::new();
        for service in ["dashboard", "order", "payment", "shipment"] {
            let is_it = |line: &str| line.trim_start().starts_with(service) && line.contains("http://");
            let line = process.wait_for_line(is_it).await;
            urls.push(line.split_whitespace().nth(1).expect("a URL beside the name").to_owned());
        }
        let [dashboard, order, payment, shipment] = urls.try_into().expect("four");
        let stack = Self { process, dashboard, order, payment, shipment, env };
        stack.process.wait_for_line(|line| line.contains("App listening") && line.contains("shipment")).await;
        stack
    }

    /// Starts it again on the same ports and data.
    pub(crate) async fn restart(&mut self) {
        if self.process.ended().is_none() {
            self.process.kill().await;
        }
        for (name, url) in
            [("ORDER_PORT", &self.order), ("PAYMENT_PORT", &self.payment), ("SHIPMENT_PORT", &self.shipment)]
        {
            self.env.set(name, url.rsplit(':').next().expect("a port"));
        }
        self.process = self.env.spawn(stack_program());
        let last = |line: &str| line.contains("App listening") && line.contains("shipment");
        self.process.wait_for_line(last).await;
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) degraded: String,
    /// What an `Idempotency-Key` had asked for already.
    pub(crate) replayed: bool,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Result<Self, reqwest::Error> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let degraded =
            response.headers().get("x-degraded").map_or("", |name| name.to_str().unwrap_or("?")).to_owned();
        let replayed = response.headers().get("idempotency-replayed").is_some_and(|said| said == "true");
        Ok(Self { status, degraded, replayed, text: response.text().await? })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }
}

pub(crate) fn client() -> reqwest::Client {
    // Let go of before the services do: a request is not to meet a connection that is about to be closed.
    let idle = Duration::from_secs(5);
    let client = reqwest::Client::builder().no_proxy().pool_idle_timeout(idle);
    client.timeout(Duration::from_secs(30)).build().expect("a client")
}

/// Posts a document as JSON to a service, `count` hops on, and asks for JSON.
pub(crate) async fn try_create(url: &str, count: u32, document: &str) -> Result<Answer, reqwest::Error> {
    let request = client().post(format!("{url}/create?count={count}"));
    let request = request.header("content-type", "application/json").header("accept", "application/json");
    Answer::of(request.body(document.to_owned())).await
}

pub(crate) async fn create(url: &str, document: &str) -> Answer {
    try_create(url, 0, document).await.expect("the service answers")
}

pub(crate) async fn get(url: &str) -> Answer {
    Answer::of(client().get(url)).await.expect("the service answers")
}

/// All keys of a collection.
pub(crate) async fn keys(url: &str, records: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut path = format!("/{records}?limit=100");
    loop {
        let page = get(&format!("{url}{path}")).await.json();
        let documents = page[records].as_array().expect("a page");
        keys.extend(documents.iter().map(|document| document["key"].as_str().expect("a key").to_owned()));
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut path),
            None => return keys,
        }
    }
}

/// Waits until a service could take an order.
pub(crate) async fn ready(url: &str) {
    eventually("the service is ready", Duration::from_secs(30), async || {
        (get(&format!("{url}/readyz")).await.status == 200).then_some(())
    })
    .await;
}
