//! The HTTP face of insight: `POST /v1/insight`. A national id is in the body, never in the path.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use tokio::time::Instant;

use super::{InsightFace, json};
use crate::gateway::api_http::{expect_json, read};
use crate::gateway::openapi;
use crate::gateway::refusal::Refusal;

/// The route of insight.
pub(in crate::gateway) fn router(insight: Arc<InsightFace>) -> Router {
    Router::new()
        .route("/v1/insight", post(get_insight))
        .with_state(insight)
}

/// What does each register hold about the person?
///
/// Asks every register, live. Those whose method is `LIVE_QUERY` are told of here, table by table;
/// of the others the method says how to go on: by a dialog (`POST /v1/cases`), or at `link`.
#[utoipa::path(
    post,
    path = "/v1/insight",
    tag = "citizen",
    request_body = json::GetInsight,
    responses(
        (status = 200, description = "What every register holds, or how to get to see it.",
            body = json::Insight),
        openapi::RegistrationErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(in crate::gateway) async fn get_insight(
    State(insight): State<Arc<InsightFace>>,
    request: Request,
) -> Result<Response, Refusal> {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let admitted = insight.face.admit(&parts.headers, arrived).await?;
    let asked = async {
        expect_json(&parts.headers)?;
        json::GetInsight::read(&read(body).await?)
    };
    let asked = asked
        .await
        .map_err(|refusal| insight.face.refused(refusal))?;
    let (id, deadline) = (&asked.national_id, asked.deadline_ms);
    let told = insight.get(&admitted, id, deadline, arrived).await?;
    Ok(Json(json::Insight::from(told)).into_response())
}
