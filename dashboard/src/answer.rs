//! Reads what a service answers, within bounds.

use crate::limits;
use axum::http::StatusCode;
use chassis::Problem;
use reqwest::Response;
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missed {
    Unreachable,
    BrokeOff,
    TooLarge,
    /// It took longer than this.
    Slow(Duration),
}

/// The whole body.
pub(crate) async fn whole(response: &mut Response) -> Result<Vec<u8>, Missed> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| Missed::BrokeOff)? {
        if body.len() + piece.len() > limits::ANSWER {
            return Err(Missed::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

impl Missed {
    /// What a client is told.
    pub(crate) fn problem(self, service: &str) -> Problem {
        let (status, detail) = match self {
            Self::Unreachable => (StatusCode::BAD_GATEWAY, format!("{service} could not be reached")),
            Self::BrokeOff => (StatusCode::BAD_GATEWAY, format!("the answer of {service} broke off")),
            Self::TooLarge => (StatusCode::BAD_GATEWAY, format!("the answer of {service} is too large")),
            Self::Slow(time) => {
                let detail = format!("{service} did not answer within {} s", time.as_secs());
                (StatusCode::GATEWAY_TIMEOUT, detail)
            }
        };
        Problem::new(status, detail).with("service", service)
    }
}
