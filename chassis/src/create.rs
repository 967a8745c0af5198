//! `POST /create?count=N`: one order, followed through.

use crate::accept::Form;
use crate::app::App;
use crate::chaos::{Phase, Target};
use crate::deadline::Deadline;
use crate::finish::Finish;
use crate::handled::Visit;
use crate::hop::{Missed, Next, Told};
use crate::idempotency::{self, Held};
use crate::input;
use crate::problem::Problem;
use crate::queue::Outcome;
use crate::queue::end::Try;
use crate::record::Record;
use crate::reply::{INJECTED, Reply};
use crate::store::{End, Entry, HandOver, Inserted, Known, RequestKey, Saved, Standing};
use crate::trace::TraceContext;
use crate::wall;
use axum::extract::{Extension, Request, State};
use axum::http::HeaderValue;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tracing::{Instrument as _, error, info};

/// An order that has come in, and what it holds on its way.
#[derive(Debug)]
struct Taken<R> {
    _place: OwnedSemaphorePermit,
    key: Option<Held>,
    deadline: Deadline,
    record: R,
}

pub(crate) async fn create<R: Record>(
    State(app): State<Arc<App>>,
    Extension(trace): Extension<TraceContext>,
    request: Request,
) -> Response {
    let form = Form::wanted(request.headers());
    let mut visit = Visit::begin(Arc::clone(&app), trace);
    let taken = match take::<R>(&app, &mut visit, request).await {
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
        let mut replayed = false;
        let following = follow(&app, &mut visit, &taken, &mut replayed);
        let result = AssertUnwindSafe(following).catch_unwind().await.unwrap_or_else(|_| {
            error!("a request panicked: see the standard error");
            Err(Problem::ours())
        });
        let mut response = visit.end(result, form);
        if replayed {
            response.headers_mut().insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
        }
        drop(taken);
        response
    };
    let followed = AssertUnwindSafe(followed).catch_unwind().in_current_span();
    Finish::new(followed).await.unwrap_or_else(|_| Problem::ours().into_response())
}

/// Takes an order in, and a place for it among the requests that may be under way.
async fn take<R: Record>(app: &App, visit: &mut Visit, request: Request) -> Result<Taken<R>, Problem> {
    let place = app.place()?;
    let (head, body) = request.into_parts();
    visit.hop = input::count(&head.uri)?.saturating_add(1);
    let key = idempotency::of(&head.headers)?;
    let deadline = Deadline::of(&head.headers, visit.came())?;
    let record = input::document::<R>(&head.headers, body).await?;
    visit.target = Some(Target::new(&app.chaos, (head.method, head.uri, head.headers), visit.trace.id));
    let key = key.as_deref().map(|key| app.keys.hold(key)).transpose()?;
    Ok(Taken { _place: place, key, deadline, record })
}

async fn follow<R: Record>(
    app: &App,
    visit: &mut Visit,
    taken: &Taken<R>,
    replayed: &mut bool,
) -> Result<Reply, Problem> {
    if taken.deadline.is_spent(Instant::now()) {
        return Err(Deadline::spent());
    }
    let part = if visit.hop < app.jumps { taken.record.next() } else { None };
    let way = app.next.as_ref().zip(part);
    info!("🍀 saving {}...", app.id);
    let first = first(taken);
    let entry = Arc::new(entry(app, visit, taken, way.filter(|_| app.queue.is_some()), first)?);
    let (saved, standing) = match visit.save(Arc::clone(&entry)).await? {
        Inserted::Kept => (Arc::clone(&entry.saved), Standing::None),
        Inserted::Known(known) => {
            let Known { saved, hop, standing } = *known;
            if saved.document != entry.saved.document || hop != visit.hop {
                return Err(idempotency::reused());
            }
            *replayed = true;
            (Arc::new(saved), standing)
        }
    };
    info!(key = %saved.key, "👌 {} {}...", if *replayed { "known already" } else { "success" }, app.id);

    let noted = entry.hand_over.as_ref().filter(|_| !*replayed);
    if let Some(reply) = visit.strike(Phase::After).await {
        if noted.is_some() {
            let error = json!({ "code": INJECTED, "message": "a fault was injected: nothing was sent" });
            app.store.settle(saved.key, first.unasked(error)).await;
        }
        return Ok(reply);
    }
    match (standing, way) {
        (Standing::None, None) if visit.hop >= app.jumps => Ok(Reply::Last),
        (Standing::None, None) => Ok(Reply::Ended(saved)),
        (Standing::None, Some((next, part))) => {
            let result = visit.hand_over(next, saved.key, part, taken.deadline).await;
            let mut queued = false;
            if let Some(noted) = noted {
                let end = first.at(wall::now()).ended(&result);
                queued = matches!(end, End::Missed { .. });
                if queued {
                    info!(key = %saved.key, next = next.name(), "📬 queued");
                }
                if !(noted.foreseen.is_some() && result.as_ref().is_err_and(Missed::is_refusal)) {
                    app.store.settle(saved.key, end).await;
                }
            }
            Ok(match result {
                Ok(answer) => Reply::Passed(saved, answer),
                Err(missed) => Reply::Degraded(saved, missed.told(queued)),
            })
        }
        (known, _) => stood(app, saved, known),
    }
}

fn entry<R: Record>(
    app: &App,
    visit: &Visit,
    taken: &Taken<R>,
    way: Option<(&Next, &Value)>,
    first: Try,
) -> Result<Entry, Problem> {
    let saved = Saved::new(&taken.record).map_err(|error| {
        error!("a record cannot be written as a JSON object: {error}");
        Problem::ours()
    })?;
    let hand_over = way.map(|(next, _)| {
        let (due, foreseen) = match next.foreseen().map(|missed| first.ended(&Err(missed))) {
            Some(End::Missed { due, error, .. }) => (due, Some(error)),
            _ => (wall::after(next.longest()), None),
        };
        HandOver { due, foreseen, trace: Some(visit.trace.kept()) }
    });
    let expires_at = wall::after(app.key_time);
    let request = taken.key.as_ref().map(|held| RequestKey { key: held.key().to_owned(), expires_at });
    Ok(Entry { saved: Arc::new(saved), hop: visit.hop, request, hand_over })
}

/// The first try to hand something on.
fn first<R>(taken: &Taken<R>) -> Try {
    Try { before: 0, keyed: taken.key.is_some(), now: wall::now(), random: rand::random() }
}

/// The reply to a repetition, of what is known.
fn stood(app: &App, saved: Arc<Saved>, standing: Standing) -> Result<Reply, Problem> {
    let next = app.next.as_ref().map_or("nobody", Next::name);
    let told = |error, queued| Told { next: next.to_owned(), error, queued };
    Ok(match standing {
        // On another instance, or on one that has died a moment ago.
        Standing::Waiting { attempts: 0, due, .. } if due > wall::now() => {
            return Err(idempotency::under_way());
        }
        Standing::Waiting { error, .. } => {
            let unknown = || json!({ "code": "ECONNECT", "message": format!("{next} was not reached yet") });
            Reply::Degraded(saved, told(error.unwrap_or_else(unknown), app.queue.is_some()))
        }
        Standing::SetAside(error) => Reply::Degraded(saved, told(error, false)),
        Standing::Over(outcome) => match Outcome::of(outcome) {
            Outcome::Answer(answer) => Reply::Passed(saved, answer.into_owned()),
            Outcome::Error(error) => Reply::Degraded(saved, told(error.into_owned(), false)),
        },
        Standing::None => Reply::Ended(saved),
    })
}
