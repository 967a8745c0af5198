//! What the dashboard asks for is in every record, of the right type, and what it draws is what was counted.

use breaker::{
    Backoff, Circuit, Entry, Mode, Outcome, RateOf, Settings, Snapshot, State, Threshold, Ticket, Trip,
    Window, hystrix,
};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

const NOW: u64 = 1_784_639_227_000;

/// The keys without which the dashboard logs "Key Missing" and skips the row, or whose want makes its templates throw
/// (`validateData`, `hystrixCircuit.html`); `n` a whole number, `b` a boolean, `s` a text, `o` an object.
const COMMAND: &str = "type:s name:s group:s isCircuitBreakerOpen:b errorPercentage:n errorCount:n requestCount:n \
    rollingCountBadRequests:n rollingCountCollapsedRequests:n rollingCountExceptionsThrown:n rollingCountFailure:n \
    rollingCountFallbackFailure:n rollingCountFallbackRejection:n rollingCountFallbackSuccess:n \
    rollingCountResponsesFromCache:n rollingCountSemaphoreRejected:n rollingCountShortCircuited:n \
    rollingCountSuccess:n rollingCountThreadPoolRejected:n rollingCountTimeout:n currentConcurrentExecutionCount:n \
    latencyExecute_mean:n latencyExecute:o latencyTotal_mean:n latencyTotal:o reportingHosts:n \
    propertyValue_circuitBreakerRequestVolumeThreshold:n propertyValue_circuitBreakerSleepWindowInMilliseconds:n \
    propertyValue_circuitBreakerErrorThresholdPercentage:n propertyValue_circuitBreakerForceOpen:b \
    propertyValue_circuitBreakerForceClosed:b propertyValue_executionIsolationStrategy:s \
    propertyValue_executionIsolationThreadTimeoutInMilliseconds:n \
    propertyValue_executionIsolationThreadInterruptOnTimeout:b \
    propertyValue_executionIsolationSemaphoreMaxConcurrentRequests:n \
    propertyValue_fallbackIsolationSemaphoreMaxConcurrentRequests:n propertyValue_requestCacheEnabled:b \
    propertyValue_requestLogEnabled:b propertyValue_metricsRollingStatisticalWindowInMilliseconds:n";

const POOL: &str = "type:s name:s currentActiveCount:n currentCompletedTaskCount:n currentCorePoolSize:n \
    currentLargestPoolSize:n currentMaximumPoolSize:n currentPoolSize:n currentQueueSize:n currentTaskCount:n \
    rollingCountThreadsExecuted:n rollingMaxActiveThreads:n reportingHosts:n \
    propertyValue_queueSizeRejectionThreshold:n propertyValue_metricsRollingStatisticalWindowInMilliseconds:n";

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn enter(circuit: &Circuit, at: u64) -> Option<Ticket> {
    match circuit.enter(ms(at)) {
        Entry::Admitted(ticket) => Some(ticket),
        _ => None,
    }
}

fn call(circuit: &Circuit, outcome: Outcome, began: u64, ended: u64) {
    if let Some(ticket) = enter(circuit, began) {
        circuit.leave(ticket, outcome, ms(ended));
    }
}

/// The events of a chunk of a stream, by the rules of the living standard: lines end at CR, LF or both, an event at an
/// empty line.
fn events(chunk: &str) -> Vec<Value> {
    let lines = chunk.replace("\r\n", "\n").replace('\r', "\n");
    assert!(lines.ends_with("\n\n"), "the last event is over");
    let data = |event: &str| {
        let data = event.strip_prefix("data: ").expect("nothing but data");
        serde_json::from_str(data).expect("each event is one JSON object")
    };
    lines.split_terminator("\n\n").map(data).collect()
}

fn both(snapshot: &Snapshot) -> [Value; 2] {
    events(&hystrix::record("cart", snapshot, NOW)).try_into().expect("a command and a pool")
}

fn assert_complete(record: &Value, keys: &str) {
    for (key, kind) in keys.split_whitespace().map(|key| key.split_once(':').expect("a key and a type")) {
        let value = &record[key];
        let right = match kind {
            "n" => value.is_u64(),
            "b" => value.is_boolean(),
            "s" => value.is_string(),
            _ => value.is_object(),
        };
        assert!(right, "{key} is {value}");
    }
    for latencies in ["latencyExecute", "latencyTotal"].iter().filter_map(|key| record[key].as_object()) {
        let percents: Vec<_> = latencies.keys().map(String::as_str).collect();
        assert_eq!(percents, ["0", "25", "50", "75", "90", "95", "99", "99.5", "100"]);
        assert!(latencies.values().all(Value::is_u64), "{latencies:?}");
    }
}

