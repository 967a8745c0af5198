//! Measures, and prints the table. See `README.md` beside `run`.

use std::process::ExitCode;

fn main() -> ExitCode {
    peers::program::main()
}
