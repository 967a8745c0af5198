//! Listens, serves HTTP/1.1 and HTTP/2, and stops when it is told to.
//!
//! In place of `axum::serve`, which has no limit for slow headers, for clients that neither speak nor read, or for their
//! number.

use crate::cut::{Cut, Line};
use crate::full::Full;
use crate::limits;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
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
    let full = Full::new();
    let graceful = GracefulShutdown::new();
    while let Some((stream, peer)) = stop.run_until_cancelled(next(&listener)).await {
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            full.turn_away(stream);
            continue;
        };
        let (builder, router, watcher) = (Arc::clone(&builder), router.clone(), graceful.watcher());
        let (line, switch) = Line::new(stream);
        tokio::spawn(async move {
            let _place = place;
            let begun = Arc::new(Notify::new());
            let seen = Arc::clone(&begun);
            let service = hyper::service::service_fn(move |mut request: Request<hyper::body::Incoming>| {
                seen.notify_one();
                request.extensions_mut().insert(ConnectInfo(peer));
                let (router, switch) = (router.clone(), switch.clone());
                let is_shared = request.version() == Version::HTTP_2;
                async move {
                    let Ok(response) = router.oneshot(request.map(Body::new)).await;
                    match response.extensions().get::<Cut>() {
                        None => Ok(response),
                        // An error ends the connection, or where others share it, the stream.
                        Some(cut) => {
                            if *cut == Cut::Reset && !is_shared {
                                switch.reset();
                            }
                            Err(*cut)
                        }
                    }
                }
            });
            let mut stream = TimeoutStream::new(line);
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
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEADER_TIME)
        .max_buf_size(limits::HEADERS.into());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::STREAMS)
        .max_header_list_size(limits::HEADERS.into())
        .keep_alive_interval(limits::HEADER_TIME)
        .keep_alive_timeout(limits::HEADER_TIME);
    builder
}

/// The next connection, and its other end.
async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    debug!("a connection keeps Nagle's delay: {error}");
                }
                return (stream, peer);
            }
            Err(error) => {
                warn!("no connection taken: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}
