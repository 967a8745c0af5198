//! The chain as separate processes, a line in front of each of its parts, and the parts by number.

use crate::programs::{Answer, Service, client, get, ready};
use std::net::SocketAddr;
use std::time::Duration;
use testkit::{Mongod, Proxy, eventually};

/// For everything to be delivered when all is well again: open circuits, backoff and leases have to run out.
const SETTLED: Duration = Duration::from_secs(90);

/// Where documents are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Store {
    MongoDb,
    Embedded,
}

/// What can be broken.
pub(crate) struct World {
    /// Order, payment, shipment.
    pub(crate) services: [Service; 3],
    /// The store's server, where there is one.
    pub(crate) mongod: Option<Mongod>,
    /// What leads to order, payment, shipment, and to the store of each.
    pub(crate) lines: Vec<(&'static str, Proxy)>,
}

impl World {
    pub(crate) async fn start(store: Store, seed: u64) -> Self {
        let mongod = match store {
            Store::MongoDb => Some(Mongod::start().await),
            Store::Embedded => None,
        };
        let (mut lines, seed) = (Vec::new(), seed.to_string());
        // Shipment is hurt by itself, too: after a document was saved.
        let faults = [("INJECT_ERR", "1"), ("INJECT_ERR_PERCENT", "20"), ("CHAOS_SEED", &*seed)];
        let shipment = start("shipment", None, &mongod, &mut lines, &faults).await;
        let to_shipment = line("payment–shipment", &shipment, &mut lines).await;
        let payment = start("payment", Some(("shipment", to_shipment)), &mongod, &mut lines, &[]).await;
        let to_payment = line("order–payment", &payment, &mut lines).await;
        let order = start("order", Some(("payment", to_payment)), &mongod, &mut lines, &[]).await;
        line(DOOR, &order, &mut lines).await;
        Self { services: [order, payment, shipment], mongod, lines }
    }

    /// Where clients post their orders.
    pub(crate) fn door(&self) -> String {
        let (_, line) = self.lines.iter().find(|(name, _)| *name == DOOR).expect("there is one");
        format!("http://{}", line.addr())
    }

    /// Waits until everything that was handed over has arrived.
    pub(crate) async fn settled(&mut self) {
        for service in &self.services {
            ready(&service.url).await;
        }
        // Faults on purpose are mended, too.
        let disable = client().post(format!("{}/chaos/disable", self.services[2].url));
        assert_eq!(Answer::of(disable).await.expect("an answer").status, 200);
        for service in &mut self.services[..2] {
            drained(service).await;
            // A store may be about to finish what nobody waits for any more: whoever stops waits for that.
            assert!(service.process.terminate().await.success());
            service.restart(&[]).await;
            drained(service).await;
        }
    }
}

/// Waits until nothing is left to be handed on. `waiting` would leave out what its own request is about to hand on, or
/// was before it died.
async fn drained(service: &Service) {
    let name = format!("nothing is left to hand on at {}", service.url);
    eventually(&name, SETTLED, async || {
        let queue = get(&format!("{}/queue?state=waiting", service.url)).await.json();
        queue["queue"].as_array().is_some_and(Vec::is_empty).then_some(())
    })
    .await;
}

const DOOR: &str = "client–order";

async fn line(name: &'static str, to: &Service, lines: &mut Vec<(&'static str, Proxy)>) -> SocketAddr {
    let target = to.url.trim_start_matches("http://").parse().expect("an address");
    let line = Proxy::start(target).await;
    let address = line.addr();
    lines.push((name, line));
    address
}

async fn start(
    name: &'static str,
    next: Option<(&str, SocketAddr)>,
    mongod: &Option<Mongod>,
    lines: &mut Vec<(&'static str, Proxy)>,
    more: &[(&str, &str)],
) -> Service {
    let mut variables: Vec<(&str, String)> = vec![
        ("BREAKER_TIMEOUT_MS", "300".to_owned()),
        ("BREAKER_RESET_MS", "500".to_owned()),
        ("RUST_LOG", "warn,chassis::service=info".to_owned()),
    ];
    if let Some((next, address)) = next {
        variables.push(("CHAIN_SVC", format!("http://{address}/create")));
        variables.push(("CHAIN_NAME", next.to_owned()));
    }
    if let Some(mongod) = mongod {
        let line = Proxy::start(mongod.addr()).await;
        variables.push(("MONGO_URL", format!("mongodb://{}/retail", line.addr())));
        let name = match name {
            "order" => "order–store",
            "payment" => "payment–store",
            _ => "shipment–store",
        };
        lines.push((name, line));
    }
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
    Service::start(name, &[&variables[..], more].concat()).await
}
