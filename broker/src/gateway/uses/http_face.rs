//! The HTTP face: `POST /v1/uses`, as JSON, as a FHIR bundle or as CSV.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use tokio::time::Instant;

use super::super::api_http::{essence, expect_json, read_body};
use super::super::openapi;
use super::super::refusal::Refusal;
use super::{Asked, BODY_BYTES_MAX, UsesFace, audit_event, csv, json};

/// The media type of FHIR in JSON.
const FHIR: &str = "application/fhir+json";
const CSV: &str = "text/csv";

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Fhir,
    Csv,
}

/// Who has used the person's data?
///
/// Reads the log of use at every register, live, and checks it. The reading is itself logged there.
/// `Accept: application/fhir+json` gives a bundle of FHIR R4 `AuditEvent`, `Accept: text/csv` a table;
/// both hold the uses of the registers whose logs were verified.
#[utoipa::path(
    post,
    path = "/v1/uses",
    tag = "citizen",
    request_body = json::ListUses,
    responses(
        (status = 200, description = "Every register's log about the person, and what was checked.",
            content(
                (json::Uses<'static> = "application/json"),
                (String = "application/fhir+json"),
                (String = "text/csv"),
            )),
        openapi::RegistrationErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(in crate::gateway) async fn list_uses(
    State(face): State<Arc<UsesFace>>,
    request: Request,
) -> Result<Response, Refusal> {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let form = wanted(&parts.headers);
    let asked = async {
        form?;
        expect_json(&parts.headers)?;
        let body = read_body(body, BODY_BYTES_MAX).await?;
        let asked = json::ListUses::read(&body)?;
        let asked = Asked {
            national_id: &asked.national_id,
            since: asked.since.as_deref(),
            deadline_ms: asked.deadline_ms,
            receipts: &asked.receipts,
            with_proofs: asked.with_proofs,
        };
        asked.read()
    };
    let (subject, uses) = face.list(&parts.headers, asked, arrived).await?;
    let typed = |content_type, body: Vec<u8>| {
        ([(header::CONTENT_TYPE, content_type)], body).into_response()
    };
    Ok(match form? {
        Form::Json => Json(json::Uses::new(&uses)).into_response(),
        Form::Fhir => typed(FHIR, audit_event::bundle(&uses, &subject)),
        Form::Csv => typed("text/csv; charset=utf-8", csv::table(&uses)),
    })
}

/// The form that the caller wants. Without a wish, JSON.
fn wanted(headers: &HeaderMap) -> Result<Form, Refusal> {
    let mut wishes = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(essence)
        .peekable();
    if wishes.peek().is_none() {
        return Ok(Form::Json);
    }
    wishes
        .find_map(|wish| match wish.as_str() {
            FHIR => Some(Form::Fhir),
            CSV => Some(Form::Csv),
            "application/json" | "application/*" | "*/*" => Some(Form::Json),
            _ => None,
        })
        .ok_or(Refusal::NotAcceptable)
}
