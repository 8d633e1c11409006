//! Who has used a person's data, as every register's log has it, and whether the logs hold.

mod proof;
mod render;

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::visit::{Chosen, Visit};
use crate::processes::http;
use crate::receipts;
use crate::world::World;

/// What the form sends. The receipts of the reading before, as JSON, are in the page that the
/// person has, and nowhere else.
#[derive(Deserialize)]
pub(super) struct Read {
    #[serde(flatten)]
    chosen: Chosen,
    #[serde(default)]
    receipts: String,
}

/// The log of use at every register.
pub(super) async fn show(State(world): State<Arc<World>>, Form(read): Form<Read>) -> Response {
    let visit = match Visit::begin(&world, read.chosen).await {
        Ok(visit) => visit,
        Err(page) => return *page,
    };
    let before: Vec<String> = serde_json::from_str(&read.receipts).unwrap_or_default();
    let uses = visit.caller.uses(&visit.question, before.clone()).await;
    let uses = uses.map(|uses| (receipts::kept(&before, &uses), uses));
    Html(render::uses(&visit, uses).into_string()).into_response()
}

/// What the form of a file sends.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(flatten)]
    chosen: Chosen,
    form: FileForm,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FileForm {
    Csv,
    Fhir,
}

impl FileForm {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Fhir => "application/fhir+json",
        }
    }

    const fn disposition(self) -> &'static str {
        match self {
            Self::Csv => "attachment; filename=\"bruk.csv\"",
            Self::Fhir => "attachment; filename=\"bruk.fhir.json\"",
        }
    }
}

/// The same as a file, from the gateway's JSON face. It is a reading of its own.
pub(super) async fn file(State(world): State<Arc<World>>, Form(wanted): Form<Wanted>) -> Response {
    let visit = match Visit::begin(&world, wanted.chosen).await {
        Ok(visit) => visit,
        Err(page) => return *page,
    };
    match fetched(&world, &visit, wanted.form).await {
        Ok(body) => {
            let headers = [
                (header::CONTENT_TYPE, wanted.form.media_type()),
                (header::CONTENT_DISPOSITION, wanted.form.disposition()),
            ];
            (headers, body).into_response()
        }
        Err(error) => {
            let page = Html(render::no_file(&visit, &error).into_string());
            (StatusCode::BAD_GATEWAY, page).into_response()
        }
    }
}

async fn fetched(world: &World, visit: &Visit, form: FileForm) -> anyhow::Result<Vec<u8>> {
    let answer = http()?
        .post(format!("{}/v1/uses", world.gateway_url()))
        .header("authorization", visit.question.authorization.as_bytes())
        .header("accept", form.media_type())
        .json(&json!({ "nationalId": visit.question.national_id }))
        .send()
        .await?;
    let status = answer.status();
    anyhow::ensure!(status.is_success(), "the gateway answered {status}");
    Ok(answer.bytes().await?.to_vec())
}
