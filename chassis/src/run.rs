//! Start and stop of a process, written once: a service's `main` is one call.

use crate::record::Record;
use crate::service::{Service, StartError};
use crate::settings::{self, Log, Settings};
use crate::{limits, log};
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Exit code after a second Ctrl-C, as shells have it.
const STOPPED_AT_ONCE: i32 = 130;

/// Why a program ends before it serves.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting that cannot be used.
    #[error(transparent)]
    Setting(#[from] StartError),
    /// A port that cannot be listened on.
    #[error(
        "HOST={} and {variable}={} cannot be listened on: {cause}; expected an address of this machine and a port that is free",
        .address.ip(), .address.port()
    )]
    Port {
        /// The variable that sets the port.
        variable: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why not.
        cause: io::Error,
    },
    /// The operating system gives no threads or no signals.
    #[error("the operating system refuses: {0}")]
    System(#[from] io::Error),
}

impl Failure {
    /// 2 for a setting that cannot be used, as for a flag that is unknown; else 1.
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Setting(_) => ExitCode::from(2),
            Self::Port { .. } | Self::System(_) => ExitCode::FAILURE,
        }
    }
}

/// Runs the service of one record: reads its settings, listens, serves until SIGTERM or Ctrl-C, and stops cleanly.
#[must_use]
pub fn main<R: Record>() -> ExitCode {
    let about = "One of the retail services: keeps its document, and hands the nested part on through a circuit breaker";
    let settings: Settings =
        settings::read(R::NAME, about, |command| command.mut_arg("id", |arg| arg.default_value(R::NAME)));
    launch(&settings.log, async {
        let stop = stop_signal()?;
        let service = Service::new::<R>(&settings).await?;
        let listener = bind(settings.listen.host, settings.listen.port, "PORT").await?;
        service.serve(listener, stop).await;
        Ok(())
    })
}

/// Starts the log and the runtime, and runs a program on them to its end.
#[must_use]
pub fn launch(settings: &Log, program: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    // Each connection is a file; where the system allows no more, some of them wait.
    let _ = rlimit::increase_nofile_limit(limits::FILES);
    let begun = log::start(settings).and_then(|()| Runtime::new());
    let result = begun.map_err(Failure::from).and_then(|runtime| {
        let result = runtime.block_on(program);
        // A name that is being looked up is waited for by nobody any more.
        runtime.shutdown_background();
        result
    });
    log::finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where nobody reads it, the exit code still tells.
            let _ = writeln!(io::stderr(), "error: {failure}");
            failure.exit_code()
        }
    }
}

/// Listens on a port that `variable` sets.
///
/// # Errors
///
/// Where the port is in use, or is not ours to use.
pub async fn bind(host: IpAddr, port: u16, variable: &'static str) -> Result<TcpListener, Failure> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address).await.map_err(|cause| Failure::Port { variable, address, cause })
}

/// Is cancelled by SIGTERM or Ctrl-C. The second one ends the process at once.
///
/// # Errors
///
/// Where signals cannot be heard.
pub fn stop_signal() -> Result<CancellationToken, Failure> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        next().await;
        info!("stopping; a second signal stops at once");
        stopped.cancel();
        next().await;
        warn!("stopped at once");
        log::finish();
        std::process::exit(STOPPED_AT_ONCE);
    });
    Ok(stop)
}