/// A circuit that has seen a little of everything, in each state.
fn busy(settings: Settings, state: State) -> (Circuit, Duration) {
    let circuit = Circuit::new(settings).expect("these settings are right");
    for time in 0..8 {
        call(&circuit, Outcome::Success, time, time + 20);
    }
    call(&circuit, Outcome::Failure, 30, 70);
    call(&circuit, Outcome::Timeout, 40, 340);
    let under_way = [enter(&circuit, 350), enter(&circuit, 350), enter(&circuit, 350)];
    assert!(under_way[2].is_none(), "there are two places");
    circuit.fall_back(ms(351));
    match state {
        State::Closed => (circuit, ms(400)),
        State::Open => {
            circuit.open(ms(400));
            assert!(enter(&circuit, 410).is_none(), "refused");
            (circuit, ms(420))
        }
        State::HalfOpen => {
            circuit.open(ms(400));
            let until = circuit.due().expect("it opens for a while");
            (circuit, until)
        }
    }
}

fn kinds() -> [Settings; 4] {
    let base = Settings { capacity: Some(2), ..Settings::default() };
    [
        Settings { window: Window::Calls(20), trip: Trip::Consecutive(9), timeout: None, ..base.clone() },
        Settings {
            window: Window::Time { length: ms(60_000), buckets: 7 },
            full_is_failure: false,
            ..base.clone()
        },
        Settings { backoff: Some(Backoff::default()), volume: 20, rate_of: RateOf::Ended, ..base.clone() },
        base,
    ]
}

const STATES: [State; 3] = [State::Closed, State::Open, State::HalfOpen];
const MODES: [Mode; 5] =
    [Mode::Auto, Mode::Disabled, Mode::ForcedOpen, Mode::ForcedClosed, Mode::MetricsOnly];

#[test]
fn every_field_is_there_in_every_state_and_mode_and_kind_of_window() {
    for settings in kinds() {
        for (state, mode) in STATES.into_iter().flat_map(|state| MODES.map(|mode| (state, mode))) {
            let (circuit, now) = busy(settings.clone(), state);
            circuit.set_mode(mode);
            let snapshot = circuit.snapshot(now);
            assert_eq!((snapshot.state, snapshot.mode), (state, mode));
            let [command, pool] = both(&snapshot);
            assert_complete(&command, COMMAND);
            assert_complete(&pool, POOL);
            let open = match mode {
                Mode::Auto | Mode::MetricsOnly => state != State::Closed,
                Mode::ForcedOpen => true,
                _ => false,
            };
            assert_eq!(command["isCircuitBreakerOpen"], open, "{state:?} {mode:?}: open until closed");
            assert_eq!(command["propertyValue_circuitBreakerForceOpen"], mode == Mode::ForcedOpen);
            let let_through = matches!(mode, Mode::ForcedClosed | Mode::MetricsOnly);
            assert_eq!(command["propertyValue_circuitBreakerForceClosed"], let_through);
            assert_eq!(command["propertyValue_circuitBreakerEnabled"], mode != Mode::Disabled);
        }
    }
}

/// Every figure of it checked by hand against what `busy` does, and the order against what Hystrix writes.
#[test]
fn the_record_is_the_written_one() {
    let (circuit, now) = busy(Settings { capacity: Some(2), ..Settings::hystrix() }, State::Open);
    let written = serde_json::to_string_pretty(&both(&circuit.snapshot(now))).expect("JSON");
    assert_eq!(written + "\n", include_str!("hystrix/record.json"));
}

/// The page draws the size of a pool beside other figures: the largest number of Java would cover them.
#[test]
fn without_a_limit_the_pool_is_as_large_as_there_are_calls_in_it() {
    let circuit = Circuit::new(Settings::default()).expect("right");
    let sizes = |circuit: &Circuit| {
        let [command, pool] = both(&circuit.snapshot(ms(0)));
        let sizes =
            ["CorePool", "Pool", "LargestPool"].map(|size| pool[format!("current{size}Size")].as_u64());
        let limits = [
            &pool["currentMaximumPoolSize"],
            &command["propertyValue_executionIsolationSemaphoreMaxConcurrentRequests"],
        ];
        assert_eq!(limits, [&Value::from(i32::MAX); 2]);
        sizes.map(|size| size.expect("a whole number"))
    };
    assert_eq!(sizes(&circuit), [0, 0, 0]);
    let under_way = [enter(&circuit, 0), enter(&circuit, 0)];
    assert_eq!(sizes(&circuit), [0, 2, 2]);
    under_way.into_iter().flatten().for_each(|ticket| drop(circuit.leave(ticket, Outcome::Success, ms(0))));
    assert_eq!(sizes(&circuit), [0, 0, 0]);
}

#[test]
fn refused_calls_are_no_errors_and_calls_without_a_place_are_as_in_hystrix() {
    for full_is_failure in [true, false] {
        let settings = Settings { capacity: Some(2), full_is_failure, ..Settings::default() };
        let (circuit, now) = busy(settings, State::Open);
        let [command, pool] = both(&circuit.snapshot(now));
        let drawn = ["Success", "Failure", "Timeout", "SemaphoreRejected", "ShortCircuited"];
        let counts = drawn.map(|kind| command[format!("rollingCount{kind}")].as_u64().expect("a number"));
        assert_eq!(counts, [8, 1, 1, 1, 1]);
        assert_eq!((&command["errorCount"], &command["requestCount"]), (&3.into(), &11.into()));
        assert_eq!(command["errorPercentage"], 27, "3 of 11, cut off");
        assert_eq!(command["currentConcurrentExecutionCount"], 2);
        assert_eq!(pool["rollingCountThreadsExecuted"], 10);
        assert_eq!(pool["currentTaskCount"], 12);
        assert_eq!((&pool["currentPoolSize"], &pool["currentQueueSize"]), (&2.into(), &0.into()));
    }
}

