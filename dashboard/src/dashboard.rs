//! The dashboard's server, put together from its settings.

use crate::routes;
use crate::settings::Settings;
use axum::Router;
use chassis::{Failure, bind, launch, stop_signal};
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// For what has begun to be finished after the signal to stop.
const DRAIN_TIME: Duration = Duration::from_secs(3);

/// A dashboard that is ready to listen.
#[derive(Debug)]
pub struct Dashboard {
    router: Router,
}

impl Dashboard {
    /// Puts it together. It connects to nothing.
    ///
    /// # Errors
    ///
    /// Where a setting cannot be used.
    pub fn new(_settings: &Settings) -> Result<Self, Failure> {
        Ok(Self { router: routes::router() })
    }

    /// The dashboard without its server.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Serves until `stop`; then finishes what has begun, within 3 s.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        if let Ok(address) = listener.local_addr() {
            info!("📊 Dashboard listening on port {}", address.port());
        }
        let too_long = async {
            stop.cancelled().await;
            sleep(DRAIN_TIME).await;
        };
        tokio::select! {
            () = chassis::serve(listener, self.router, stop.clone()) => {}
            () = too_long => warn!("the dashboard stopped with requests under way"),
        }
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
