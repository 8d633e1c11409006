//! What the HTTP face of dialogs reads and writes.

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use innsyn_proto::wire::citizen::v1 as citizen;
use innsyn_proto::wire::types::v1 as types;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CaseRefusal, Said, To};
use crate::gateway::refusal::Refusal;
use crate::gateway::words;

/// A request that opens a case.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::gateway) struct OpenCase {
    /// The person whose case it is, eleven digits. Must be the one that the token is for.
    pub(super) national_id: String,
    /// The register, as the catalogue has it.
    pub(super) register_id: String,
    pub(super) kind: Kind,
    /// Names the message: 16 random bytes as 32 of 0-9 and a-f, made by the caller and kept until it
    /// has the receipt.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub(super) message_id: String,
    /// 1 to 4000 bytes.
    pub(super) text: String,
    /// At most four, of 262144 bytes together.
    #[serde(default)]
    pub(super) attachments: Vec<Attachment>,
}

/// A message in a case, or an appeal.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::gateway) struct CaseMessage {
    pub(super) national_id: String,
    pub(super) register_id: String,
    /// The case, as the list of cases gives it.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub(super) case_id: String,
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub(super) message_id: String,
    pub(super) text: String,
    #[serde(default)]
    pub(super) attachments: Vec<Attachment>,
}

/// Whose cases are asked for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::gateway) struct ListCases {
    pub(super) national_id: String,
    /// How long to wait for registers, in milliseconds.
    #[schema(minimum = 200, maximum = 10000, default = 3000)]
    pub(super) deadline_ms: Option<u32>,
}

/// Which case is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::gateway) struct GetCase {
    pub(super) national_id: String,
    pub(super) register_id: String,
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub(super) case_id: String,
    /// Absent for all steps, files without their content; else the number of the one step that is
    /// told, from 1, its files with their content.
    pub(super) step: Option<u32>,
}

/// What is asked for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = CaseKind)]
pub(in crate::gateway) enum Kind {
    Insight,
    Correction,
    Deletion,
    Blocking,
    Reservation,
}

/// A file.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CaseFile)]
pub(in crate::gateway) struct Attachment {
    /// What it is called; no path.
    name: String,
    media_type: String,
    /// Base64; absent where a case is told without its files' content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// How many bytes the content has; not read in a message.
    #[serde(default)]
    bytes: u32,
}

/// Which message is asked for.
#[derive(Deserialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "as they are called in JSON")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::gateway) struct FindMessage {
    pub(super) national_id: String,
    pub(super) register_id: String,
    /// As it was sent.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub(super) message_id: String,
}

/// Where the message is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CaseDelivered)]
pub(in crate::gateway) struct Delivered {
    /// `RECEIVED` or `WAITING`.
    delivery: &'static str,
    /// The same for people, in bokmål and in English.
    text_nb: &'static str,
    text_en: &'static str,
    /// Absent while the message waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<Summary>,
    /// What the register signed of it; absent while the message waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
}

/// A case as it stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CaseSummary)]
pub(in crate::gateway) struct Summary {
    case_id: String,
    kind: &'static str,
    state: &'static str,
    /// How it stands against the law's limit.
    standing: &'static str,
    received_at: String,
    last_at: String,
    /// The last day on which the answer is in time.
    due: String,
    extended: bool,
    steps: u32,
}

/// The person's cases at every register.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CaseAccount)]
pub(in crate::gateway) struct Cases {
    /// One for each register, in the order of the catalogue.
    registers: Vec<AtRegister>,
    /// Whether every register that can be asked told its cases.
    complete: bool,
}

/// The person's cases at one register, or why it told none.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CasesAtRegister)]
pub(in crate::gateway) struct AtRegister {
    register_id: String,
    /// Absent where the register told its cases, be they none.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    cases: Vec<Summary>,
}

/// A case with what was said in it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CaseTold)]
pub(in crate::gateway) struct Case {
    case: Summary,
    steps: Vec<Step>,
}

/// One step.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CaseStep)]
pub(in crate::gateway) struct Step {
    act: &'static str,
    by: &'static str,
    at: String,
    text: String,
    attachments: Vec<Attachment>,
    receipt: String,
    /// Whether what was said is gone, because the case was closed long ago.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    content_removed: bool,
}

/// Reads a body. What serde says is not passed on: it may quote what was sent.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            CaseRefusal::Body.into()
        } else {
            Refusal::BodyNotJson
        }
    })
}

/// Sixteen bytes that are written as hexadecimal digits; none where they are not.
pub(super) fn id(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_default()
}

