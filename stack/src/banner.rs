//! Says what runs where, and what to try.

use crate::settings::Settings;
use chassis::settings::Faults;
use std::io::{self, Write as _};
use std::net::SocketAddr;

/// Writes it to standard output, unless the log there is for machines.
pub(crate) fn show(settings: &Settings, dashboard: SocketAddr, chain: &[(&str, SocketAddr); 3]) {
    let [(_, order), (_, payment), (_, shipment)] = chain;
    if settings.log.log_format == chassis::settings::LogFormat::Json {
        return;
    }
    let store = match &settings.storage.mongo_url {
        Some(_) => "MongoDB".to_owned(),
        None => format!("SQLite files in {}", settings.storage.data_dir.display()),
    };
    let faults = faults(&settings.faults);
    let text = format!(
        "
  dashboard http://{dashboard}     open it in a browser: see it, break it, mend it

  order     http://{order}     documents: {store}
  payment   http://{payment}     faults:    {faults}
  shipment  http://{shipment}     circuits:  order→payment, payment→shipment

  Or send an order by hand, some times over, and watch the circuit payment→shipment:

    curl -X POST http://{order}/create -H 'Content-Type: application/json' \\
      -d '{{\"id\":\"1\",\"items\":[],\"payment\":{{\"id\":\"1\",\"amount\":0,\"shipment\":{{\"id\":\"1\",\"directions\":\"home\"}}}}}}'

  More in tests.http. Ctrl-C stops everything.

"
    );
    // A closed standard output is no reason not to serve.
    let _ = io::stdout().write_all(text.as_bytes());
}

/// What shipment does on purpose, in a few words.
fn faults(faults: &Faults) -> String {
    let chaos = [
        ("CHAOS_PRESET", faults.chaos_preset.is_some()),
        ("CHAOS_ABORT", faults.chaos_abort.is_some()),
        ("CHAOS_DELAY", faults.chaos_delay.is_some()),
        ("CHAOS_HANG", faults.chaos_hang.is_some()),
        ("CHAOS_RESET", faults.chaos_reset.is_some()),
    ];
    let injected = format!("fails {} of 100 requests", faults.inject_err_percent);
    let mut does: Vec<&str> = faults.inject_err.then_some(&*injected).into_iter().collect();
    does.extend(chaos.iter().filter(|(_, set)| *set).map(|(name, _)| *name));
    if does.is_empty() { "none".to_owned() } else { format!("shipment: {}", does.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::faults;
    use chassis::settings::Faults;

    #[test]
    fn every_fault_is_told() {
        let none = Faults::none();
        assert_eq!(faults(&none), "none");
        let some = Faults { inject_err: true, inject_err_percent: 40, ..none.clone() };
        assert_eq!(faults(&some), "shipment: fails 40 of 100 requests");
        let more = Faults { chaos_hang: Some(5.0), chaos_reset: Some(1.0), ..some };
        assert_eq!(faults(&more), "shipment: fails 40 of 100 requests, CHAOS_HANG, CHAOS_RESET");
    }
}
