//! The circuit on the hop to the next service, as it is seen and set over HTTP.
//!
//! One function makes what is shown out of a snapshot; `GET /circuit` and the events show the same. Changes keep what was
//! counted: the calls under way go on, and the window stays.

mod change;
mod in_a_row;
mod view;

pub(crate) use in_a_row::InARow;
pub(crate) use view::{Failure, Last, View};

use crate::app::App;
use crate::input;
use crate::problem::Problem;
use crate::queue::Figures;
use crate::wall::At;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use breaker::Breaker;
use serde::Serialize;
use std::sync::{Arc, Mutex};
use tracing::info;

/// The circuit to the next service.
#[derive(Debug)]
pub(crate) struct Circuit {
    service: &'static str,
    next: String,
    breaker: Breaker,
    in_a_row: InARow,
    /// Held by the one who changes its settings: they are read, and then written.
    changing: Mutex<()>,
}

impl Circuit {
    /// `in_a_row` listens to the breaker.
    pub(crate) fn new(service: &'static str, next: String, breaker: Breaker, in_a_row: InARow) -> Self {
        Self { service, next, breaker, in_a_row, changing: Mutex::default() }
    }

    pub(crate) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Name of the next service.
    pub(crate) fn next(&self) -> &str {
        &self.next
    }

    /// How it is at this moment. Looking changes nothing.
    pub(crate) fn view(&self) -> View<'_> {
        let names = view::Names { service: self.service, circuit: self.breaker.name(), next: &self.next };
        View::of(names, &self.breaker.snapshot(), self.in_a_row.count(), At::now())
    }
}

/// `GET /circuit`
pub(crate) async fn get(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    Ok(shown(&app, of(&app)?))
}

/// `PUT /circuit`: another mode, other settings. What is not named stays as it is.
pub(crate) async fn put(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let circuit = of(&app)?;
    let (head, body) = request.into_parts();
    let wanted = input::change(&head.headers, body).await?;
    if let Some(told) = circuit.change(&wanted)? {
        info!("🔧 {told}");
        app.events.changed("circuit", &told);
    }
    Ok(shown(&app, circuit))
}

fn of(app: &App) -> Result<&Circuit, Problem> {
    let absent = || Problem::absent(format!("{} has no next service, and so no circuit", app.id));
    app.circuit.as_ref().ok_or_else(absent)
}

/// The circuit, and what waits for it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    circuit: View<'a>,
    queue: Option<Figures>,
}

fn shown(app: &App, circuit: &Circuit) -> Response {
    let shown = Shown { circuit: circuit.view(), queue: app.queue_figures() };
    ([(header::CACHE_CONTROL, "no-store")], Json(shown)).into_response()
}
