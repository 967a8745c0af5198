//! Runs the payment service.

fn main() -> std::process::ExitCode {
    chassis::main::<payment::Payment>()
}
