//! Runs the order service.

fn main() -> std::process::ExitCode {
    chassis::main::<order::Order>()
}
