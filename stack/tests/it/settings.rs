//! Settings of the programs: help, defaults, what is refused.

use crate::programs::{Env, Service, get, program, stack_program};
use std::path::Path;
use testkit::Process;

/// Runs a program that ends by itself; gives its exit code and all it said.
async fn ended(mut process: Process) -> (Option<i32>, String) {
    let code = process.wait().await.code();
    (code, process.lines().join("\n"))
}

/// The `--help` of a program.
pub(crate) async fn help(program: &Path) -> String {
    let (code, said) =
        ended(Process::spawn(program, &["--help"], &[("MONGO_URL", "mongodb://u:hunter2@host")])).await;
    assert_eq!(code, Some(0));
    assert!(!said.contains("hunter2"), "help does not show what is set:\n{said}");
    said
}

#[tokio::test]
async fn a_value_that_cannot_be_used_is_named_with_what_would_be_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").expect("ours");
    let below_a_file = file.join("data").display().to_string();
    for (name, value, flag, expected) in [
        ("PORT", "abc", "--port", "expected a whole number from 0 to 65535"),
        ("PORT", "65536", "--port", "expected a whole number from 0 to 65535"),
        ("PORT", "-1", "--port", "expected a whole number from 0 to 65535"),
        ("HOST", "everywhere", "--host", "expected an IP address"),
        ("JUMPS", "-1", "--jumps", "expected a whole number from 0 to 4294967295"),
        ("JUMPS", "many", "--jumps", "expected a whole number"),
        ("CHAIN_SVC", "not-a-url", "--chain-svc", "expected a URL, like http://payment:3000/create"),
        ("CHAIN_SVC", "https://payment/create", "--chain-svc", "expected a URL, like http://"),
        ("CHAIN_SVC", "payment:3000/create", "--chain-svc", "expected a URL"),
        ("INJECT_ERR", "perhaps", "--inject-err", "expected 1 (on) or 0 (off)"),
        ("INJECT_ERR_PERCENT", "101", "--inject-err-percent", "expected a whole number from 0 to 100"),
        ("CHAOS_ABORT", "200", "--chaos-abort", "expected statuses from 400 to 599"),
        ("CHAOS_DELAY", "soon:20", "--chaos-delay", "like 500ms:20,2s:5"),
        ("CHAOS_JITTER", "100ms", "CHAOS_JITTER=100ms", "expected both"),
        ("CHAOS_HANG", "101", "--chaos-hang", "expected a percentage from 0 to 100"),
        ("CHAOS_RESET", "many", "--chaos-reset", "expected a percentage from 0 to 100"),
        ("CHAOS_PHASE", "during", "--chaos-phase", "[possible values: before, after]"),
        ("CHAOS_SEED", "-1", "--chaos-seed", "expected a whole number"),
        ("CHAOS_PRESET", "storm", "--chaos-preset", "[possible values: calm, flaky, slow, outage,"),
        ("STRICT_STATUS", "2", "--strict-status", "expected 1 (on) or 0 (off)"),
        ("MONGO_URL", "nonsense", "MONGO_URL", "expected one like mongodb://mongo:27017/retail"),
        ("MONGO_URL", "mongodb://", "MONGO_URL", "expected one like mongodb://"),
        ("DATA_DIR", &below_a_file, "DATA_DIR", "expected one that this program may write to"),
        ("BREAKER_TIMEOUT_MS", "300ms", "--breaker-timeout-ms", "expected a whole number"),
        (
            "BREAKER_ERROR_THRESHOLD",
            "101",
            "--breaker-error-threshold",
            "expected a percentage from 0 to 100",
        ),
        ("BREAKER_ERROR_THRESHOLD", "NaN", "--breaker-error-threshold", "expected a percentage"),
        ("BREAKER_RESET_MS", "0", "--breaker-reset-ms", "expected a whole number from 1"),
        ("BREAKER_VOLUME", "-1", "--breaker-volume", "expected a whole number"),
        ("BREAKER_CAPACITY", "0", "--breaker-capacity", "expected a whole number from 1"),
        ("FALLBACK", "later", "--fallback", "[possible values: queue, none]"),
        ("RETRIES", "11", "--retries", "expected a whole number from 0 to 10"),
        ("BULKHEAD", "0", "--bulkhead", "expected a whole number from 1"),
        ("IDEMPOTENCY_TTL", "24", "--idempotency-ttl", "expected a time with its unit, like 90s, 30m, 24h"),
        ("IDEMPOTENCY_TTL", "0s", "--idempotency-ttl", "expected a time with its unit"),
        ("IDEMPOTENCY_TTL", "ever", "--idempotency-ttl", "expected a time with its unit"),
        ("IDEMPOTENCY_TTL", "9999999999d", "--idempotency-ttl", "expected a time with its unit"),
        ("ADMIN_TOKEN", "two words", "--admin-token", "expected a text of visible ASCII characters"),
        ("ADMIN_PEERS", "everyone", "--admin-peers", "[possible values: loopback, private]"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "https://collector:4318",
            "--otel-exporter-otlp-endpoint",
            "expected a URL, like http://collector:4318",
        ),
        ("RUST_LOG", "a=b=c", "--rust-log", "expected a level, like info"),
        ("RUST_LOG", "nonsense", "--rust-log", "expected a level, like info"),
        ("RUST_LOG", "info,chasis", "--rust-log", "expected a level, like info"),
        ("LOG_FORMAT", "xml", "--log-format", "[possible values: text, json]"),
    ] {
        let mut env = Env::of(&[("PORT", "0")]);
        env.set(name, value);
        let (code, said) = ended(env.spawn(&program("order"))).await;
        assert_eq!(code, Some(2), "{name}={value}:\n{said}");
        assert!(said.contains(flag) && said.contains(expected), "{name}={value}:\n{said}");
        assert!(said.starts_with("error: "), "{said}");
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_is_not_shown() {
    let (order, dashboard) = (program("order"), program("dashboard"));
    for (program, name, value, expected) in [
        (&*order, "ADMIN_TOKEN", "hunter2 pass", "expected a text of visible ASCII characters"),
        (&*dashboard, "ADMIN_TOKEN", "hunter2 pass", "expected a text of visible ASCII characters"),
        (stack_program(), "ADMIN_TOKEN", "hunter2 pass", "expected a text of visible ASCII characters"),
        (&*order, "MONGO_URL", "mongodb://u:hunter2@", "expected one like mongodb://"),
        (&*order, "MONGO_URL", "mongodb://u:hunter2/@host", "expected one like mongodb://"),
        (
            &*order,
            "CHAIN_SVC",
            "http://u:hunter2@payment:3000/create",
            "expected a URL without user and password",
        ),
        (
            &*order,
            "CHAIN_SVC",
            "http://hunter2@payment:3000/create",
            "expected a URL without user and password",
        ),
        (&*order, "CHAIN_SVC", "u:hunter2@payment:3000", "expected a URL, like http://payment:3000/create"),
        (
            &*order,
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://u:hunter2@collector:4318",
            "expected a URL without user and password, like http://collector:4318",
        ),
        (&*dashboard, "SERVICES", "order=http://u:hunter2@order:3000", "expected name=URL"),
    ] {
        let mut env = Env::of(&[("PORT", "0")]);
        env.set(name, value);
        let (code, said) = ended(env.spawn(program)).await;
        assert_eq!(code, Some(2), "{name}={value}:\n{said}");
        let flag = format!("--{}", name.to_lowercase().replace('_', "-"));
        assert!((said.contains(name) || said.contains(&flag)) && said.contains(expected), "{said}");
        assert!(!said.contains("hunter2") && !said.contains("pass'"), "{name}={value}:\n{said}");
    }
}

#[tokio::test]
async fn a_flag_that_is_unknown_is_refused() {
    for program in [program("payment"), stack_program().to_owned()] {
        let (code, said) = ended(Process::spawn(program, &["--prot", "3000"], &[])).await;
        assert_eq!(code, Some(2));
        assert!(said.contains("unexpected argument '--prot'"), "{said}");
    }
}

#[tokio::test]
async fn a_variable_that_is_set_to_nothing_is_unset() {
    let nothing = [("ID", ""), ("CHAIN_SVC", ""), ("MONGO_URL", ""), ("JUMPS", ""), ("BREAKER_CAPACITY", "")];
    let service = Service::start("shipment", &nothing).await;
    assert_eq!(get(&service.url).await.text, "hello from shipment\n");
}

#[tokio::test]
async fn a_name_can_be_given() {
    let service = Service::start("order", &[("ID", "orders-north")]).await;
    assert_eq!(get(&service.url).await.text, "hello from orders-north\n");
}

#[tokio::test]
async fn a_flag_outdoes_a_variable() {
    let env = Env::of(&[]);
    let data = env.folder.path().display().to_string();
    let flags = ["--port", "0", "--id", "by-flag", "--data-dir", &data, "--inject-err"];
    let process = Process::spawn(program("order"), &flags, &[("ID", "by-variable"), ("PORT", "1")]);
    let line = process.wait_for_line(|line| line.contains("App listening on port")).await;
    assert!(line.contains("service=\"by-flag\""), "{line}");
}
