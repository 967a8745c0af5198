//! Listens, serves HTTP/1.1 and HTTP/2, and stops when it is told to.
//!
//! In place of `axum::serve`, which has no limit for slow headers, for clients that neither speak nor read, or for their
//! number.

use crate::limits;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::{debug, warn};

/// How long to wait where the system has no file handle left for a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop`, then until what has begun is finished; the caller sets a limit to that.
///
/// Handlers find the peer's address as the extension `ConnectInfo<SocketAddr>`.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let builder = Arc::new(builder());
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let graceful = GracefulShutdown::new();
    while let Some((stream, peer, place)) = stop.run_until_cancelled(next(&listener, &places)).await {
        let (builder, router, watcher) = (Arc::clone(&builder), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            let begun = Arc::new(Notify::new());
            let seen = Arc::clone(&begun);
            let service = hyper::service::service_fn(move |mut request: Request<hyper::body::Incoming>| {
                seen.notify_one();
                request.extensions_mut().insert(ConnectInfo(peer));
                router.clone().oneshot(request.map(Body::new))
            });
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(limits::READ_ON_TIME));
            let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service).into_owned();
            let mut connection = pin!(watcher.watch(connection));
            let result = tokio::select! {
                result = connection.as_mut() => result,
                silent = timeout(limits::HEADER_TIME, begun.notified()) => match silent {
                    Ok(()) => connection.await,
                    Err(_) => return,
                },
            };
            if let Err(error) = result {
                debug!("a connection ended: {error}");
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits::HEADER_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::STREAMS)
        .keep_alive_interval(limits::HEADER_TIME)
        .keep_alive_timeout(limits::HEADER_TIME);
    builder
}

/// The next connection, its other end, and its place among those that may be open.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    debug!("a connection keeps Nagle's delay: {error}");
                }
                return (stream, peer, place);
            }
            Err(error) => {
                warn!("no connection taken: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}
