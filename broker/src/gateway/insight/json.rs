//! What the HTTP face reads and writes.

use innsyn_proto::wire::citizen::v1 as citizen;
use innsyn_proto::wire::types::v1 as types;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::gateway::refusal::Refusal;
use crate::gateway::words;

/// About whom insight is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::gateway) struct GetInsight {
    /// The national id asked about, eleven digits. Must be the one that the token is for.
    #[schema(min_length = 11, max_length = 11, pattern = "^[0-9]{11}$")]
    pub(super) national_id: String,
    /// How long to wait for registers, in milliseconds.
    #[schema(minimum = 200, maximum = 10000, default = 3000)]
    pub(super) deadline_ms: Option<u32>,
}

impl GetInsight {
    /// Reads the body. What serde says is not passed on: it may quote what was sent.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(body).map_err(|error| {
            if error.is_data() {
                Refusal::BodyNotUnderstood
            } else {
                Refusal::BodyNotJson
            }
        })
    }
}

/// What registers hold about the person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Insight {
    /// Exactly one for each register, in the order of the catalogue.
    registers: Vec<RegisterInsight>,
    /// Whether every register that shows insight live, and can be asked, told it or withheld it.
    complete: bool,
}

/// What one register holds, or how to get to see it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct RegisterInsight {
    register_id: String,
    name: String,
    name_en: String,
    /// `LIVE_QUERY`, `DIALOG` or `LINK`.
    method: &'static str,
    /// Where, if `method` is `LINK`; absent otherwise.
    #[serde(skip_serializing_if = "String::is_empty")]
    link: String,
    /// `LIVE_QUERY` only: why nothing is told; absent where `tables` is all that there is.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// Why the outcome is what it is.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    tables: Vec<Table>,
    /// The hash of the entry that the question left in the register's log of use, as 64
    /// hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    #[serde(skip_serializing_if = "String::is_empty")]
    use_log_leaf: String,
}

/// One table.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Table {
    /// What it is called and what it is, in Norwegian and in English.
    title: String,
    title_en: String,
    about: String,
    about_en: String,
    columns: Vec<Column>,
    /// One value for each column; empty where the register has nothing there.
    rows: Vec<Vec<String>>,
    /// There are more rows than are told.
    truncated: bool,
}

/// One column, in plain words.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Column {
    label: String,
    label_en: String,
    about: String,
    about_en: String,
}

impl From<citizen::GetInsightResponse> for Insight {
    fn from(told: citizen::GetInsightResponse) -> Self {
        Self {
            registers: told.registers.into_iter().map(Into::into).collect(),
            complete: told.complete,
        }
    }
}

impl From<citizen::RegisterInsight> for RegisterInsight {
    fn from(told: citizen::RegisterInsight) -> Self {
        let not_told = told.not_told.as_ref();
        Self {
            method: words::insight_method(told.method()),
            outcome: not_told.map(|not| words::outcome(not.outcome())),
            reason: not_told.and_then(|not| words::reason(not.reason())),
            register_id: told.register_id,
            name: told.name,
            name_en: told.name_en,
            link: told.link,
            tables: told.tables.into_iter().map(Into::into).collect(),
            use_log_leaf: hex::encode(&told.use_log_leaf),
        }
    }
}

impl From<types::InsightTable> for Table {
    fn from(table: types::InsightTable) -> Self {
        let columns = table.columns.into_iter().map(|column| Column {
            label: column.label,
            label_en: column.label_en,
            about: column.about,
            about_en: column.about_en,
        });
        Self {
            title: table.title,
            title_en: table.title_en,
            about: table.about,
            about_en: table.about_en,
            columns: columns.collect(),
            rows: table.rows.into_iter().map(|row| row.values).collect(),
            truncated: table.truncated,
        }
    }
}
