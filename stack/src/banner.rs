//! Says what runs where, and what to try.

use crate::settings::Settings;
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
    let faults = match (settings.faults.inject_err, settings.faults.inject_err_percent) {
        (true, percent) => format!("shipment fails {percent} of 100 requests"),
        (false, _) => "none".to_owned(),
    };
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
