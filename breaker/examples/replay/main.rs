//! Plays scripts of breaker traffic on a moved clock and writes what the breaker did, to be held against a recording of
//! opossum: one JSON object a line in, one a line out. See `tests/opossum/README.md` for the form.
//!
//! ```text
//! cargo run -q -p breaker --example replay < traces.jsonl > ours.jsonl
//! ```

mod play;
mod trace;

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use trace::Script;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (number, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let script: Script =
            serde_json::from_str(&line).map_err(|error| format!("line {}: {error}", number + 1))?;
        let record = play::play(&script).map_err(|error| format!("line {}: {error}", number + 1))?;
        serde_json::to_writer(&mut out, &record)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