#[test]
fn the_window_is_never_nothing_and_a_window_of_calls_is_that_of_the_figures() {
    let length = "propertyValue_metricsRollingStatisticalWindowInMilliseconds";
    let lengths = [
        (Window::Time { length: Duration::from_micros(300), buckets: 3 }, 1),
        (Window::Time { length: ms(10_000), buckets: 3 }, 10_000),
        (Window::Calls(7), 10_000),
    ];
    for (window, expected) in lengths {
        let circuit = Circuit::new(Settings { window, ..Settings::default() }).expect("right");
        for record in both(&circuit.snapshot(ms(5))) {
            assert_eq!(record[length], expected, "{window:?}");
        }
    }
}

/// A name that could end the event, the attribute, the tag, the selector or the script that it is put into.
#[test]
fn names_break_neither_the_stream_nor_the_page() {
    let snapshot = Circuit::new(Settings::default()).expect("right").snapshot(ms(0));
    let names = [
        ("a\n\ndata: {\"type\":\"x\"}\n\n\r\u{85}", "a��data: {＂type＂:＂x＂}����"),
        ("</script><img src=x onerror='x'>&amp;", "＜/script＞＜img src=x onerror='x'＞＆amp;"),
        (r"Consumer.shop.10\.0\.0\.7:80", r"Consumer.shop.10＼.0＼.0＼.7:80"),
        ("Käse 茶 🫖\u{2028}", "Käse 茶 🫖\u{2028}"),
        ("", ""),
    ];
    for (name, shown) in names {
        for event in
            events(&hystrix::record(name, &snapshot, NOW)).iter().chain(&events(&hystrix::removal(name)))
        {
            assert_eq!(event["name"], shown);
        }
    }
}

/// As the dashboard does it: `name.replace(/([ !"#$%&'()*+,./:;<=>?@[\]^`{|}~])/g,'\\$1') + '_' + index`.
#[test]
fn what_is_removed_is_named_as_the_dashboard_names_it() {
    let events = events(&hystrix::removal("a-b_c d.e/f:8{g}~"));
    assert_eq!(
        events.iter().map(|event| &event["type"]).collect::<Vec<_>>(),
        ["HystrixCommand", "HystrixThreadPool"]
    );
    for event in events {
        assert_eq!(event["deleteData"], "true");
        assert_eq!(event["escapedName"], r"a-b_c\ d\.e\/f\:8\{g\}\~_0");
    }
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..100_u64, any::<u64>(), Just(u64::MAX)]
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(s, n)| Duration::new(s, n))
    ]
}

fn percent() -> impl Strategy<Value = f64> {
    prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), any::<f64>()]
}

proptest! {
    /// Also of snapshots that no circuit would give: what is public can be written to.
    #[test]
    fn any_numbers_give_json_without_gaps(
        counts in prop::array::uniform7(number()),
        (reset, timeout, length, mean) in (time(), prop::option::of(time()), time(), time()),
        (rate, threshold) in (percent(), percent()),
        (capacity, in_flight) in (prop::option::of(any::<u32>()), any::<u32>()),
        (calls, full_is_failure) in (any::<bool>(), any::<bool>()),
        (state, mode) in (prop::sample::select(STATES.to_vec()), prop::sample::select(MODES.to_vec())),
        name in any::<String>(),
    ) {
        let mut snapshot = Circuit::new(Settings::default()).expect("right").snapshot(ms(0));
        let [successes, failures, timeouts, rejects, fallbacks, semaphore_rejections, fires] = counts;
        for figures in [&mut snapshot.counts, &mut snapshot.totals] {
            (figures.successes, figures.failures, figures.timeouts) = (successes, failures, timeouts);
            (figures.rejects, figures.fallbacks, figures.fires) = (rejects, fallbacks, fires);
            figures.semaphore_rejections = semaphore_rejections;
        }
        (snapshot.state, snapshot.mode, snapshot.error_rate) = (state, mode, rate);
        (snapshot.in_flight, snapshot.latency.mean) = (in_flight, mean);
        let window = if calls { Window::Calls(0) } else { Window::Time { length, buckets: 0 } };
        let trip = Trip::Any(vec![Trip::All(vec![Trip::Errors(Threshold::AtLeast(threshold))])]);
        snapshot.settings =
            Arc::new(Settings { reset, timeout, window, trip, capacity, full_is_failure, ..Settings::default() });
        let events = events(&hystrix::record(&name, &snapshot, fires));
        prop_assert_eq!(events.len(), 2);
        assert_complete(&events[0], COMMAND);
        assert_complete(&events[1], POOL);
        prop_assert!(events[0]["errorPercentage"].as_u64().expect("a number") <= 100);
        prop_assert_eq!(&events[0]["currentTime"], fires);
    }
}
