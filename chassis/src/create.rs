//! `POST /create?count=N`: one order, followed through.

use crate::accept::Form;
use crate::app::App;
use crate::chaos::{Phase, Target};
use crate::input;
use crate::problem::Problem;
use crate::record::Record;
use crate::reply::{Reply, Voice};
use crate::store::Saved;
use crate::wall;
use axum::extract::{Request, State};
use axum::response::Response;
use std::sync::Arc;
use tracing::{error, info};

pub(crate) async fn create<R: Record>(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    let place = app.place()?;
    let (head, body) = request.into_parts();
    let hop = input::count(&head.uri)?.saturating_add(1);
    let record = input::document::<R>(&head.headers, body).await?;
    let form = Form::wanted(&head.headers);

    let mut target = Target::new(&app.chaos, (head.method, head.uri, head.headers), String::new());
    let ending = target.meet(Phase::Before).await;
    // Dropped when the client goes away: a fault after the save holds nobody up any more.
    let _client = target.client();

    // From here on the order is taken: it is followed through even if its client goes away.
    let followed = tokio::spawn(async move {
        let _place = place;
        let reply = match ending {
            Some(ending) => Reply::Fault(ending),
            None => follow(&app, hop, &record, &mut target).await?,
        };
        let time = wall::minutes_and_seconds();
        let mut response = reply.render(Voice { id: &app.id, time: &time, form, strict: app.strict_status });
        target.mark(&mut response);
        Ok(response)
    });
    followed.await.unwrap_or_else(|panic| {
        error!("a request panicked: {panic}");
        Err(Problem::ours())
    })
}

async fn follow<R: Record>(app: &App, hop: u32, record: &R, target: &mut Target) -> Result<Reply, Problem> {
    info!("🍀 saving {}...", app.id);
    let saved = Arc::new(Saved::new(record).map_err(|error| {
        error!("a record cannot be written as a JSON object: {error}");
        Problem::ours()
    })?);
    app.store.insert(Arc::clone(&saved)).await?;
    info!(key = %saved.key, "👌 success {}...", app.id);

    if let Some(ending) = target.meet(Phase::After).await {
        return Ok(Reply::Fault(ending));
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
