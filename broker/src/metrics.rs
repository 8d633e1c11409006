//! The metrics of the program, as Prometheus reads them.
//!
//! Each part registers its own; this module only serves them. Labels are bounded everywhere: an
//! outcome, a reason, a cause. Never a register together with an outcome, and never a person.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

/// A route that serves `registry` at `/metrics`.
pub fn router(registry: Arc<Registry>) -> Router {
    Router::new()
        .route("/metrics", get(expose))
        .with_state(registry)
}

async fn expose(State(registry): State<Arc<Registry>>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let mut body = String::new();
    match text::encode(&mut body, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
