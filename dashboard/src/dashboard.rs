//! The dashboard's server, put together from its settings.

use crate::app::App;
use crate::feed::Feed;
use crate::follow::Follower;
use crate::lesson::Lesson;
use crate::limits;
use crate::load::Load;
use crate::orders::Orders;
use crate::relay::Relay;
use crate::routes;
use crate::settings::Settings;
use axum::Router;
use chassis::{Admin, StartError, bind, launch, stop_signal};
use reqwest::Client;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// A dashboard that is ready to listen.
#[derive(Debug)]
pub struct Dashboard {
    app: Arc<App>,
    client: Client,
    router: Router,
}

impl Dashboard {
    /// Puts it together. It connects to nothing.
    ///
    /// # Errors
    ///
    /// Where a setting cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, StartError> {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(limits::CONNECT_TIME)
            .pool_idle_timeout(limits::IDLE_TIME)
            .build()?;
        let peers = settings.services.clone();
        let feed = Arc::new(Feed::new(peers.as_slice()));
        let orders = Orders::new(client.clone(), peers.first());
        let app = Arc::new(App {
            admin: Admin::new(&settings.admin),
            relay: Relay::new(client.clone(), settings.admin.admin_token.clone()),
            load: Load::new(orders.clone(), Arc::clone(&feed)),
            lesson: Lesson::default(),
            orders,
            feed,
            peers,
        });
        Ok(Self { router: routes::router(Arc::clone(&app)), app, client })
    }

    /// Serves until `stop`; then ends the streams of all pages and the load, and finishes what has begun, within 3 s.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let Self { app, client, router } = self;
        if let Ok(address) = listener.local_addr() {
            info!("📊 Dashboard listening on port {}", address.port());
        }
        let mut tasks = JoinSet::new();
        for (index, peer) in app.peers.as_slice().iter().enumerate() {
            let follower = Follower::new(Arc::clone(&app.feed), client.clone(), peer.clone(), index);
            tasks.spawn(follower.follow());
        }
        let of_load = Arc::clone(&app);
        tasks.spawn(async move { of_load.load.run().await });
        let of_feed = (Arc::clone(&app), stop.clone());
        tasks.spawn(async move {
            let (app, stop) = of_feed;
            stop.cancelled().await;
            app.feed.close();
        });
        let too_long = async {
            stop.cancelled().await;
            sleep(limits::DRAIN_TIME).await;
        };
        tokio::select! {
            () = chassis::serve(listener, router, stop.clone()) => {}
            () = too_long => warn!("the dashboard stopped with requests under way"),
        }
        tasks.shutdown().await;
        info!("stopped the dashboard");
    }
}

/// Runs the dashboard: reads its settings, listens, serves until SIGTERM or Ctrl-C, and stops cleanly.
#[must_use]
pub fn main() -> ExitCode {
    let settings = Settings::read();
    launch(&settings.log, async {
        let stop = stop_signal()?;
        let dashboard = Dashboard::new(&settings)?;
        let listener = bind(settings.listen.host, settings.listen.port, "PORT").await?;
        dashboard.serve(listener, stop).await;
        Ok(())
    })
}
