//! What every request goes through, in and out: its trace is taken in, stands in each line that is logged on its way, and
//! is named in the answer; and it is counted.

use crate::app::App;
use crate::problem::Problem;
use crate::trace::{TRACE_ID, TraceContext};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::{Instrument as _, error_span};

pub(crate) async fn enter(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let trace = TraceContext::of(request.headers(), &app.watch);
    let id = trace.id.to_string();
    // Of the level that is logged whenever anything is, so that no line is without it.
    let span = error_span!("request", trace = %id);
    request.extensions_mut().insert(trace);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let came = Instant::now();
    let mut response = next.run(request).instrument(span).await;

    // A problem names the trace in its body, too: that is what people copy.
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = problem.with("trace_id", &*id).into_response().into_body();
    }
    let route = route.as_ref().map(MatchedPath::as_str);
    app.metrics.request(&method, route, response.status().as_u16(), came.elapsed());
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(TRACE_ID, id);
    }
    response
}
