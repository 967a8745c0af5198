//! `POST /create?count=N`: one order, followed through.

use crate::accept::Form;
use crate::app::App;
use crate::chaos::{Phase, Target};
use crate::handled::Visit;
use crate::input;
use crate::problem::Problem;
use crate::record::Record;
use crate::reply::Reply;
use crate::store::Saved;
use crate::trace::TraceContext;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument as _, error, info};

pub(crate) async fn create<R: Record>(
    State(app): State<Arc<App>>,
    Extension(trace): Extension<TraceContext>,
    request: Request,
) -> Response {
    let form = Form::wanted(request.headers());
    let mut visit = Visit::begin(Arc::clone(&app), trace);
    let (place, record) = match take::<R>(&app, &mut visit, request).await {
        Ok(taken) => taken,
        Err(problem) => return visit.end(Err(problem), form),
    };

    if let Some(reply) = visit.strike(Phase::Before).await {
        return visit.end(Ok(reply), form);
    }
    // Dropped when the client goes away: a fault after the save holds nobody up any more.
    let _client = visit.client();

    // From here on the order is taken: it is followed through even if its client goes away.
    let followed = async move {
        let _place = place;
        let result = AssertUnwindSafe(follow(&app, &mut visit, &record)).catch_unwind().await;
        let result = result.unwrap_or_else(|_| {
            error!("a request panicked: see the standard error");
            Err(Problem::ours())
        });
        visit.end(result, form)
    };
    tokio::spawn(followed.in_current_span()).await.unwrap_or_else(|_| Problem::ours().into_response())
}

/// Takes an order in, and a place for it among the requests that may be under way.
async fn take<R: Record>(
    app: &App,
    visit: &mut Visit,
    request: Request,
) -> Result<(OwnedSemaphorePermit, R), Problem> {
    let place = app.place()?;
    let (head, body) = request.into_parts();
    visit.hop = input::count(&head.uri)?.saturating_add(1);
    let record = input::document::<R>(&head.headers, body).await?;
    visit.target = Some(Target::new(&app.chaos, (head.method, head.uri, head.headers), visit.trace.id));
    Ok((place, record))
}

async fn follow<R: Record>(app: &App, visit: &mut Visit, record: &R) -> Result<Reply, Problem> {
    info!("🍀 saving {}...", app.id);
    let saved = Arc::new(Saved::new(record).map_err(|error| {
        error!("a record cannot be written as a JSON object: {error}");
        Problem::ours()
    })?);
    visit.save(Arc::clone(&saved)).await?;
    info!(key = %saved.key, "👌 success {}...", app.id);

    if let Some(reply) = visit.strike(Phase::After).await {
        return Ok(reply);
    }
    if visit.hop >= app.jumps {
        return Ok(Reply::Last);
    }
    let (Some(next), Some(part)) = (&app.next, record.next()) else {
        return Ok(Reply::Ended(saved));
    };
    Ok(match visit.hand_over(next, part).await {
        Ok(answer) => Reply::Passed(saved, answer),
        Err(missed) => Reply::Degraded(saved, missed),
    })
}
