//! Runs the dashboard.

fn main() -> std::process::ExitCode {
    dashboard::main()
}
