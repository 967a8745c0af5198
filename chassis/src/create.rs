//! `POST /create?count=N`: one order, followed through.

use crate::accept::Form;
use crate::app::App;
use crate::deadline::Deadline;
use crate::hop::{Next, Parcel, Told};
use crate::idempotency;
use crate::input;
use crate::problem::Problem;
use crate::queue::Outcome;
use crate::queue::end::Try;
use crate::record::Record;
use crate::reply::{Reply, Voice};
use crate::store::{End, Entry, Inserted, Known, RequestKey, Saved, Standing};
use crate::wall;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::{error, info};

/// What the headers and the query of a request ask for.
#[derive(Debug)]
struct Asked {
    hop: u32,
    key: Option<String>,
    deadline: Deadline,
}

pub(crate) async fn create<R: Record>(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    let place = app.place()?;
    let (head, body) = request.into_parts();
    let asked = Asked {
        hop: input::count(&head.uri)?.saturating_add(1),
        key: idempotency::of(&head.headers)?,
        deadline: Deadline::of(&head.headers, Instant::now())?,
    };
    let record = input::document::<R>(&head.headers, body).await?;
    let form = Form::wanted(&head.headers);

    // From here on the order is taken: it is followed through even if its client goes away.
    let followed = tokio::spawn(async move {
        let _place = place;
        let (reply, replayed) = follow(&app, asked, &record).await?;
        let time = wall::minutes_and_seconds();
        let voice = Voice { id: &app.id, time: &time, form, strict: app.strict_status };
        let mut response = reply.render(voice).into_response();
        if replayed {
            response.headers_mut().insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    });
    followed.await.unwrap_or_else(|panic| {
        error!("a request panicked: {panic}");
        Err(Problem::ours())
    })
}

/// The reply, and whether it is one to a repetition.
async fn follow<R: Record>(app: &App, asked: Asked, record: &R) -> Result<(Reply, bool), Problem> {
    let _held = asked.key.as_deref().map(|key| app.keys.hold(key)).transpose()?;
    if asked.deadline.is_spent(Instant::now()) {
        return Err(Deadline::spent());
    }
    let part = if asked.hop < app.jumps { record.next() } else { None };
    let way = app.next.as_ref().zip(part);
    info!("🍀 saving {}...", app.id);
    let entry = Arc::new(entry(app, &asked, record, way)?);
    let inserted = app.store.insert(Arc::clone(&entry)).await?;
    let (saved, standing) = match inserted {
        Inserted::Kept => {
            info!(key = %entry.saved.key, "👌 success {}...", app.id);
            (Arc::new(entry.saved.clone()), None)
        }
        Inserted::Known(known) => {
            let Known { saved, hop, standing } = *known;
            if saved.document != entry.saved.document || hop != asked.hop {
                return Err(idempotency::reused());
            }
            info!(key = %saved.key, "👌 known already {}...", app.id);
            (Arc::new(saved), Some(standing))
        }
    };
    let replayed = standing.is_some();
    if app.faults.strike() {
        if !replayed && entry.due.is_some() {
            let error = json!({ "code": "EINJECTED", "message": "a fault was injected: nothing was sent" });
            app.store.settle(saved.key, tried(&asked).unasked(error)).await;
        }
        return Ok((Reply::Fault, replayed));
    }
    let reply = match (standing.unwrap_or(Standing::None), way) {
        (Standing::None, None) if asked.hop >= app.jumps => Reply::Last,
        (Standing::None, None) => Reply::Ended(saved),
        (Standing::None, Some((next, part))) => {
            let recorded = !replayed && entry.due.is_some();
            hand_over(app, &asked, saved, next, part, recorded).await
        }
        (known, _) => stood(app, saved, known)?,
    };
    Ok((reply, replayed))
}

fn entry<R: Record>(
    app: &App,
    asked: &Asked,
    record: &R,
    way: Option<(&Next, &Value)>,
) -> Result<Entry, Problem> {
    let saved = Saved::new(record).map_err(|error| {
        error!("a record cannot be written as a JSON object: {error}");
        Problem::ours()
    })?;
    let due = way.filter(|_| app.queue.is_some()).map(|(next, _)| wall::after(next.longest()));
    let expires_at = wall::after(app.key_time);
    let request = asked.key.clone().map(|key| RequestKey { key, expires_at });
    Ok(Entry { saved, hop: asked.hop, request, due })
}

async fn hand_over(
    app: &App,
    asked: &Asked,
    saved: Arc<Saved>,
    next: &Next,
    part: &Value,
    recorded: bool,
) -> Reply {
    let parcel = Parcel { hop: asked.hop, part, key: idempotency::of_hand_over(saved.key) };
    let result = next.hand_over(&parcel, asked.deadline).await;
    let mut queued = false;
    if recorded {
        let end = tried(asked).ended(&result);
        queued = matches!(end, End::Missed { .. });
        if queued {
            info!(key = %saved.key, next = next.name(), "📬 queued");
        }
        app.store.settle(saved.key, end).await;
    }
    match result {
        Ok(answer) => Reply::Passed(saved, answer),
        Err(missed) => Reply::Degraded(saved, missed.told(queued)),
    }
}

/// The first try to hand something on.
fn tried(asked: &Asked) -> Try {
    Try { before: 0, keyed: asked.key.is_some(), now: wall::now(), random: rand::random() }
}

/// The reply to a repetition, of what is known.
fn stood(app: &App, saved: Arc<Saved>, standing: Standing) -> Result<Reply, Problem> {
    let next = || app.next.as_ref().map_or_else(String::new, |next| next.name().to_owned());
    let told = |error, queued| Told { next: next(), error, queued };
    Ok(match standing {
        // On another instance, or on one that has died a moment ago.
        Standing::Waiting { attempts: 0, due, .. } if due > wall::now() => {
            return Err(idempotency::under_way());
        }
        Standing::Waiting { error, .. } => {
            let unknown = || json!({ "code": "ECONNECT", "message": format!("{} was not reached yet", next()) });
            Reply::Degraded(saved, told(error.unwrap_or_else(unknown), app.queue.is_some()))
        }
        Standing::SetAside(error) => Reply::Degraded(saved, told(error, false)),
        Standing::Over(outcome) => match Outcome::of(outcome) {
            Outcome::Answer(answer) => Reply::Passed(saved, answer),
            Outcome::Error(error) => Reply::Degraded(saved, told(error, false)),
        },
        Standing::None => Reply::Ended(saved),
    })
}
