//! What people are told of a setting that was said on paper, in JSON.

use innsyn_proto::wire::types::v1 as types;
use serde::Serialize;
use utoipa::ToSchema;

/// A setting that was said on paper: two clerks of the register, and the paper.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OnPaper {
    /// Who entered it.
    entered_by: String,
    /// Who confirmed it.
    confirmed_by: String,
    /// The date on the paper.
    #[schema(format = Date)]
    dated: String,
    /// Where the paper is kept.
    archive: String,
    /// Why it was entered.
    reason: String,
}

impl OnPaper {
    pub(super) fn of(paper: &types::SaidOnPaper) -> Self {
        Self {
            entered_by: paper.entered_by.clone(),
            confirmed_by: paper.confirmed_by.clone(),
            dated: paper.dated.clone(),
            archive: paper.archive.clone(),
            reason: paper.reason.clone(),
        }
    }
}
