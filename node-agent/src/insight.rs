//! Insight by live query: what the register holds about a person, shown to them.
//!
//! ```text
//!   service ─ over the cap? ─▶ decide ─▶ look into the source ─▶ log of use, durable ─▶ answer
//!                                └─ no: log that, durable ─▶ refuse
//! ```
//!
//! What is shown stands in the configuration's `[insight]`: the register's own tables, column by
//! column, in words that people understand.
//!
//! What holds:
//!
//! - **Nobody looks without a clearance**, and it is used up by the look.
//! - **No answer without an entry**, and a refusal leaves one too.
//! - **Withheld is looked at and thrown away**, so that the work tells nothing.
//! - **Answers have the size that the gateway names**, and come at whole steps of [`ANSWER_EVERY`]
//!   after the call, so that neither tells who is in the register.
//! - **A register that shows nothing answers alike**, with no tables.
//! - **Nothing is kept** but the entry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::{
    Clock, Decision, NumberRules, PersonUse, Purpose, Register, Settings, UseDecision, UseRecord,
    decide,
};
use innsyn_proto::convert::question_from_wire;
use innsyn_proto::wire::node::v1 as wire;
use innsyn_proto::wire::types::v1 as types;
use prost::Message as _;
use wire::InsightRefusal;

mod service;
#[cfg(test)]
mod tests;

pub use service::InsightFace;

use crate::config::InsightTable;
use crate::sources::{AboutPerson, RowsAbout};
use crate::uselog::UseLog;

/// The step at which answers leave.
const ANSWER_EVERY: Duration = Duration::from_millis(500);
/// The longest answer, in bytes; rows that do not fit are left out, and that is said.
const ANSWER_BYTES_MAX: usize = 240 * 1024;

/// What insight is made of.
pub struct InsightParts {
    /// The register.
    pub register: Register,
    /// By which national ids are read.
    pub rules: NumberRules,
    /// The log.
    pub log: Arc<UseLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is shown, and where it is looked for; nothing where the register shows nothing live.
    pub shows: Option<(Arc<[InsightTable]>, AboutPerson)>,
}

impl fmt::Debug for InsightParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsightParts")
            .field("register", &self.register.id)
            .finish_non_exhaustive()
    }
}

/// Shows people what the register holds about them.
#[derive(Debug)]
pub struct Insight(InsightParts);

impl Insight {
    /// Insight made of `parts`.
    pub const fn new(parts: InsightParts) -> Self {
        Self(parts)
    }

    /// The answer to `who`; the use is in the log, durable, before this returns.
    pub(super) async fn show(
        &self,
        who: &wire::Question,
        is_within_caps: bool,
    ) -> wire::ShowInsightResponse {
        let refused = |refusal: InsightRefusal| wire::ShowInsightResponse {
            refusal: refusal.into(),
            ..wire::ShowInsightResponse::default()
        };
        let parts = &self.0;
        let question = match question_from_wire(who, parts.rules) {
            Ok(question) if question.request.purpose == Purpose::OwnInsight => question,
            _ => return refused(InsightRefusal::Malformed),
        };
        let now = parts.clock.now();
        let (looked, decided) = if is_within_caps {
            // The person's settings are about others' use of the data, not about their own insight.
            match decide(
                &question.request,
                &parts.register,
                Settings::Known(&[]),
                now,
            ) {
                Decision::Allow(clearance) => match self.look(clearance).await {
                    Some(tables) => (Some(tables), UseDecision::Answered),
                    None => (None, UseDecision::SourceUnavailable),
                },
                Decision::Withhold(clearance, reason) => {
                    let _thrown_away = self.look(clearance).await;
                    (None, UseDecision::Withheld(reason))
                }
                Decision::Deny(reason) => (None, UseDecision::Denied(reason)),
            }
        } else {
            (None, UseDecision::OverCap)
        };
        let record = UseRecord::of_person(
            PersonUse::Insight,
            question.id,
            &question.request,
            decided,
            parts.clock.now(),
        );
        let leaf = match parts.log.append(vec![record]).await {
            Ok(leaves) => leaves.first().copied().unwrap_or_default(),
            Err(error) => {
                tracing::error!(%error, "insight is not given: the log of use cannot be written");
                return refused(InsightRefusal::LogUnavailable);
            }
        };
        match (looked, decided) {
            (Some(tables), _) => wire::ShowInsightResponse {
                tables,
                use_log_leaf: leaf.to_vec().into(),
                ..wire::ShowInsightResponse::default()
            },
            (None, UseDecision::OverCap) => refused(InsightRefusal::OverCap),
            (None, UseDecision::SourceUnavailable) => refused(InsightRefusal::SourceUnavailable),
            (None, _) => refused(InsightRefusal::Denied),
        }
    }

    /// What there is about the person of `clearance`; `None` where the source cannot be read.
    async fn look(&self, clearance: innsyn_policy::Clearance) -> Option<Vec<types::InsightTable>> {
        let Some((tables, source)) = &self.0.shows else {
            return Some(Vec::new());
        };
        match source.look(clearance, tables).await {
            Ok(about) => {
                let told = tables.iter().zip(about);
                Some(fitted(
                    told.map(|(table, about)| to_wire(table, about)).collect(),
                ))
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "insight is not given: the source cannot be read"
                );
                None
            }
        }
    }
}

fn to_wire(table: &InsightTable, about: RowsAbout) -> types::InsightTable {
    let columns = table.column.iter().map(|column| types::InsightColumn {
        label: column.label.clone(),
        label_en: column.label_en.clone(),
        about: column.about.clone(),
        about_en: column.about_en.clone(),
    });
    let rows = about.rows.into_iter();
    types::InsightTable {
        title: table.title.clone(),
        title_en: table.title_en.clone(),
        about: table.about.clone(),
        about_en: table.about_en.clone(),
        columns: columns.collect(),
        rows: rows.map(|values| types::InsightRow { values }).collect(),
        truncated: about.truncated,
    }
}

/// The tables with no more rows than an answer holds.
fn fitted(mut tables: Vec<types::InsightTable>) -> Vec<types::InsightTable> {
    let bytes = |tables: &[types::InsightTable]| -> usize {
        tables.iter().map(|table| table.encoded_len() + 8).sum()
    };
    while bytes(&tables) > ANSWER_BYTES_MAX {
        let longest = tables.iter_mut().max_by_key(|table| table.encoded_len());
        match longest.filter(|table| !table.rows.is_empty()) {
            Some(table) => {
                table.rows.truncate(table.rows.len() / 2);
                table.truncated = true;
            }
            None => break,
        }
    }
    tables
}
