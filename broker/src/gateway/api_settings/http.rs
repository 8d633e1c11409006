//! The JSON face of settings.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use innsyn_proto::wire::citizen::v1 as wire;
use innsyn_proto::wire::types::v1::Channel;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::grpc::{definition, to_wire};
use super::{Wanted, refusal};
use crate::gateway::api_http::{expect_json, read};
use crate::gateway::face::CitizenFace;
use crate::gateway::on_paper::OnPaper;
use crate::gateway::openapi;
use crate::gateway::refusal::Refusal;
use crate::gateway::words;

/// The routes of settings.
pub(in crate::gateway) fn router() -> Router<Arc<CitizenFace>> {
    Router::new()
        .route("/v1/setting-definitions", get(list_setting_definitions))
        .route("/v1/settings", post(list_settings))
        .route("/v1/settings/changes", post(change_setting))
}

/// Whose settings are asked for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListSettings {
    /// The national id asked about, eleven digits. Must be the one that the token is for.
    #[schema(min_length = 11, max_length = 11, pattern = "^[0-9]{11}$")]
    national_id: String,
    /// How long to wait for registers, in milliseconds.
    #[schema(minimum = 200, maximum = 10000, default = 3000)]
    deadline_ms: Option<u32>,
}

/// What is to be changed.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangeSetting {
    /// Whose data: eleven digits. Must be the one that the token is for.
    #[schema(min_length = 11, max_length = 11, pattern = "^[0-9]{11}$")]
    national_id: String,
    /// The definition's GUID.
    definition_id: String,
    /// The version of the text that was shown.
    text_version: u32,
    /// Whether the consent, reservation or block stands from now on.
    active: bool,
    /// Until when it stands (excluded), seconds since 1970-01-01T00:00:00Z.
    until: Option<i64>,
    /// Names the change: 16 random bytes as 32 hexadecimal digits. Asked for again, it is done
    /// once.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    change_id: String,
    /// The signed JWT of a guardian's mandate or a power of attorney, which every register checks and
    /// archives. Not for oneself, and not for parents.
    #[schema(max_length = 2800)]
    representation_proof: Option<String>,
}

/// What can be said yes or no to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Definitions {
    definitions: Vec<Definition>,
}

/// One definition.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Definition {
    id: String,
    /// The party that is responsible for it.
    part_code: String,
    /// The register at which it holds; absent where it holds at every register.
    #[serde(skip_serializing_if = "String::is_empty")]
    register_id: String,
    /// `consent`, `reservation` or `block`.
    kind: &'static str,
    /// What it is called, in Norwegian (bokmål).
    name: String,
    /// What it is called, in English.
    name_en: String,
    legal_ground: String,
    text_version: u32,
    /// Whether one may say until when.
    may_end: bool,
}

/// What became of a change.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Changed {
    /// Orders what was said.
    sequence: i64,
    /// Registers at which it is to hold.
    registers: u32,
}

/// What the person has said, and where it is in effect.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Settings {
    settings: Vec<Standing>,
    /// Exactly one for each register, in the order of the catalogue.
    registers: Vec<AtRegister>,
}

/// What the person has said of one definition last.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Standing {
    definition_id: String,
    active: bool,
    /// Since when, seconds since 1970-01-01T00:00:00Z.
    since: i64,
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    sequence: i64,
    /// Registers where it is in effect.
    effective_at: u32,
    /// Registers where it is to be.
    registers: u32,
    /// `DIGITAL`, or `ANALOGUE` for what was said on paper at one register, which binds there alone.
    channel: &'static str,
    /// The register that has the paper.
    #[serde(skip_serializing_if = "String::is_empty")]
    register_id: String,
    /// By whom and why it was entered.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    paper: Option<OnPaper>,
}

/// What became of the question at one register.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AtRegister {
    register_id: String,
    answered: bool,
    /// Whether the register knows that it has every setting; if not, it refuses secondary use.
    is_current: bool,
    /// Why it did not answer.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// What can be said yes or no to?
