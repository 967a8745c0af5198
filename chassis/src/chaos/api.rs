//! `/chaos`: what can be asked and changed over HTTP, and the door through which rules meet requests that only read.

use super::rule::{Rule, Wrong};
use super::{Phase, Preset, Refused, Target, View};
use crate::accept::Form;
use crate::app::App;
use crate::input;
use crate::limits;
use crate::problem::Problem;
use crate::reply::{self, Voice};
use crate::trace::TraceContext;
use crate::wall;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use std::sync::Arc;

/// `GET /chaos`
pub(crate) async fn view(State(app): State<Arc<App>>) -> Json<View> {
    Json(app.chaos.view().with_presets())
}

/// `PUT /chaos`
pub(crate) async fn replace(State(app): State<Arc<App>>, request: Request) -> Result<Json<View>, Problem> {
    let (head, body) = request.into_parts();
    Ok(Json(app.chaos.replace(input::change(&head.headers, body).await?)?))
}

/// `PUT /chaos/rules/{name}`
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let name = path(name)?;
    let (head, body) = request.into_parts();
    let rule: Rule = input::change(&head.headers, body).await?;
    if !rule.name.is_empty() && rule.name != name {
        return Err(Problem::field("name", format!("is not the one in the path, {name}")));
    }
    let (is_new, view) = app.chaos.put(Rule { name, ..rule })?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(view)).into_response())
}

/// `DELETE /chaos/rules/{name}`
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    app.chaos.delete(&path(name)?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /chaos/reset`
pub(crate) async fn reset(State(app): State<Arc<App>>) -> Json<View> {
    Json(app.chaos.reset())
}

/// `POST /chaos/enable`
pub(crate) async fn enable(State(app): State<Arc<App>>) -> Json<View> {
    Json(app.chaos.switch(true))
}

/// `POST /chaos/disable`
pub(crate) async fn disable(State(app): State<Arc<App>>) -> Json<View> {
    Json(app.chaos.switch(false))
}

/// `POST /chaos/presets/{name}`
pub(crate) async fn preset(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<View>, Problem> {
    let name = path(name)?;
    let preset = Preset::named(&name).ok_or_else(|| {
        let names = Preset::ALL.map(Preset::name).join(", ");
        Problem::absent(format!("there is no preset {name:?}: expected one of {names}"))
    })?;
    Ok(Json(app.chaos.apply(preset)))
}

fn path(name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    name.map(|Path(name)| name).map_err(|error| Problem::unreadable(error.body_text()))
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wrong { index, wrong: Wrong { field, sentence } } => match index {
                Some(index) => Self::field(&format!("rules[{index}].{field}"), sentence),
                None => Self::field(field, sentence),
            },
            Refused::Absent => Self::absent("there is no rule of this name: see GET /chaos"),
            Refused::Full => {
                let detail = format!("there are {} rules, as many as may be: delete one", limits::RULES);
                Self::new(StatusCode::CONFLICT, detail)
            }
        }
    }
}

/// Goes before the routes that only read, which a rule has to name to strike them. `POST /create` asks the rules by
/// itself: it knows what comes before the save, and what after.
pub(crate) async fn strike(
    State(app): State<Arc<App>>,
    Extension(trace): Extension<TraceContext>,
    request: Request,
    next: Next,
) -> Response {
    if app.chaos.is_idle() {
        return next.run(request).await;
    }
    let head = (request.method().clone(), request.uri().clone(), request.headers().clone());
    let form = Form::wanted(request.headers());
    let fault = |ending| {
        let time = wall::minutes_and_seconds(wall::now());
        reply::fault(Voice { id: &app.id, time: &time, form, strict: app.strict_status }, ending)
    };
    let mut target = Target::new(&app.chaos, head, trace.id);
    let mut response = match target.meet(Phase::Before).await {
        Some(ending) => fault(ending),
        None => {
            let response = next.run(request).await;
            let ending = target.meet(Phase::After).await;
            ending.map_or(response, fault)
        }
    };
    target.mark(&mut response);
    response
}