impl OpenCase {
    pub(super) fn said(self) -> Result<(Said, To), Refusal> {
        let kind = match self.kind {
            Kind::Insight => types::CaseKind::Insight,
            Kind::Correction => types::CaseKind::Correction,
            Kind::Deletion => types::CaseKind::Deletion,
            Kind::Blocking => types::CaseKind::Blocking,
            Kind::Reservation => types::CaseKind::Reservation,
        };
        let said = Said {
            national_id: self.national_id,
            register_id: self.register_id,
            message_id: id(&self.message_id),
            text: self.text,
            attachments: files(self.attachments)?,
        };
        Ok((said, To::New(kind)))
    }
}

impl CaseMessage {
    /// What is said, to the case that `to` makes something of.
    pub(super) fn said(self, to: impl FnOnce(Vec<u8>) -> To) -> Result<(Said, To), Refusal> {
        let to = to(id(&self.case_id));
        let said = Said {
            national_id: self.national_id,
            register_id: self.register_id,
            message_id: id(&self.message_id),
            text: self.text,
            attachments: files(self.attachments)?,
        };
        Ok((said, to))
    }
}

fn files(files: Vec<Attachment>) -> Result<Vec<types::CaseAttachment>, Refusal> {
    let file = |file: Attachment| {
        let content = BASE64_STANDARD.decode(file.content.unwrap_or_default());
        Ok(types::CaseAttachment {
            name: file.name,
            media_type: file.media_type,
            content: content.map_err(|_| CaseRefusal::Body)?,
            bytes: 0,
        })
    };
    files.into_iter().map(file).collect()
}

impl From<super::Delivered> for Delivered {
    fn from(delivered: super::Delivered) -> Self {
        match delivered {
            super::Delivered::Taken(taken) => Self {
                delivery: "RECEIVED",
                text_nb: "Registeret har mottatt meldingen.",
                text_en: "The register has the message.",
                case: Some(taken.summary.into()),
                receipt: Some(taken.receipt),
            },
            super::Delivered::Waits => Self {
                delivery: "WAITING",
                text_nb: "Meldingen er mottatt for levering og venter på registeret. Fristen \
                          løper fra du sendte den.",
                text_en: "The message is received for delivery and waits for the register. The \
                          time limit runs from when you sent it.",
                case: None,
                receipt: None,
            },
        }
    }
}

impl IntoResponse for Delivered {
    fn into_response(self) -> Response {
        let status = match self.case {
            Some(_) => StatusCode::OK,
            None => StatusCode::ACCEPTED,
        };
        (status, Json(self)).into_response()
    }
}

impl From<types::CaseSummary> for Summary {
    fn from(summary: types::CaseSummary) -> Self {
        Self {
            case_id: hex::encode(&summary.case_id),
            kind: words::word(summary.kind().as_str_name(), "CASE_KIND_"),
            state: words::word(summary.state().as_str_name(), "CASE_STATE_"),
            standing: words::word(summary.standing().as_str_name(), "CASE_STANDING_"),
            received_at: moment(summary.received_at_ms),
            last_at: moment(summary.last_at_ms),
            due: summary.due,
            extended: summary.extended,
            steps: summary.steps,
        }
    }
}

impl From<citizen::ListCasesResponse> for Cases {
    fn from(listed: citizen::ListCasesResponse) -> Self {
        let registers = listed.registers.into_iter().map(|at| {
            let not_told = at.not_told.as_ref();
            AtRegister {
                outcome: not_told.map(|not| words::outcome(not.outcome())),
                reason: not_told.and_then(|not| words::reason(not.reason())),
                register_id: at.register_id,
                cases: at.cases.into_iter().map(Summary::from).collect(),
            }
        });
        Self {
            registers: registers.collect(),
            complete: listed.complete,
        }
    }
}

impl From<types::Case> for Case {
    fn from(case: types::Case) -> Self {
        Self {
            case: case.summary.unwrap_or_default().into(),
            steps: case.steps.into_iter().map(Step::from).collect(),
        }
    }
}

impl From<types::CaseStep> for Step {
    fn from(step: types::CaseStep) -> Self {
        let attachments = step.attachments.iter().map(|file| Attachment {
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            content: (!file.content.is_empty()).then(|| BASE64_STANDARD.encode(&file.content)),
            bytes: file.bytes,
        });
        Self {
            act: words::word(step.act().as_str_name(), "CASE_ACT_"),
            by: words::word(step.by().as_str_name(), "CASE_PARTY_"),
            at: moment(step.at_ms),
            attachments: attachments.collect(),
            text: step.text,
            receipt: step.receipt,
            content_removed: step.content_removed,
        }
    }
}

/// A time as in `2027-01-15T08:00:00Z`.
fn moment(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |at| at.to_string())
}
