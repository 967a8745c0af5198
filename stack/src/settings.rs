//! What can be set for the whole stack, and the settings of each service that follow from it.
//!
//! Names and meanings are the services' own; what differs is that there are four ports, and that `JUMPS` and
//! `INJECT_ERR` begin as in the compose file: four hops, and a shipment that fails now and then.

use chassis::Record;
use chassis::settings::{
    self, AdminSettings, Chain, Circuit, Faults, Listen, Log, Next, Resilience, Storage, Traces, Url,
};
use dashboard::{Peer, Peers};
use shipment::Shipment;
use std::net::{IpAddr, SocketAddr};

/// Settings of the stack.
#[derive(Debug, Clone, clap::Parser)]
pub(crate) struct Settings {
    /// Address to listen on; 0.0.0.0 for all interfaces
    #[arg(long, env = "HOST", default_value = "127.0.0.1", value_parser = settings::host)]
    pub(crate) host: IpAddr,
    /// Port of the order service; 0 for any that is free
    #[arg(long, env = "ORDER_PORT", default_value = "3000", value_parser = settings::port())]
    pub(crate) order_port: u16,
    /// Port of the payment service; 0 for any that is free
    #[arg(long, env = "PAYMENT_PORT", default_value = "3001", value_parser = settings::port())]
    pub(crate) payment_port: u16,
    /// Port of the shipment service; 0 for any that is free
    #[arg(long, env = "SHIPMENT_PORT", default_value = "3002", value_parser = settings::port())]
    pub(crate) shipment_port: u16,
    /// Port of the dashboard; 0 for any that is free
    #[arg(long, env = "DASHBOARD_PORT", default_value = "9002", value_parser = settings::port())]
    pub(crate) dashboard_port: u16,
    /// Of all three services.
    #[command(flatten)]
    pub(crate) chain: Chain,
    /// Of the shipment service.
    #[command(flatten)]
    pub(crate) faults: Faults,
    /// Of all three services.
    #[command(flatten)]
    pub(crate) storage: Storage,
    /// Of the order and the payment service.
    #[command(flatten)]
    pub(crate) circuit: Circuit,
    /// Of all three services.
    #[command(flatten)]
    pub(crate) resilience: Resilience,
    /// Of all three services and the dashboard.
    #[command(flatten)]
    pub(crate) admin: AdminSettings,
    /// Of all three services.
    #[command(flatten)]
    pub(crate) traces: Traces,
    /// Of the process.
    #[command(flatten)]
    pub(crate) log: Log,
}

impl Settings {
    /// Reads them from flags and environment; does not return where one cannot be used.
    pub(crate) fn read() -> Self {
        let about =
            "The three retail services in one process, order, payment and shipment, and the dashboard";
        settings::read("stack", about, |command| {
            command
                .mut_arg("jumps", |arg| arg.default_value("4"))
                .mut_arg("inject_err", |arg| arg.default_value("1"))
        })
    }

    /// The settings of one service, and of what comes after it.
    pub(crate) fn service<R: Record>(&self, next: Option<(&str, SocketAddr)>) -> settings::Settings {
        let faulty = R::NAME == Shipment::NAME;
        settings::Settings {
            id: None,
            listen: Listen { host: self.host, port: 0 },
            next: Next {
                chain_svc: next.map(|(_, address)| create_at(address)),
                chain_name: next.map(|(name, _)| name.to_owned()),
            },
            chain: self.chain.clone(),
            faults: if faulty { self.faults.clone() } else { Faults::none() },
            storage: self.storage.clone(),
            circuit: self.circuit.clone(),
            resilience: self.resilience.clone(),
            admin: self.admin.clone(),
            traces: self.traces.clone(),
            log: self.log.clone(),
        }
    }

    /// The settings of the dashboard that shows these services.
    pub(crate) fn dashboard(&self, chain: &[(&str, SocketAddr)]) -> dashboard::Settings {
        let peers = chain.iter().map(|(name, address)| Peer { name: (*name).to_owned(), url: url(*address) });
        dashboard::Settings {
            listen: Listen { host: self.host, port: self.dashboard_port },
            services: Peers::new(peers.collect()).expect("three services of different names"),
            admin: self.admin.clone(),
            log: self.log.clone(),
        }
    }
}

/// Where the documents of a service are posted to.
fn create_at(address: SocketAddr) -> Url {
    let mut url = url(address);
    url.set_path("/create");
    url
}

/// One that listens on all interfaces is reached through the loopback one.
fn url(mut address: SocketAddr) -> Url {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}").parse().expect("an address makes a URL")
}