#[utoipa::path(
    get,
    path = "/v1/setting-definitions",
    tag = "settings",
    responses(
        (status = 200, description = "The definitions.", body = Definitions),
        openapi::RegisterErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(in crate::gateway) async fn list_setting_definitions(
    State(face): State<Arc<CitizenFace>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    face.admit(&headers, Instant::now()).await?;
    let definitions = face.settings()?.definitions().iter();
    let definitions = definitions
        .map(|it| Definition::of(definition(it)))
        .collect();
    Ok(Json(Definitions { definitions }).into_response())
}

/// Says yes or no.
///
/// Answered when the change is durable; registers follow within a minute, and `POST /v1/settings`
/// tells at how many it is in effect.
#[utoipa::path(
    post,
    path = "/v1/settings/changes",
    tag = "settings",
    request_body = ChangeSetting,
    responses(
        (status = 202, description = "The change is durable.", body = Changed),
        openapi::RegistrationErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(in crate::gateway) async fn change_setting(
    State(face): State<Arc<CitizenFace>>,
    request: Request,
) -> Result<Response, Refusal> {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let admitted = face.admit(&parts.headers, arrived).await?;
    let asked = async {
        expect_json(&parts.headers)?;
        of_json::<ChangeSetting>(&read(body).await?)
    };
    let asked = asked.await.map_err(|refusal| face.refused(refusal))?;
    let (request, _) = face.asked(&admitted, &asked.national_id, None)?;
    let mut change_id = [0; 16];
    let is_named = hex::decode_to_slice(&asked.change_id, &mut change_id).is_ok();
    let wanted = Wanted {
        definition: &asked.definition_id,
        text_version: asked.text_version,
        active: asked.active,
        until: asked.until,
        change_id: is_named.then_some(change_id),
    };
    let wish = wanted.read().map_err(|refusal| face.refused(refusal))?;
    let proof = asked.representation_proof.as_deref().unwrap_or_default();
    let changed = face.settings()?.change_with(&request, wish, proof).await;
    let changed = changed.map_err(|error| face.refused(refusal(error)))?;
    let changed = Changed {
        sequence: changed.sequence,
        registers: u32::try_from(changed.registers).unwrap_or(u32::MAX),
    };
    Ok((http::StatusCode::ACCEPTED, Json(changed)).into_response())
}

/// What has the person said, and where is it in effect?
///
/// Asks every register, live, and answers at the latest at the deadline.
#[utoipa::path(
    post,
    path = "/v1/settings",
    tag = "settings",
    request_body = ListSettings,
    responses(
        (status = 200, description = "What was said last, and every register's answer.",
            body = Settings),
        openapi::RegistrationErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(in crate::gateway) async fn list_settings(
    State(face): State<Arc<CitizenFace>>,
    request: Request,
) -> Result<Response, Refusal> {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let admitted = face.admit(&parts.headers, arrived).await?;
    let asked = async {
        expect_json(&parts.headers)?;
        of_json::<ListSettings>(&read(body).await?)
    };
    let asked = asked.await.map_err(|refusal| face.refused(refusal))?;
    let (request, deadline) = face.asked(&admitted, &asked.national_id, asked.deadline_ms)?;
    let listed = face
        .settings()?
        .list(face.everyone(), &request, deadline)
        .await;
    Ok(Json(Settings::of(to_wire(&face, &listed))).into_response())
}

/// Reads a body. What serde says is not passed on: it may quote what was sent.
fn of_json<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            Refusal::BodyNotUnderstood
        } else {
            Refusal::BodyNotJson
        }
    })
}

impl Definition {
    fn of(definition: wire::SettingDefinition) -> Self {
        let kind = match definition.kind() {
            wire::SettingKind::Consent => "consent",
            wire::SettingKind::Reservation => "reservation",
            wire::SettingKind::Block => "block",
            wire::SettingKind::Unspecified => "",
        };
        Self {
            id: definition.id,
            part_code: definition.part_code,
            register_id: definition.register_id,
            kind,
            name: definition.name,
            name_en: definition.name_en,
            legal_ground: definition.legal_ground,
            text_version: definition.text_version,
            may_end: definition.may_end,
        }
    }
}

impl Settings {
    fn of(listed: wire::ListSettingsResponse) -> Self {
        let settings = listed.settings.into_iter().map(|it| Standing {
            channel: match it.channel() {
                Channel::Analogue => "ANALOGUE",
                Channel::Digital | Channel::Unspecified => "DIGITAL",
            },
            paper: it.paper.as_ref().map(OnPaper::of),
            definition_id: it.definition_id,
            active: it.active,
            since: it.since,
            until: it.until,
            sequence: it.sequence,
            effective_at: it.effective_at,
            registers: it.registers,
            register_id: it.register_id,
        });
        let registers = listed.registers.into_iter().map(|it| AtRegister {
            reason: words::reason(it.reason()),
            register_id: it.register_id,
            answered: it.answered,
            is_current: it.is_current,
        });
        Self {
            settings: settings.collect(),
            registers: registers.collect(),
        }
    }
}
