//! Runs the shipment service.

fn main() -> std::process::ExitCode {
    chassis::main::<shipment::Shipment>()
}
