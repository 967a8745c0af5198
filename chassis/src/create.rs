//! `POST /create?count=N`: one order, followed through.

use crate::accept::Form;
use crate::app::App;
use crate::input;
use crate::problem::Problem;
use crate::record::Record;
use crate::reply::{Reply, Voice};
use crate::store::Saved;
use crate::wall;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use tracing::{error, info};

pub(crate) async fn create<R: Record>(State(app): State<Arc<App>>, request: Request) -> Response {
    let form = Form::wanted(request.headers());
    let Ok(place) = Arc::clone(&app.places).try_acquire_owned() else {
        return Problem::unavailable("too many requests are under way", Duration::from_secs(1))
            .into_response();
    };
    let (head, body) = request.into_parts();
    let hop = match input::count(&head.uri) {
        Ok(count) => count.saturating_add(1),
        Err(problem) => return problem.into_response(),
    };
    let record = match input::document::<R>(&head.headers, body).await {
        Ok(record) => record,
        Err(problem) => return problem.into_response(),
    };

    // From here on the order is taken: it is followed through even if its client goes away.
    let followed = tokio::spawn(async move {
        let _place = place;
        let reply = follow(&app, hop, &record).await?;
        let time = wall::minutes_and_seconds();
        Ok::<_, Problem>(reply.render(Voice { id: &app.id, time: &time, form, strict: app.strict_status }))
    });
    match followed.await {
        Ok(answer) => answer.into_response(),
        Err(panic) => {
            error!("a request panicked: {panic}");
            Problem::ours().into_response()
        }
    }
}

async fn follow<R: Record>(app: &App, hop: u32, record: &R) -> Result<Reply, Problem> {
    info!("🍀 saving {}...", app.id);
    let saved = Arc::new(Saved::new(record).map_err(|error| {
        error!("a record cannot be written as a JSON object: {error}");
        Problem::ours()
    })?);
    app.store.insert(Arc::clone(&saved)).await?;
    info!(key = %saved.key, "👌 success {}...", app.id);

    if app.faults.strike() {
        return Ok(Reply::Fault);
    }
    if hop >= app.jumps {
        return Ok(Reply::Last);
    }
    let (Some(next), Some(part)) = (&app.next, record.next()) else {
        return Ok(Reply::Ended(saved));
    };
    Ok(match next.hand_over(hop, part).await {
        Ok(answer) => Reply::Passed(saved, answer),
        Err(missed) => Reply::Degraded(saved, missed),
    })
}
