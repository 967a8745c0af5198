//! Instructions a call, counted by callgrind in a process of its own.
//!
//! The process calls [`mark`] between its steps; callgrind writes a file each time, which holds what was counted since
//! the one before. So there is no need of client requests, which are `unsafe`.

use crate::options::Options;
use crate::peer::{Case, Row};
use crate::peers;
use crate::report::Count;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs, process};

/// The first argument of the process under callgrind.
pub(crate) const CHILD: &str = "--under-callgrind";

/// Calls a step; the loop round them is the bare call's too, and taken off with it.
const CALLS: u32 = 400;
/// Calls in the window before.
const FILLED: u32 = 1_000;

/// Where one step ends. Callgrind knows it by its name.
#[inline(never)]
pub fn mark(step: u32) -> u32 {
    std::hint::black_box(step)
}

/// What is counted, in order.
fn steps(options: &Options) -> Vec<(Row, Case)> {
    let rows = peers::rows().into_iter().filter(|row| row.is_bare() || options.asks_for(row.name));
    rows.flat_map(|row| row.cases.iter().map(move |&case| (row, case))).collect()
}

/// The process under callgrind.
pub(crate) fn child(options: &Options) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime without threads");
    let _entered = runtime.enter();
    for (number, (row, case)) in (0..).zip(steps(options)) {
        let mut hand = (row.make)(case).hand();
        hand.run(if case == Case::Bad { Case::Good } else { case }, FILLED);
        mark(2 * number);
        let wrong = hand.run(case, CALLS);
        mark(2 * number + 1);
        assert_eq!(wrong, 0, "{}: {case:?} calls that ended otherwise", row.name);
    }
}

/// Starts this program under callgrind and reads what was counted.
pub(crate) fn ask(
    options: &Options,
    arguments: &[String],
) -> Result<BTreeMap<(&'static str, Case), Count>, String> {
    let folder = env::temp_dir().join(format!("breaker-benches-{}", process::id()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let found = run(&folder, arguments).and_then(|()| {
        // The first file ends where the first step begins, the second where it ends, and so on.
        let steps = steps(options).into_iter().enumerate();
        steps.map(|(at, (row, case))| Ok(((row.name, case), count(&folder, 2 * at + 2)?))).collect()
    });
    // Some files in the folder for what is temporary: no reason to fail.
    let _ = fs::remove_dir_all(&folder);
    found
}

fn run(folder: &Path, arguments: &[String]) -> Result<(), String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--compress-strings=no", "--dump-before=peers::instructions::mark*"])
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(program)
        .arg(CHILD)
        .args(arguments)
        .output()
        .map_err(|error| format!("no valgrind ({error})"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("callgrind failed: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// What one file says of each call.
fn count(folder: &Path, number: usize) -> Result<Count, String> {
    let path = folder.join(format!("out.{number}"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let instructions: f64 = totals.and_then(|all| all.trim().parse().ok()).ok_or("a file without totals")?;
    let mut reads = 0.0;
    let mut callee = "";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("cfn=") {
            callee = name;
        } else if let Some(calls) = line.strip_prefix("calls=")
            && callee.starts_with("clock_gettime")
        {
            reads += calls.split(' ').next().and_then(|calls| calls.parse().ok()).unwrap_or(0.0);
        }
    }
    Ok(Count { instructions: instructions / f64::from(CALLS), clock_reads: reads / f64::from(CALLS) })
}
