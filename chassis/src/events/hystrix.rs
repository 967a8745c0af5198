//! `GET /hystrix.stream`: the circuit as the dashboard of Netflix Hystrix reads it.

use crate::app::App;
use crate::limits;
use crate::problem::Problem;
use crate::sse;
use crate::wall::At;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use breaker::hystrix::{CONTENT_TYPE, KEEP_ALIVE, record};
use futures_util::stream;
use std::sync::Arc;
use tokio::time::{MissedTickBehavior, interval};

pub(crate) async fn stream(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let place = app.events.hub.place()?;
    let mut beat = interval(limits::SNAPSHOT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let pieces = stream::unfold((app, beat, place), async |(app, mut beat, place)| {
        app.events.hub.unless_closed(beat.tick()).await?;
        Some((piece(&app), (app, beat, place)))
    });
    let mut response = sse::answer(pieces);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    Ok(response)
}

fn piece(app: &App) -> Bytes {
    let Some(circuit) = &app.circuit else { return Bytes::from_static(KEEP_ALIVE.as_bytes()) };
    let breaker = circuit.breaker();
    record(breaker.name(), &breaker.snapshot(), At::now().since_1970()).into()
}
