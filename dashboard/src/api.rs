//! What the page asks of its own server.

use crate::app::App;
use crate::feed::Service;
use crate::limits;
use crate::load::Figures;
use crate::orders::{digits, invent};
use crate::relay;
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chassis::Problem;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /api/events`
pub(crate) async fn events(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    app.feed.join(&headers)
}

/// `GET /api/services`
pub(crate) async fn services(State(app): State<Arc<App>>) -> Fresh<Vec<Service>> {
    Fresh(app.feed.services())
}

/// `GET /api/me`
pub(crate) async fn me(State(app): State<Arc<App>>, request: Request) -> Fresh<Value> {
    let (head, _) = request.into_parts();
    Fresh(json!({ "may_change": app.admin.allows(&head), "token_set": app.admin.asks_for_token() }))
}

/// `GET /api/load`
pub(crate) async fn load(State(app): State<Arc<App>>) -> Fresh<Figures> {
    Fresh(app.load.figures())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    rate: u16,
}

/// `PUT /api/load`
pub(crate) async fn set_load(State(app): State<Arc<App>>, body: Body) -> Result<Fresh<Figures>, Problem> {
    let expected = || format!("expected a whole number from 0 to {}", limits::RATE);
    let Rate { rate } = typed(&relay::read(body).await?, r#"{"rate": 20}"#)?;
    if rate > limits::RATE {
        return Err(Problem::field("rate", expected()));
    }
    app.load.set(rate);
    Ok(Fresh(app.load.figures()))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    count: u32,
}

/// `POST /api/order`
pub(crate) async fn order(State(app): State<Arc<App>>, body: Body) -> Result<Fresh<Value>, Problem> {
    let body = relay::read(body).await?;
    let Wanted { count } = if body.is_empty() { Wanted::default() } else { typed(&body, r#"{"count": 0}"#)? };
    let (order, trace) = (invent(&mut rand::rng()), digits(32));
    let answer = app.orders.send_watched(count, &order, &trace).await;
    let answer = answer.map_err(|missed| app.orders.problem(missed))?;
    let text = || Value::from(String::from_utf8_lossy(&answer.body));
    Ok(Fresh(json!({
        "status": answer.status.as_u16(),
        "took_ms": (answer.took.as_secs_f64() * 1e6).round() / 1e3,
        "trace": trace,
        "degraded": answer.degraded,
        "body": serde_json::from_slice(&answer.body).unwrap_or_else(|_| text()),
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pupil {
    page: String,
}

impl Pupil {
    async fn of(body: Body) -> Result<String, Problem> {
        let Self { page } = typed(&relay::read(body).await?, r#"{"page": "3f2a"}"#)?;
        match page.len() {
            1..=limits::NAME => Ok(page),
            _ => Err(Problem::field("page", format!("expected 1 to {} bytes", limits::NAME))),
        }
    }
}

/// `PUT /api/lesson`
pub(crate) async fn take_lesson(State(app): State<Arc<App>>, body: Body) -> Result<StatusCode, Problem> {
    app.lesson.take(Pupil::of(body).await?).map(|()| StatusCode::NO_CONTENT).map_err(|left| {
        let detail = "a lesson is under way on another page: it changes what this one would";
        Problem::new(StatusCode::CONFLICT, detail).retry_after(left)
    })
}

/// `DELETE /api/lesson`
pub(crate) async fn leave_lesson(State(app): State<Arc<App>>, body: Body) -> Result<StatusCode, Problem> {
    app.lesson.leave(&Pupil::of(body).await?);
    Ok(StatusCode::NO_CONTENT)
}

/// A body as what it should be; `like` is one that is.
fn typed<T: DeserializeOwned>(body: &[u8], like: &str) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!("{error}: expected something like {like}");
        match error.is_data() {
            true => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
            false => Problem::unreadable(detail),
        }
    })
}

/// JSON that is not kept by a browser.
pub(crate) struct Fresh<T>(T);

impl<T: serde::Serialize> IntoResponse for Fresh<T> {
    fn into_response(self) -> Response {
        ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(self.0)).into_response()
    }
}
