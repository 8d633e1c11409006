//! The HTTP face of dialogs: JSON. A national id is in the body, never in the path.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{BODY_BYTES_MAX, CasesFace, Said, To, json};
use crate::gateway::api_http::{expect_json, read_body};
use crate::gateway::face::Admitted;
use crate::gateway::openapi;
use crate::gateway::refusal::Refusal;

/// The routes of dialogs.
pub(in crate::gateway) fn router(cases: Arc<CasesFace>) -> Router {
    Router::new()
        .route("/v1/cases", post(open))
        .route("/v1/cases/messages", post(message))
        .route("/v1/cases/appeal", post(appeal))
        .route("/v1/cases/list", post(list))
        .route("/v1/cases/get", post(get_case))
        .route("/v1/cases/delivery", post(find))
        .with_state(cases)
}

/// Opens a case at one register.
///
/// Where the register is absent, the message waits for it: 202, and `/v1/cases/delivery` tells when
/// it has come. 503 with `CASE_NOT_DELIVERED` means that nobody has it: send it again with the same
/// `messageId`, and it is opened once whatever became of the first.
#[utoipa::path(
    post,
    path = "/v1/cases",
    tag = "dialogs",
    request_body = json::OpenCase,
    responses(
        (status = 200, description = "The register has it.", body = json::Delivered),
        (status = 202, description = "It waits for the register.", body = json::Delivered),
        openapi::CaseErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(in crate::gateway) async fn open(
    State(cases): State<Arc<CasesFace>>,
    request: Request,
) -> Result<Response, Refusal> {
    say(&cases, request, json::OpenCase::said).await
}

/// Adds a message to an open case.
#[utoipa::path(
    post,
    path = "/v1/cases/messages",
    tag = "dialogs",
    request_body = json::CaseMessage,
    responses(
        (status = 200, description = "The register has it.", body = json::Delivered),
        (status = 202, description = "It waits for the register.", body = json::Delivered),
        openapi::CaseErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(in crate::gateway) async fn message(
    State(cases): State<Arc<CasesFace>>,
    request: Request,
) -> Result<Response, Refusal> {
    let said = |asked: json::CaseMessage| asked.said(To::Message);
    say(&cases, request, said).await
}

/// Appeals an answered case, once.
#[utoipa::path(
    post,
    path = "/v1/cases/appeal",
    tag = "dialogs",
    request_body = json::CaseMessage,
    responses(
        (status = 200, description = "The register has it.", body = json::Delivered),
        (status = 202, description = "It waits for the register.", body = json::Delivered),
        openapi::CaseErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(in crate::gateway) async fn appeal(
    State(cases): State<Arc<CasesFace>>,
    request: Request,
) -> Result<Response, Refusal> {
    let said = |asked: json::CaseMessage| asked.said(To::Appeal);
    say(&cases, request, said).await
}

/// Which cases has the person, and where do they stand?
///
/// Asks every register, live, and accounts for each.
#[utoipa::path(
    post,
    path = "/v1/cases/list",
    tag = "dialogs",
    request_body = json::ListCases,
    responses(
        (status = 200, description = "Every register's cases.", body = json::Cases),
        openapi::CaseErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(in crate::gateway) async fn list(
    State(cases): State<Arc<CasesFace>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (admitted, asked, arrived) = read::<json::ListCases>(&cases, request).await?;
    let (id, deadline) = (&asked.national_id, asked.deadline_ms);
    let listed = cases.list_cases(&admitted, id, deadline, arrived).await?;
    Ok(Json(json::Cases::from(listed)).into_response())
}

/// One case with what was said in it.
#[utoipa::path(
    post,
    path = "/v1/cases/get",
    tag = "dialogs",
    request_body = json::GetCase,
    responses(
        (status = 200, description = "The case.", body = json::Case),
        openapi::CaseErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(in crate::gateway) async fn get_case(
    State(cases): State<Arc<CasesFace>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (admitted, asked, _) = read::<json::GetCase>(&cases, request).await?;
    let (id, register) = (&asked.national_id, &asked.register_id);
    let (case, step) = (json::id(&asked.case_id), asked.step.unwrap_or(0));
    let case = cases.get(&admitted, id, register, case, step).await?;
    Ok(Json(json::Case::from(case)).into_response())
}

/// Where is a message that was sent to a register?
///
/// Asks the register, live; until that has said that it has it, the message waits.
#[utoipa::path(
    post,
    path = "/v1/cases/delivery",
    tag = "dialogs",
    request_body = json::FindMessage,
    responses(
        (status = 200, description = "The register has it.", body = json::Delivered),
        (status = 202, description = "It waits for the register.", body = json::Delivered),
        openapi::CaseErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(in crate::gateway) async fn find(
    State(cases): State<Arc<CasesFace>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (admitted, asked, _) = read::<json::FindMessage>(&cases, request).await?;
    let (id, register) = (&asked.national_id, &asked.register_id);
    let message = json::id(&asked.message_id);
    let found = cases.find(&admitted, id, register, message).await?;
    Ok(json::Delivered::from(found).into_response())
}

/// Has one register take what `said` reads from the body.
async fn say<T: DeserializeOwned>(
    cases: &Arc<CasesFace>,
    request: Request,
    said: impl FnOnce(T) -> Result<(Said, To), Refusal>,
) -> Result<Response, Refusal> {
    let (admitted, asked, _) = read::<T>(cases, request).await?;
    let (words, to) = said(asked).map_err(|refusal| cases.face.refused(refusal))?;
    let delivered = cases.say(&admitted, words, to).await?;
    Ok(json::Delivered::from(delivered).into_response())
}

/// Looks at the token, and then reads the body.
async fn read<T: DeserializeOwned>(
    cases: &CasesFace,
    request: Request,
) -> Result<(Admitted, T, Instant), Refusal> {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let admitted = cases.admit(&parts.headers, arrived).await?;
    let asked = async {
        expect_json(&parts.headers)?;
        json::read(&read_body(body, BODY_BYTES_MAX).await?)
    };
    let asked = asked.await.map_err(|refusal| cases.face.refused(refusal))?;
    Ok((admitted, asked, arrived))
}
