//! Every line that a circuit writes. Here and not in `tests/it`, since no route of ours has a fallback yet.

use super::Said;
use breaker::{Breaker, CallError};
use std::future::{pending, ready};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_circuit_tells_every_state_in_the_originals_words() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .without_time()
        .with_target(false);
    let _log = tracing::subscriber::set_default(subscriber.finish());

    let displayed: Arc<Mutex<Vec<String>>> = Arc::default();
    let display = Arc::clone(&displayed);
    let breaker = Breaker::builder("a→b")
        .capacity(1)
        .on_event(super::circuit)
        .on_event(move |event| {
            display.lock().expect("not poisoned").extend(Said::of(event).map(|line| line.to_string()))
        })
        .build()
        .expect("right");
    let instead = async |_: CallError<&str>| Ok::<_, CallError<&str>>("instead");
    breaker.call(ready(Ok::<_, &str>("yes"))).await.expect("a success");
    breaker.call(ready(Err("no"))).or_else(instead).await.expect("a fallback");
    breaker.call(pending::<Result<&str, &str>>()).await.expect_err("a time-out");
    breaker.call(ready(Ok::<_, &str>("yes"))).await.expect_err("a refusal");
    sleep(Duration::from_secs(11)).await;
    breaker.call(ready(Ok::<_, &str>("yes"))).await.expect("a probe");
    let (first, second) = tokio::join!(
        breaker.call(pending::<Result<&str, &str>>()),
        breaker.call(ready(Ok::<_, &str>("yes")))
    );
    assert!(first.is_err() && second.is_err(), "one place for two");

    let lines = String::from_utf8(lines.0.lock().expect("not poisoned").clone()).expect("UTF-8");
    let expected = r#" INFO 🔌 status:: success circuit="a→b" rate=0% failures=0 calls=1
 WARN 🔌 status:: failed circuit="a→b" rate=50% failures=1 calls=2
 INFO 🔌 status:: fallback circuit="a→b" rate=50% failures=1 calls=2
 WARN 🔌 status:: timed out circuit="a→b" rate=67% failures=2 calls=3
 WARN 🔌 status:: failed circuit="a→b" rate=67% failures=2 calls=3
 WARN 🔌 status:: opened circuit="a→b" rate=67% failures=2 calls=3 probe_in=10.0s
 WARN 🔌 status:: rejected circuit="a→b" rate=50% probe_in=10.0s
 INFO 🔌 status:: halfOpened circuit="a→b" rate=0%
 INFO 🔌 status:: closed circuit="a→b" rate=0%
 INFO 🔌 status:: success circuit="a→b" rate=0% failures=0 calls=1
 WARN 🔌 as many calls are under way as may be circuit="a→b" under_way=1
 WARN 🔌 status:: failed circuit="a→b" rate=33% failures=1 calls=3
 WARN 🔌 status:: timed out circuit="a→b" rate=67% failures=2 calls=3
 WARN 🔌 status:: failed circuit="a→b" rate=67% failures=2 calls=3
 WARN 🔌 status:: opened circuit="a→b" rate=67% failures=2 calls=3 probe_in=10.0s
"#;
    assert_eq!(lines, expected);
    let displayed = displayed.lock().expect("not poisoned");
    let without_level: Vec<_> = lines.lines().map(|line| &line[" INFO ".len()..]).collect();
    assert_eq!(*displayed, without_level, "what events tell is what the log tells");
}
