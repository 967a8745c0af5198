//! Everything in one process: order, payment and shipment, each on its own port and its own embedded store, and the
//! dashboard.
//!
//! This is what `cargo run` starts. The services are wired as in the compose file, so what is seen here is seen there.

mod banner;
mod settings;

use chassis::{Failure, Record, Service, bind, launch, stop_signal};
use dashboard::Dashboard;
use order::Order;
use payment::Payment;
use settings::Settings;
use shipment::Shipment;
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let settings = Settings::read();
    launch(&settings.log, run(&settings))
}

async fn run(settings: &Settings) -> Result<(), Failure> {
    let stop = stop_signal()?;
    let host = settings.host;
    let listeners = (
        bind(host, settings.order_port, "ORDER_PORT").await?,
        bind(host, settings.payment_port, "PAYMENT_PORT").await?,
        bind(host, settings.shipment_port, "SHIPMENT_PORT").await?,
    );
    let page = bind(host, settings.dashboard_port, "DASHBOARD_PORT").await?;
    // The ports that came of port 0, too.
    let (order, payment, shipment) =
        (listeners.0.local_addr()?, listeners.1.local_addr()?, listeners.2.local_addr()?);
    let chain = [(Order::NAME, order), (Payment::NAME, payment), (Shipment::NAME, shipment)];

    let order_service = settings.service::<Order>(Some((Payment::NAME, payment)));
    let payment_service = settings.service::<Payment>(Some((Shipment::NAME, shipment)));
    let shipment_service = settings.service::<Shipment>(None);
    let services = (
        Service::new::<Order>(&order_service).await?,
        Service::new::<Payment>(&payment_service).await?,
        Service::new::<Shipment>(&shipment_service).await?,
    );

    let dashboard = Dashboard::new(&settings.dashboard(&chain))?;

    banner::show(settings, page.local_addr()?, &chain);
    // Stopped from the front, so that what each has begun can still go on to the next.
    let (stop_order, stop_payment, stop_shipment) =
        (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    tokio::join!(
        async {
            dashboard.serve(page, stop).await;
            stop_order.cancel();
        },
        serve(services.0, listeners.0, stop_order.clone(), Some(stop_payment.clone())),
        serve(services.1, listeners.1, stop_payment, Some(stop_shipment.clone())),
        serve(services.2, listeners.2, stop_shipment, None),
    );
    Ok(())
}

async fn serve(
    service: Service,
    listener: TcpListener,
    stop: CancellationToken,
    then: Option<CancellationToken>,
) {
    service.serve(listener, stop).await;
    if let Some(then) = then {
        then.cancel();
    }
}
